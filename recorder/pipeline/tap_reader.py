"""The listening end of the tap: relay workers connect to a SOCK_SEQPACKET socket and send records
(broker/media/tap_format.py). Reading is a callback of the event loop, a batch at a time; what a recording cannot take
is dropped there and counted, so that nobody is ever held up by anybody's disk."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from broker.media.tap_format import TapRecord, unpack

log = structlog.get_logger()
BATCH = 64  # messages a wake-up, so that one busy relay leaves room for the other sockets
REST = 0.02  # seconds without looking at a relay that has been read dry: waking up for each packet costs more than it
SILENT = 50  # looks at which there was nothing, after which we wait for the next record instead of looking
RECEIVE_BUFFER = 4 << 20
_MESSAGE = 1 << 16


class Tap:
    """Hands every record to `take`. `records` and `messages` count what came."""

    def __init__(self, path: Path, take: Callable[[TapRecord], None]) -> None:
        self.records = self.messages = 0
        self._path, self._take = path, take
        self._listener: socket.socket | None = None
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        """Listen. Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.setblocking(False)
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen(64)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Stop listening, drop every relay."""
        for connection in list(self._connections):
            self._drop(connection)
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)
            self._listener = None

    def drain(self) -> None:
        """Read all that is already there, before a recording is closed."""
        for connection in list(self._connections):
            while self._read(connection) == BATCH:
                continue

    def _accept(self) -> None:
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
        """Read what is there, and come back: at once when there is more, later when it was read dry."""
        if connection not in self._connections:
            return
        read = self._read(connection)
        silent = 0 if read else silent + 1
        if connection in self._connections and silent < SILENT:
            asyncio.get_running_loop().call_later(0.0 if read == BATCH else REST, self._look, connection, silent)
        elif connection in self._connections:
            self._sleep(connection)

    def _read(self, connection: socket.socket) -> int:
        """Hand over what is there, at most BATCH messages; how many there were."""
        take = self._take
        for count in range(BATCH):
            try:
                message = connection.recv(_MESSAGE)
            except BlockingIOError:
                return count
            except OSError as error:
                log.warning("tap broke", why=str(error))
                message = b""
            if not message:
                self._drop(connection)
                return count
            self.messages += 1
            for record in unpack(message):
                self.records += 1
                take(record)
        return BATCH

    def _drop(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
