"""What ingress and control tell each other, and ingress and the TLS process, and the socket between them. A connection
is handed over as its descriptor (SCM_RIGHTS) with the bytes that were read from it; messages keep their bounds
(SOCK_SEQPACKET), so that neither side waits for the other half of one. Ingress connects; control listens in the run
folder, which other users cannot enter."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from broker.kernel.errors import ControlUnavailable

log = structlog.get_logger()

SOCKET_FILE = "ingress.sock"
TLS_SOCKET_FILE = "tls.sock"
VERSION = 2
BATCH = 16
"""Messages read in one turn of the loop: a flood of connections must leave the loop to its other work."""
MAX_MESSAGE = 96 * 1024
"""Bytes of one message: those of a first request, and what came behind it."""
MAX_UNSENT = 256
"""Messages that wait for the other side."""
LIST = 500  # connections in one message of a list


class Message(msgspec.Struct, frozen=True, tag=True):
    """The base of all messages."""


class HandedOver(Message, frozen=True):
    """Ingress to control, with a descriptor: a connection, what was read from it, and the author or place that pays for
    it. `one_request`: the next request may be another sender's, and gets a connection of its own. `peer`: the address
    of the client where TLS was taken off the connection, which the descriptor does not know."""

    id: str
    payer: str
    first: bytes
    one_request: bool
    peer: str | None = None


class HealthAsked(Message, frozen=True):
    """Ingress to control: whether new visits can be served. The answer has the same number."""

    number: int


class Counts(Message, frozen=True):
    """Ingress to control: its counters, for the metrics."""

    values: dict[str, float]


class Greeting(Message, frozen=True):
    """Control to ingress, first: the version of these messages, and how many connections control can serve."""

    version: int
    room: int


class AgreedMoment(Message, frozen=True):
    """Control to ingress: what it believes the wall clock to show, in seconds since 1970, at a monotonic second."""

    wall: float
    mono: float


class Opened(Message, frozen=True):
    """Control to ingress: connections that it has by their payers, after a new ingress process has come or a payer has
    signed in."""

    payers: dict[str, str]


class Closed(Message, frozen=True):
    """Control to ingress: connections that it no longer has."""

    ids: list[str]


class Health(Message, frozen=True):
    """Control to ingress: its health, as the problem document of what is missing, None where nothing is."""

    number: int
    problem: dict[str, Any] | None


class Negotiated(Message, frozen=True):
    """The TLS process to ingress, with a descriptor: the decrypted side of a connection from the address `peer`."""

    peer: str


class TlsCounts(Message, frozen=True):
    """The TLS process to ingress: its counters, for the metrics."""

    values: dict[str, float]


class Known(Message, frozen=True):
    """Ingress to the TLS process: addresses that a valid credential has come from."""

    addresses: list[str]


AnyMessage = (
    HandedOver
    | HealthAsked
    | Counts
    | Greeting
    | AgreedMoment
    | Opened
    | Closed
    | Health
    | Negotiated
    | TlsCounts
    | Known
)
_decoder = msgspec.msgpack.Decoder(AnyMessage)
_encoder = msgspec.msgpack.Encoder()


class PacketSocket:
    """One end of the connection between ingress and control, in the running loop.

    `on_message` is called with each message and the descriptors that came with it, which it has to close; `on_close`
    once, when the other side is gone or breaks the rules.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_message: Callable[[AnyMessage, list[int]], None],
        on_close: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._socket, self._on_message, self._on_close = sock, on_message, on_close
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, socket.socket | None]] = deque()
        self._open = True
        self._loop.add_reader(sock.fileno(), self._readable)

    @property
    def unsent(self) -> int:
        """The number of messages that wait for the other side to read."""
        return len(self._unsent)

    def send(self, message: AnyMessage, connection: socket.socket | None = None) -> None:
        """Send a message, with a connection that is closed here as soon as the message has left. Never blocks. Raises
        ControlUnavailable where the other side does not read or is gone; the connection then stays the caller's."""
        if not self._open or len(self._unsent) >= MAX_UNSENT:
            raise ControlUnavailable(retry_after=2)
        self._unsent.append((_encoder.encode(message), connection))
        if len(self._unsent) == 1:
            self._flush()
            if self._unsent:
                self._loop.add_writer(self._socket.fileno(), self._flush)

    def close(self) -> None:
        """Close this end; connections that have not left are closed, too."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        while self._unsent:
            _, connection = self._unsent.popleft()
            if connection is not None:
                connection.close()
        self._on_close()

    def _flush(self) -> None:
        while self._unsent and self._open:
            data, connection = self._unsent[0]
            try:
                if connection is None:
                    self._socket.send(data)
                else:
                    socket.send_fds(self._socket, [data], [connection.fileno()])
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                log.warning("message between ingress and control not sent", error=type(error).__name__)
                self._loop.call_soon(self.close)
                return
            self._unsent.popleft()
            if connection is not None:
                connection.close()
        if self._open:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        for _ in range(BATCH):
            if not self._open:
                return
            try:
                data, descriptors, flags, _ = socket.recv_fds(self._socket, MAX_MESSAGE, 4, socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                return self.close()
            try:
                if not data or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                    raise msgspec.DecodeError
                message = _decoder.decode(data)
            except msgspec.MsgspecError:
                close_all(descriptors)
                return self.close()
            self._on_message(message, descriptors)


def lists_of(payers: dict[str, str]) -> Sequence[Opened]:
    """Return messages that tell all connections, none of them too long."""
    pairs = list(payers.items())
    return [Opened(dict(pairs[start : start + LIST])) for start in range(0, len(pairs), LIST)]


def close_all(descriptors: list[int]) -> None:
    """Close descriptors; one that is closed already is passed over."""
    for descriptor in descriptors:
        with suppress(OSError):
            os.close(descriptor)
