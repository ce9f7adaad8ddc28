"""Tests of the relay: pure parts, then a real worker process with real clients."""
