"""Fixtures of these tests: a recorder process and its database, and the application of signaling that plays films."""

from tests.support.recording.fixtures import database, recorder, run_dir  # noqa: F401
from tests.support.signaling.fixtures import clock, front, made, quick_passwords  # noqa: F401
