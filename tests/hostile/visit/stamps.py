"""Notes when RTP packets reach and leave the datagram sockets of this process.

The moment of a packet's arrival is the kernel's (SO_TIMESTAMPNS), so that a late measuring process makes no gap. How
late this process itself was is measured beside it, because what it sends late looks like a gap at the other end.
"""

import asyncio
import socket
import time
from asyncio import selector_events
from collections import deque
from itertools import pairwise
from typing import Any

from tests.support.kernel_stamps import is_rtp, receive, stamp

KEPT = 200_000  # moments, an hour of one room
TICK = 0.01  # seconds between two looks at how late this process is
PAUSE = 0.05  # seconds without a packet that are worth a line


class Stamps:
    """Moments (seconds of CLOCK_REALTIME) at which RTP came and went, and how late this process was."""

    def __init__(self) -> None:
        self.came: deque[float] = deque(maxlen=KEPT)
        self.went: deque[float] = deque(maxlen=KEPT)
        self.late: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def install(self) -> None:
        """Have every datagram socket that asyncio opens from now on noted."""
        stamps, transport = self, selector_events._SelectorDatagramTransport
        made = transport.__init__

        def init(self: Any, loop: Any, sock: socket.socket, *args: Any, **more: Any) -> None:
            stamp(sock)
            made(self, loop, sock, *args, **more)
            self._sock = _Noted(sock, stamps)

        transport.__init__ = init  # type: ignore[method-assign]

    async def watch_lateness(self) -> None:
        """Note how late this process is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            wanted = loop.time() + TICK
            await asyncio.sleep(TICK)
            late = loop.time() - wanted
            if late > PAUSE / 2:
                self.late.append((time.time(), late))

    def between(self, since: float, until: float) -> dict[str, Any]:
        """Return what happened in a stretch of time: numbers of packets, pauses as (begin, seconds), lateness."""
        return {
            "came": sum(since <= moment <= until for moment in self.came),
            "went": sum(since <= moment <= until for moment in self.went),
            "far": pauses(self.came, since, until),
            "own": pauses(self.went, since, until),
            "late": self.lateness(since, until),
        }

    def lateness(self, since: float, until: float) -> float:
        """Return by how many seconds this process was late at most in a stretch of time."""
        return max((late for at, late in self.late if since <= at <= until), default=0.0)


def pauses(moments: "deque[float]", since: float, until: float) -> list[tuple[float, float]]:
    """Return the pauses longer than PAUSE between moments of a stretch of time, its ends included."""
    inside = sorted(moment for moment in moments if since <= moment <= until)
    edges = [since, *inside, until]
    return [(before, round(after - before, 6)) for before, after in pairwise(edges) if after - before > PAUSE]


class _Noted:
    """A datagram socket whose RTP packets are noted; everything else is the socket's own."""

    def __init__(self, sock: socket.socket, stamps: Stamps) -> None:
        self._socket, self._stamps = sock, stamps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        """Receive a datagram; note when the kernel took it, where it is RTP."""
        data, address, moment = receive(self._socket, size)
        if is_rtp(data):
            self._stamps.came.append(moment)
        return data, address

    def sendto(self, data: bytes, address: Any) -> int:
        """Send a datagram, and note it where it is RTP."""
        if is_rtp(data):
            self._stamps.went.append(time.time())
        return self._socket.sendto(data, address)

    def send(self, data: bytes) -> int:
        """Send a datagram on a connected socket, and note it where it is RTP."""
        if is_rtp(data):
            self._stamps.went.append(time.time())
        return self._socket.send(data)
