"""The listening sockets of the ingress process. The system keeps accepted connections in one queue, in the order in
which they come, and drops what has no room in it: a client then tries again after one second, three and seven. What
stands in the queue is therefore taken out before anything is answered, in large batches, which still leave the loop to
those that are open already; and a connection that has sent nothing does not get into it."""

import asyncio
import errno
import socket
from collections.abc import Callable

import structlog

log = structlog.get_logger("signaling")
BACKLOG = 4096
BATCH = 512
"""Connections that are accepted in one turn of the loop: 10 ms where they were reset meanwhile, 50 ms where each has
sent a request."""
DEFER_SECONDS = 5
"""A connection without a first byte waits so long in the system alone, and a reset takes it away there; then it is
accepted and has the time of `Limits.first_byte_seconds`."""
PAUSE_SECONDS = 0.1
"""Wait after the system had no descriptor or memory for a connection: there is one as soon as another is closed."""
_SHORT_OF = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listener:
    """All sockets of one host and port. `on_connection` is called with each connection and the address it is from."""

    def __init__(self, on_connection: Callable[[socket.socket, str], None], on_shortage: Callable[[], None]) -> None:
        self._on_connection, self._on_shortage = on_connection, on_shortage
        self._sockets: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()

    async def open(self, host: str, port: int) -> int:
        """Listen at every address of `host`; return the port, which the system chooses for 0. Raises OSError."""
        found = await self._loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            listening = socket.socket(family, kind, protocol)
            self._sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((address[0], port, *address[2:]))
            port = port or listening.getsockname()[1]
        for listening in self._sockets:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_SECONDS)
            listening.listen(BACKLOG)
            listening.setblocking(False)
            self._loop.add_reader(listening.fileno(), self._accept, listening)
        return port

    def close(self) -> None:
        """Stop listening; connections that were not accepted are reset."""
        for listening in self._sockets:
            self._loop.remove_reader(listening.fileno())
            listening.close()
        self._sockets.clear()

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                connection, address = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in _SHORT_OF:
                    self._pause(listening)
                return
            connection.setblocking(False)
            self._on_connection(connection, address[0])

    def _pause(self, listening: socket.socket) -> None:
        self._on_shortage()
        self._loop.remove_reader(listening.fileno())
        self._loop.call_later(PAUSE_SECONDS, self._resume, listening)

    def _resume(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            self._loop.add_reader(listening.fileno(), self._accept, listening)
