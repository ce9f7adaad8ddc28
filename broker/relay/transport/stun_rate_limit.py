"""What those who have proven nothing may cost: little to read, a bounded number of guesses, and no memory worth
naming."""

import struct

from broker.kernel.token_bucket import TokenBucket

USERNAME = 0x0006
MAX_ATTRIBUTES = 16  # looked at for a name; every client sends it among the first
GUESSES, AT_ONCE = 50, 100  # checks with a wrong password from one host: a second, and in one go
PAUSE = 1.0  # seconds in which a host that guesses too much is not listened to, but where it is known
MAX_HOSTS = 4096  # remembered; the oldest goes


def claimed_ufrag(datagram: bytes) -> str:
    """Our ufrag in the USERNAME of a STUN message (RFC 8445 7.2.2), found without reading the rest; or an empty one."""
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
    """Wrong passwords by the host they came from."""

    def __init__(self) -> None:
        self._hosts: dict[str, TokenBucket] = {}
        self._paused: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._hosts | self._paused)

    def heard(self, host: str, now: float) -> bool:
        """Whether somebody from there may try."""
        return self._paused.get(host, now) <= now

    def wrong(self, host: str, now: float) -> None:
        """That was wrong."""
        if host not in self._hosts:
            self._hosts[host] = TokenBucket(GUESSES, AT_ONCE)
        if not self._hosts[host].take(now):
            self._paused[host] = now + PAUSE
        if len(self._hosts) > MAX_HOSTS:
            oldest = next(iter(self._hosts))
            del self._hosts[oldest]
            self._paused.pop(oldest, None)
