"""The tests of signaling share the fixtures of tests/support/signaling."""

from tests.support.signaling.fixtures import clock, front, made, quick_passwords, shared_front

__all__ = ["clock", "front", "made", "quick_passwords", "shared_front"]
