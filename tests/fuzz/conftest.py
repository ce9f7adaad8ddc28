"""The fixtures of a real worker process for these tests."""

from tests.support.relay.fixtures import front, own_front, worker  # noqa: F401
