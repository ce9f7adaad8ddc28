"""A real recorder process and its database for these tests."""

from tests.support.recording.fixtures import database, recorder, run_dir  # noqa: F401
