"""Copies of what was sent to one destination whose line loses much, to be sent a little later. Pure.

A line seldom loses single packets: copies that leave together are lost together. They are the same bytes each time, as
SRTP encrypts nothing twice under one number (RFC 3711 9.1), and a receiver drops all but the first that comes (3.3.2).
What a destination may no longer get, as its gate has shut, is forgotten (`clear`)."""

from collections import deque
from collections.abc import Callable

AFTER = (0.01, 0.03, 0.06)
"""Seconds after a packet at which its copies are due: longer than most bursts of losses and shorter than a receiver's
buffer on such a line. They leave with the next look for what is due, up to 10 ms later."""
SOUND, PICTURE = 2, 3
"""How many copies follow: of a lost packet of sound 20 ms are concealed; after one of a picture that is not repaired
Chromium waits three seconds, so that almost none may be lost."""
MOST = 512  # packets kept: more than leave in the time of a copy, even where a keyframe is among them
Kept = tuple[float, bytes]
"""When a packet was sent (monotonic s), and its bytes."""


class LaterCopies:
    """The packets of which copies are still to be sent. `keep` takes one that was just sent, of which so many `copies`
    follow: a bound method of C, as the hot loop calls it."""

    __slots__ = ("_stages", "keep")

    def __init__(self, copies: int = SOUND) -> None:
        self._stages: list[deque[Kept]] = [deque(maxlen=MOST) for _ in range(copies)]
        """The packets whose first copy is due next, whose second, and so on."""
        self.keep: Callable[[Kept], None] = self._stages[0].append

    @property
    def waiting(self) -> bool:
        """Whether a copy is still to be sent."""
        return any(self._stages)

    def keep_repair(self, datagram: bytes, now: float) -> None:
        """Keep a retransmission that was just sent, of which one copy follows."""
        last = len(self._stages) - 1
        self._stages[last].append((now + AFTER[0] - AFTER[last], datagram))

    def take(self, now: float) -> list[bytes]:
        """Return the datagrams that are due at `now`. Copies of one packet never come together, however late this is
        called."""
        found = []
        for stage in range(len(self._stages) - 1, -1, -1):
            packets, due = self._stages[stage], now - AFTER[stage]
            following = self._stages[stage + 1] if stage + 1 < len(self._stages) else None
            while packets and packets[0][0] <= due:
                kept = packets.popleft()
                found.append(kept[1])
                if following is not None:
                    following.append(kept)
        return found

    def clear(self) -> None:
        """Forget all that was kept: it may no longer be sent."""
        for packets in self._stages:
            packets.clear()
