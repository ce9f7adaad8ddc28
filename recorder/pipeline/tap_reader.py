"""The listening end of the tap: relay workers connect to a SOCK_SEQPACKET socket and send records
(broker/media/tap_format.py). Records are read in batches by a callback of the event loop. A recording that cannot take
a record drops and counts it, so that one slow disk holds up neither the relay nor other recordings.

The socket is read at intervals that follow the load, as a callback for each packet costs more than the packet: often
where much arrives, because the relay cannot wait and the kernel's buffer may be small, and seldom where little does."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from broker.kernel.clock import until_multiple
from broker.media.tap_format import TapRecord, unpack

log = structlog.get_logger()
BATCH = 64  # messages in one callback, so that a busy relay leaves time for the other sockets
RESTS = (0.1, 0.05, 0.02)
"""Seconds between two reads of a socket. The longest is what the newest packets wait at most, and are lost with when
the process is killed. Reads are due at multiples of them, as batches of recordings are, so that one wake-up does for
both."""
WANTED = 32 << 10
"""Bytes that a read should find. Linux allows a writer 416 KiB where nothing is configured (`net.core.wmem_max`) and
reckons small packets at twice their size: this leaves room for keyframes, in which six times as much comes at once."""
SILENT = 1.0  # seconds without a record, after which the event loop waits for the socket instead
RECEIVE_BUFFER = 4 << 20
_MESSAGE = 1 << 16


@dataclass(eq=False)
class _Worker:
    """The connection of one relay worker: when it was read and when it had a record (seconds of the event loop), and
    how many bytes it has had since the last rest."""

    socket: socket.socket
    read_at: float
    heard_at: float
    size: int = 0


class Tap:
    """Hands every record to `accept`. `records` and `messages` count what was received."""

    def __init__(self, path: Path, accept: Callable[[TapRecord], None]) -> None:
        self.records = self.messages = 0
        self._path, self._accept = path, accept
        self._listener: socket.socket | None = None
        self._workers: set[_Worker] = set()
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
        for worker in list(self._workers):
            self._drop(worker)
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)
            self._listener = None

    def drain(self) -> None:
        """Read everything that has arrived, before recordings are closed."""
        for worker in list(self._workers):
            while self._read(worker) == BATCH:
                continue

    def _connect(self) -> None:
        assert self._listener is not None
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            worker = _Worker(connection, 0.0, 0.0)
            self._workers.add(worker)
            self._sleep(worker)
            log.info("relay tapped", taps=len(self._workers))

    def _sleep(self, worker: _Worker) -> None:
        """Wait for the first record after a silence."""
        asyncio.get_running_loop().add_reader(worker.socket, self._wake, worker)

    def _wake(self, worker: _Worker) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.socket)
        worker.read_at, worker.heard_at = loop.time() - RESTS[-1], loop.time()
        self._look(worker)

    def _look(self, worker: _Worker) -> None:
        """Read a batch and schedule the next read: at once when there may be more, after a rest when the socket is
        empty. The rest is the longest that should bring no more than WANTED bytes, as far as the last one says."""
        if worker not in self._workers:
            return
        loop = asyncio.get_running_loop()
        count, now = self._read(worker), loop.time()
        if count:
            worker.heard_at = now
        if worker not in self._workers:
            return
        if count == BATCH:
            loop.call_soon(self._look, worker)
        elif now - worker.heard_at < SILENT:
            most = WANTED * (now - worker.read_at)
            rest = next((rest for rest in RESTS if worker.size * rest <= most), RESTS[-1])
            worker.read_at, worker.size = now, 0
            loop.call_later(until_multiple(rest, now), self._look, worker)
        else:
            self._sleep(worker)

    def _read(self, worker: _Worker) -> int:
        """Read and hand over at most BATCH messages; return how many there were."""
        accept, receive = self._accept, worker.socket.recv_into
        for count in range(BATCH):
            try:
                size = receive(self._message)
            except BlockingIOError:
                return count
            except OSError as error:
                log.warning("tap connection lost", why=error)
                size = 0
            if not size:
                self._drop(worker)
                return count
            worker.size += size
            self.messages += 1
            records = unpack(bytes(self._view[:size]))
            self.records += len(records)
            for record in records:
                accept(record)
        return BATCH

    def _drop(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        asyncio.get_running_loop().remove_reader(worker.socket)
        worker.socket.close()
