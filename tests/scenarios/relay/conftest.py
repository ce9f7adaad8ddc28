"""A real worker process for these tests, and a database for those with a broker."""

from tests.support.control.fixtures import url  # noqa: F401
from tests.support.recording.fixtures import database  # noqa: F401
from tests.support.relay.fixtures import front, own_front, worker  # noqa: F401
