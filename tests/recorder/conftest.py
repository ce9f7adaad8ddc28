"""Fixtures of these tests: a recorder process and its database."""

from tests.support.recording.fixtures import database, recorder, run_dir  # noqa: F401
