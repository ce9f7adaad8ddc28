"""Decides when the hot loop reads a socket. While packets arrive, it reads once a millisecond all that is there: a
wake-up for each packet costs as much as forwarding it, and a millisecond is less than any network adds. An idle socket
is not polled; the event loop waits for its next packet."""

import asyncio
import socket
from collections.abc import Callable

from broker.kernel.clock import monotonic

INTERVAL = 0.001  # seconds between the starts of two reads, unless the first takes longer
EMPTY_READS = 25  # reads that find nothing, after which the event loop waits for the next packet again


class Poller:
    """Reads one socket while packets arrive. `drain` reads a batch of them and returns whether there were any."""

    def __init__(self, sock: socket.socket, drain: Callable[[socket.socket], bool]) -> None:
        self._sock, self._drain = sock, drain
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._empty = 0
        self._loop.add_reader(sock, self._handle_readable)

    def _handle_readable(self) -> None:
        self._loop.remove_reader(self._sock)
        self._read()

    def _read(self) -> None:
        began, found = monotonic(), True
        try:
            found = self._drain(self._sock)
        finally:  # also after an error: a worker that stops reading would fail all its sessions
            self._go_on(began, found)

    def _go_on(self, began: float, found: bool) -> None:
        self._empty = 0 if found else self._empty + 1
        if self._empty < EMPTY_READS:
            self._timer = self._loop.call_at(began + INTERVAL, self._read)
        else:
            self._timer = None
            self._loop.add_reader(self._sock, self._handle_readable)

    def close(self) -> None:
        """Stop reading the socket, for good."""
        self._loop.remove_reader(self._sock)
        if self._timer is not None:
            self._timer.cancel()
