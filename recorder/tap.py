"""The listening end of the tap: relay workers connect to a SOCK_SEQPACKET socket and send records (broker/tapwire.py).
Reading is a callback of the event loop, a batch at a time; what a recording cannot take is dropped there and counted,
so that nobody is ever held up by anybody's disk."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from broker.tapwire import TapRecord, unpack

log = structlog.get_logger()
BATCH = 64  # messages a wake-up, so that one busy relay leaves room for the other sockets
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
            self._read(connection)

    def _accept(self) -> None:
        assert self._listener is not None
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._connections.add(connection)
            asyncio.get_running_loop().add_reader(connection, self._read, connection)
            log.info("relay tapped", taps=len(self._connections))

    def _read(self, connection: socket.socket) -> None:
        take = self._take
        try:
            for _ in range(BATCH):
                message = connection.recv(_MESSAGE)
                if not message:
                    self._drop(connection)
                    return
                self.messages += 1
                for record in unpack(message):
                    self.records += 1
                    take(record)
        except BlockingIOError:
            return
        except OSError as error:
            log.warning("tap broke", why=str(error))
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
