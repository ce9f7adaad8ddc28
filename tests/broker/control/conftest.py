"""The store and the clock of these tests."""

from tests.support.control.fixtures import clock, places, store, url  # noqa: F401
