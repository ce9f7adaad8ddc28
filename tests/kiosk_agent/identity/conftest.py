"""The server of these tests is the application of signaling."""

from tests.support.signaling.fixtures import clock, front, made, quick_passwords

__all__ = ["clock", "front", "made", "quick_passwords"]
