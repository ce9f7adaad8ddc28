"""When the hot loop reads: as long as packets come, once a millisecond, all that has come by then. Being woken for each
costs as much as forwarding it, and a millisecond is less than any network adds; where nothing comes, nobody looks."""

import asyncio
import socket
from collections.abc import Callable

from broker.kernel.clock import monotonic

TURN = 0.001  # seconds from the beginning of one look to that of the next, unless the first takes longer
LOOKS = 25  # in vain, until the next packet is waited for again


class Poller:
    """Of one socket. `drain` reads a batch of what it holds, and says whether there was anything."""

    def __init__(self, sock: socket.socket, drain: Callable[[socket.socket], bool]) -> None:
        self._sock, self._drain = sock, drain
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._vain = 0
        self._loop.add_reader(sock, self._woken)

    def _woken(self) -> None:
        self._loop.remove_reader(self._sock)
        self._look()

    def _look(self) -> None:
        began, found = monotonic(), True
        try:
            found = self._drain(self._sock)
        finally:  # whatever broke: a worker that no longer reads would be deaf to all its sessions
            self._go_on(began, found)

    def _go_on(self, began: float, found: bool) -> None:
        self._vain = 0 if found else self._vain + 1
        if self._vain < LOOKS:
            self._timer = self._loop.call_at(began + TURN, self._look)
        else:
            self._timer = None
            self._loop.add_reader(self._sock, self._woken)

    def close(self) -> None:
        """Read no more."""
        self._loop.remove_reader(self._sock)
        if self._timer is not None:
            self._timer.cancel()
