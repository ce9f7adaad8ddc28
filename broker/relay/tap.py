"""The tap: the recorder as one more destination, plain RTP over a non-blocking unix socket. It never blocks the relay:
records wait here while the socket is full, for the recorder may be slow for a moment; what is more than that is counted
as lost, and becomes a fact."""

import socket
from collections import deque
from pathlib import Path

import structlog

from broker.kernel.clock import monotonic
from broker.media.tap_format import MAX_MESSAGE, RECORD
from broker.relay.transport.socket_buffers import enlarge

log = structlog.get_logger()
SEND_BUFFER = 8 * 1024 * 1024  # about 20 s of one visit, or half a second of forty
MOST_WAITING = 32 * 1024 * 1024  # bytes that wait here: two seconds of forty visits, which the law's hold allows
RETRY = 0.1  # seconds between attempts to find a restarted recorder


class Tap:
    """Collects the records of one pass of the hot loop and sends them as one message. Once connected it stays with that
    path: when the recorder went away, it tries to connect again whenever there are records to send."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._path: Path | None = None
        self._retry_at = 0.0
        self._parts: list[bytes] = []
        self._size = 0
        self._records = 0
        self._waiting: deque[tuple[bytes, int]] = deque()
        """Messages that the socket has not taken yet, with the number of their records."""
        self._bytes_waiting = 0
        self.sent = self.lost = 0

    @property
    def connected(self) -> bool:
        """Whether a recorder is connected."""
        return self._socket is not None

    def connect(self, path: Path) -> bool:
        """Use the recorder's socket at `path` from now on. Return False when no recorder listens there yet."""
        if path != self._path or not self._alive():
            self.close()
            self._path = path
            self._open()
        return self.connected

    @property
    def waiting(self) -> int:
        """How many records wait for the recorder to read."""
        return sum(records for _, records in self._waiting)

    def close(self) -> None:
        """Disconnect, and do not connect again; what waits is lost."""
        self._path = None
        self._disconnect()

    def put(self, tap: int, track: int, kind: int, arrival_ns: int, data: bytes) -> None:
        """Add one record to the message of this pass."""
        self._parts.append(RECORD.pack(tap, track, kind, len(data), arrival_ns))
        self._parts.append(data)
        self._records += 1
        self._size += RECORD.size + len(data)
        if self._size > MAX_MESSAGE - 2048:
            self.flush()

    def flush(self) -> None:
        """Send the records collected so far, after those that wait; returns at once."""
        if self._parts:
            message = b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            records, self._records = self._records, 0
            if self._socket is None and monotonic() >= self._retry_at:
                self._open()
            if self._socket is None or self._bytes_waiting > MOST_WAITING:
                self.lost += records
            else:
                self._waiting.append((message, records))
                self._bytes_waiting += len(message)
        if self._waiting:
            self._send_waiting()

    def _send_waiting(self) -> None:
        """Send what waits, until the socket takes no more."""
        try:
            while self._waiting and self._socket is not None:
                message, records = self._waiting[0]
                self._socket.send(message)
                self._waiting.popleft()
                self._bytes_waiting -= len(message)
                self.sent += records
        except BlockingIOError:
            pass  # the next call goes on
        except OSError as error:
            log.warning("tap closed by the recorder", why=error.strerror)
            self._disconnect()

    def _open(self) -> None:
        if self._path is None:
            return
        self._retry_at = monotonic() + RETRY
        tap = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        enlarge(tap, socket.SO_SNDBUF, SEND_BUFFER)
        tap.setblocking(False)
        try:
            tap.connect(str(self._path))
        except OSError:
            tap.close()
            return
        self._socket = tap

    def _alive(self) -> bool:
        """Whether the other end is still connected; it never sends anything."""
        if self._socket is None:
            return False
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _disconnect(self) -> None:
        self.lost += self.waiting
        self._waiting.clear()
        self._bytes_waiting = 0
        if self._socket is not None:
            self._socket.close()
            self._socket = None
