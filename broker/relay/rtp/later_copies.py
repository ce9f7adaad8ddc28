"""Copies of what was sent to one destination whose line loses much, to be sent a little later. Pure.

A line seldom loses single packets: copies that leave together are lost together. They are the same bytes each time, as
SRTP encrypts nothing twice under one number (RFC 3711 9.1), and a receiver drops all but the first that comes (3.3.2).
What a destination may no longer get, as its gate has shut, is forgotten (`clear`)."""

from collections import deque
from collections.abc import Callable

FIRST, SECOND = 0.01, 0.03
"""Seconds after a packet at which its copies are due: longer than most bursts of losses and shorter than a receiver's
buffer on such a line. They leave with the next look for what is due, up to 10 ms later."""
MOST = 512  # packets kept: more than leave in the time of a copy, even where a keyframe is among them
Kept = tuple[float, bytes]
"""When a packet was sent (monotonic s), and its bytes."""


class LaterCopies:
    """The packets of which copies are still to be sent. `keep` takes one that was just sent, of which two follow: a
    bound method of C, as the hot loop calls it."""

    __slots__ = ("_once", "_twice", "keep")

    def __init__(self) -> None:
        self._once: deque[Kept] = deque(maxlen=MOST)
        self._twice: deque[Kept] = deque(maxlen=MOST)
        self.keep: Callable[[Kept], None] = self._once.append

    @property
    def waiting(self) -> bool:
        """Whether a copy is still to be sent."""
        return bool(self._once or self._twice)

    def keep_repair(self, datagram: bytes, now: float) -> None:
        """Keep a retransmission that was just sent, of which one copy follows."""
        self._twice.append((now + FIRST - SECOND, datagram))

    def take(self, now: float) -> list[bytes]:
        """Return the datagrams that are due at `now`. Copies of one packet never come together, however late this is
        called."""
        found = []
        while self._twice and self._twice[0][0] <= now - SECOND:
            found.append(self._twice.popleft()[1])
        while self._once and self._once[0][0] <= now - FIRST:
            kept = self._once.popleft()
            self._twice.append(kept)
            found.append(kept[1])
        return found

    def clear(self) -> None:
        """Forget all that was kept: it may no longer be sent."""
        self._once.clear()
        self._twice.clear()
