"""Sends a picture to a destination on a weak line no faster than the line carries it. A keyframe would otherwise fill
the queue before the line, in which sound waits behind it or is lost. Pure: the packets come from the track's cache.

Packets leave in order and get their numbers and stamps when they leave. One that is missing here is waited for until it
is repaired or given up, so that nothing overtakes it."""

from collections.abc import Container, Sequence

SLACK = 0.02  # seconds that a late look makes up for
AHEAD = 0.1  # seconds of the line that retransmissions may take before others have their turn
OVERHEAD = 60  # bytes of a packet beside what is cached: IP, UDP, SRTP, header extension
Cache = Sequence[tuple[int, bytes] | None]


class Pacing:
    """The pacing of one destination, at `rate` bit/s, from the track's own number `next` on."""

    __slots__ = ("_free_at", "_gap", "last", "next", "rate")

    def __init__(self, rate: float, first: int) -> None:
        self.rate, self.next = rate, first
        self.last: int | None = None
        """The last packet before a pause; None: there is none yet."""
        self._free_at = 0.0
        self._gap: tuple[int, float] | None = None

    def restart(self, first: int) -> None:
        """Go on with the track's packet `first`; what was not sent before never is."""
        self.next, self.last = first, None

    def wait_before(self, number: int, seconds: float) -> None:
        """Let so many seconds pass before the track's packet `number` follows, as what it needs goes before it."""
        self._gap = number, seconds

    def withholds(self, number: int) -> bool:
        """Whether the track's packet `number` is not sent yet."""
        return not (number - self.next) & 0x8000

    def drained(self, newest: int) -> bool:
        """Whether all was sent up to the track's packet `newest`, or up to the pause."""
        return not self.withholds(newest if self.last is None else self.last)

    def take(self, cache: Cache, newest: int, missing: Container[int], now: float) -> list[tuple[int, bytes]]:
        """Return the packets that may leave at `now`, with their numbers, up to `newest`; `missing` are those that are
        awaited. Numbers are the track's own."""
        found = []
        self._free_at = max(self._free_at, now - SLACK)
        last = newest if self.last is None else self.last
        while self._free_at <= now and self.withholds(last):
            if self._gap is not None and not (self.next - self._gap[0]) & 0x8000:
                self._free_at, self._gap = now + self._gap[1], None
                break
            kept = cache[self.next % len(cache)]
            if kept is not None and kept[0] == self.next:
                found.append(kept)
                self._free_at += 8 * (len(kept[1]) + OVERHEAD) / self.rate
            elif self.next in missing:
                break
            self.next = (self.next + 1) & 0xFFFF
        return found

    def spend(self, size: int, now: float) -> bool:
        """Whether a retransmission of so many bytes may leave now; then what follows waits for it."""
        if self._free_at > now + AHEAD:
            return False
        self._free_at = max(self._free_at, now - SLACK) + 8 * (size + OVERHEAD) / self.rate
        return True

    def take_before(self, number: int, cache: Cache) -> list[tuple[int, bytes]]:
        """Return all packets before the track's packet `number`, which is the next one then."""
        count = (number - self.next) & 0xFFFF
        kept = [
            cache[(self.next + step) % len(cache)] for step in range(min(count, len(cache)) if count < 0x8000 else 0)
        ]
        self.next = number
        return [each for each in kept if each is not None and 0 < (number - each[0]) & 0xFFFF <= count]

    def behind(self, cache: Cache, newest: int) -> float:
        """Return the seconds for which the packets up to `newest` will occupy the line."""
        if not self.withholds(newest):
            return 0.0
        count = min((newest - self.next + 1) & 0xFFFF, len(cache))
        sizes = [len(kept[1]) + OVERHEAD for back in range(count) if (kept := cache[(newest - back) % len(cache)])]
        return 8 * sum(sizes) / self.rate
