"""Limits failed STUN checks per host (RFC 8445 7.2.2): clients that have proven no address cost little to parse, get a
bounded number of password guesses, and take bounded memory."""

import struct

from broker.kernel.token_bucket import TokenBucket

USERNAME = 0x0006
MAX_ATTRIBUTES = 16  # read in search of USERNAME; every client sends it among the first
GUESSES, AT_ONCE = 50, 100  # failed password checks of one host: per second, and in a burst
PAUSE = 1.0  # seconds in which checks of a host over the limit are dropped, except from its proven addresses
MAX_HOSTS = 4096  # remembered at a time; the oldest is forgotten first


def claimed_ufrag(datagram: bytes) -> str:
    """Return the relay's ufrag in the USERNAME of a STUN message (RFC 8445 7.2.2), or an empty string.

    Only attribute headers are read: most messages from unknown addresses are dropped on this alone."""
    at = 20
    for _ in range(MAX_ATTRIBUTES):
        if at + 4 > len(datagram):
            break
        kind, size = struct.unpack_from("!HH", datagram, at)
        if kind == USERNAME:
            return datagram[at + 4 : at + 4 + size].partition(b":")[0].decode("ascii", "replace")
        at += 4 + size + (-size % 4)
    return ""


class StunRateLimit:
    """Counts failed password checks per host, and pauses hosts that exceed the limit."""

    def __init__(self) -> None:
        self._hosts: dict[str, TokenBucket] = {}
        self._paused: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._hosts | self._paused)

    def allows(self, host: str, now: float) -> bool:
        """Whether a check from `host` may be verified now."""
        return self._paused.get(host, now) <= now

    def record_failure(self, host: str, now: float) -> None:
        """Record a failed password check from `host`."""
        if host not in self._hosts:
            self._hosts[host] = TokenBucket(GUESSES, AT_ONCE)
        if not self._hosts[host].take(now):
            self._paused[host] = now + PAUSE
        if len(self._hosts) > MAX_HOSTS:
            oldest = next(iter(self._hosts))
            del self._hosts[oldest]
            self._paused.pop(oldest, None)
