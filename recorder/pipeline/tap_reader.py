"""The listening end of the tap: relay workers connect to a SOCK_SEQPACKET socket and send records
(broker/media/tap_format.py). Records are read in batches by a callback of the event loop. A recording that cannot take
a record drops and counts it, so that one slow disk holds up neither the relay nor other recordings."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from broker.media.tap_format import TapRecord, unpack

log = structlog.get_logger()
BATCH = 64  # messages in one callback, so that a busy relay leaves time for the other sockets
REST = 0.02  # seconds between two reads of an empty socket: a callback for each packet costs more than the packet
SILENT = 50  # reads without a record, after which the event loop waits for the socket instead
RECEIVE_BUFFER = 4 << 20
_MESSAGE = 1 << 16


class Tap:
    """Hands every record to `accept`. `records` and `messages` count what was received."""

    def __init__(self, path: Path, accept: Callable[[TapRecord], None]) -> None:
        self.records = self.messages = 0
        self._path, self._accept = path, accept
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()

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
            while self._read(connection) == BATCH:
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
        self._look(connection, 0)

    def _look(self, connection: socket.socket, silent: int) -> None:
        """Read a batch and schedule the next read: at once when there may be more, after REST when the socket is
        empty."""
        if connection not in self._connections:
            return
        read = self._read(connection)
        silent = 0 if read else silent + 1
        if connection in self._connections and silent < SILENT:
            asyncio.get_running_loop().call_later(0.0 if read == BATCH else REST, self._look, connection, silent)
        elif connection in self._connections:
            self._sleep(connection)

    def _read(self, connection: socket.socket) -> int:
        """Read and hand over at most BATCH messages; return how many there were."""
        accept = self._accept
        for count in range(BATCH):
            try:
                message = connection.recv(_MESSAGE)
            except BlockingIOError:
                return count
            except OSError as error:
                log.warning("tap connection lost", why=error)
                message = b""
            if not message:
                self._drop(connection)
                return count
            self.messages += 1
            for record in unpack(message):
                self.records += 1
                accept(record)
        return BATCH

    def _drop(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
