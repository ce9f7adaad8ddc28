"""The tests of commands at a server share the real interface of tests/support/signaling."""

from tests.support.signaling.fixtures import clock, front, made, quick_passwords

__all__ = ["clock", "front", "made", "quick_passwords"]
