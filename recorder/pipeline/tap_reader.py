"""The listening end of the tap: relay workers connect to a SOCK_SEQPACKET socket and send records
(broker/media/tap_format.py). Records are read in batches by a callback of the event loop. A recording that cannot take
a record drops and counts it, so that one slow disk holds up neither the relay nor other recordings.

The socket is read at intervals that follow the load, as a callback for each packet costs more than the packet: often
where much arrives, because the relay cannot wait and the kernel's buffer may be small, and seldom where little does."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from broker.media.tap_format import TapRecord, unpack

log = structlog.get_logger()
BATCH = 64  # messages in one callback, so that a busy relay leaves time for the other sockets
SHORTEST, LONGEST = 0.02, 0.1
"""Seconds between two reads of a socket. The longest is what the newest packets wait at most, and are lost with when
the process is killed; recordings are written five times a second."""
WANTED = 64 << 10
"""Bytes that a read should find. Linux allows a writer 416 KiB where nothing is configured (`net.core.wmem_max`) and
reckons small packets at twice their size: room for this and the keyframes of a few sessions at once."""
SILENT = 1.0  # seconds without a record, after which the event loop waits for the socket instead
RECEIVE_BUFFER = 4 << 20
_MESSAGE = 1 << 16


class Tap:
    """Hands every record to `accept`. `records` and `messages` count what was received."""

    def __init__(self, path: Path, accept: Callable[[TapRecord], None]) -> None:
        self.records = self.messages = 0
        self._path, self._accept = path, accept
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._message = bytearray(_MESSAGE)  # `recv` would have to make as many bytes for each message
        self._view = memoryview(self._message)

    def start(self) -> None:
        """Listen on the socket for relay workers. Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen(64)
        asyncio.get_running_loop().add_reader(self._listener, self._connect)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        for connection in list(self._connections):
            self._drop(connection)
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)
            self._listener = None

    def drain(self) -> None:
        """Read everything that has arrived, before recordings are closed."""
        for connection in list(self._connections):
            while self._read(connection)[0] == BATCH:
                continue

    def _connect(self) -> None:
        assert self._listener is not None
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._connections.add(connection)
            self._sleep(connection)
            log.info("relay tapped", taps=len(self._connections))

    def _sleep(self, connection: socket.socket) -> None:
        """Wait for the first record after a silence."""
        asyncio.get_running_loop().add_reader(connection, self._wake, connection)

    def _wake(self, connection: socket.socket) -> None:
        asyncio.get_running_loop().remove_reader(connection)
        self._look(connection, SHORTEST, 0.0, 0)

    def _look(self, connection: socket.socket, rest: float, silent: float, before: int) -> None:
        """Read a batch and schedule the next read: at once when there may be more, after a rest when the socket is
        empty. `rest` is the one before this read, `silent` the seconds without a record until then, `before` the bytes
        that were read since then."""
        if connection not in self._connections:
            return
        messages, size = self._read(connection)
        if connection not in self._connections:
            return
        loop, size = asyncio.get_running_loop(), before + size
        silent = 0.0 if size else silent + rest
        if messages == BATCH:
            loop.call_soon(self._look, connection, rest, silent, size)
        elif silent < SILENT:
            rest = min(max(rest * WANTED / max(size, 1), SHORTEST), LONGEST)
            loop.call_later(rest, self._look, connection, rest, silent, 0)
        else:
            self._sleep(connection)

    def _read(self, connection: socket.socket) -> tuple[int, int]:
        """Read and hand over at most BATCH messages; return how many there were, and their bytes."""
        accept, total = self._accept, 0
        for count in range(BATCH):
            try:
                size = connection.recv_into(self._message)
            except BlockingIOError:
                return count, total
            except OSError as error:
                log.warning("tap connection lost", why=error)
                size = 0
            if not size:
                self._drop(connection)
                return count, total
            total += size
            self.messages += 1
            records = unpack(bytes(self._view[:size]))
            self.records += len(records)
            for record in records:
                accept(record)
        return BATCH, total

    def _drop(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
