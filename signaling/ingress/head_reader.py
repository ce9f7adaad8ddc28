"""Connections whose first request is not complete: they are read from, and closed when they are too slow, malformed, or
too many. The number is bounded; when one more comes, the oldest of the place that has the most goes, so that a new one
always gets its turn, however many silent ones there are."""

import asyncio
import socket
from collections.abc import Callable

from broker.kernel.errors import BadRequest, VisitError
from broker.kernel.token_bucket import TokenBucket
from signaling.ingress.admission import Limits
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import FairSet
from signaling.ingress.incoming import Incoming
from signaling.ingress.request_head import MAX_BODY, MAX_HEAD, MalformedRequest, RequestHead, end_of_body, parse_head
from signaling.server.errors import translate

READ = 16 * 1024
TICK_SECONDS = 0.5
INCIDENTS_PER_SECOND = 1 / 60  # lines of the log: a stranger may know how to cause one
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class TooSlow(BadRequest):
    """The request has not arrived in time (RFC 9110, 15.5.9)."""

    code, http_status, close_code = "request_timeout", 408, 4000
    title_zh, title_en = "请求未及时到达", "The request did not arrive in time"


def first_bytes(connection: socket.socket) -> bytes:
    """Return what has come of a connection that was accepted just now, b"" for nothing. Raises OSError where its sender
    is gone."""
    try:
        data = connection.recv(READ)
    except (BlockingIOError, InterruptedError):
        return b""
    if not data:
        raise ConnectionResetError
    return data


class HeadReader:
    """All connections that are read from. `on_request` gets each one whose request is complete: its head, and its body
    where `needs_body`. From then on the connection is its."""

    def __init__(
        self,
        limits: Limits,
        counters: Counters,
        needs_body: Callable[[RequestHead], bool],
        on_request: Callable[[Incoming], None],
    ) -> None:
        self._limits, self._counters = limits, counters
        self._needs_body, self._on_request = needs_body, on_request
        self._waiting: FairSet[Incoming] = FairSet()
        self._incidents = TokenBucket(INCIDENTS_PER_SECOND, 5)
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, connection: Incoming, group: str, first: bytes = b"") -> None:
        """Read from a connection, of which `first` has been read; where there are too many, another one gives way."""
        if first and self._took(connection, first):
            return
        if len(self._waiting) >= self._limits.waiting:
            oldest = self._waiting.oldest_of_largest()
            if oldest is not None:
                self._close(oldest, "crowded_out")
        self._waiting.add(connection, group)
        self._loop.add_reader(connection.socket.fileno(), self._readable, connection)

    def tick(self, now: float) -> None:
        """Close what is too slow. A connection that has said nothing is closed without a word."""
        limits = self._limits
        for connection in self._waiting:
            silent = not connection.data and now - connection.arrived > limits.first_byte_seconds
            if silent:
                self._close(connection, "silent")
            elif (connection.head is None and now - connection.arrived > limits.head_seconds) or (
                connection.head is not None and now - connection.headed > limits.body_seconds
            ):
                self._refuse(connection, TooSlow(), "slow")

    def close(self) -> None:
        """Close all connections that are read from."""
        for connection in self._waiting:
            self._close(connection, "stopping")

    def _readable(self, connection: Incoming) -> None:
        try:
            data = connection.socket.recv(READ)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            return self._close(connection, "gone")
        if not data:
            return self._close(connection, "gone")
        self._took(connection, data)

    def _took(self, connection: Incoming, data: bytes) -> bool:
        """Take what has come; return whether the connection needs no more of it: it was passed on, or refused."""
        connection.data += data
        connection.reads += 1
        try:
            complete = self._is_complete(connection)
        except MalformedRequest as error:
            self._refuse(connection, error, "malformed")
            return True
        except VisitError as error:
            self._refuse(connection, error, "too_large")
            return True
        if complete:
            self._release(connection)
            self._pass_on(connection)
        elif connection.reads >= self._limits.reads or len(connection.data) > 2 * (MAX_HEAD + MAX_BODY):
            complete = True
            self._refuse(connection, TooSlow(), "slow")
        return complete

    def _pass_on(self, connection: Incoming) -> None:
        """Give a connection away for good. What was not foreseen ends it, and is logged once a minute at most."""
        try:
            self._on_request(connection)
        except Exception as error:
            self._counters.count("refused_incident")
            if self._incidents.take(self._loop.time()):
                translate(error)
            connection.socket.close()

    def _is_complete(self, connection: Incoming) -> bool:
        data = bytes(connection.data)
        if connection.head is None:
            connection.head = parse_head(data)
            if connection.head is None:
                return False
            connection.headed, connection.reads = self._loop.time(), 0
            if self._needs_body(connection.head) and end_of_body(connection.head, data) is None:
                self._invite(connection)
        return not self._needs_body(connection.head) or end_of_body(connection.head, data) is not None

    def _invite(self, connection: Incoming) -> None:
        """Ask for the body where the sender waits for that (RFC 9110, 10.1.1)."""
        head = connection.request
        if head.minor and head.value("expect").lower() == "100-continue":
            try:
                connection.socket.send(CONTINUE)
            except OSError:
                self._counters.count("refused_gone")  # the next look at the socket closes it

    def _release(self, connection: Incoming) -> None:
        if self._waiting.discard(connection):
            self._loop.remove_reader(connection.socket.fileno())

    def _refuse(self, connection: Incoming, error: VisitError, reason: str) -> None:
        self._release(connection)
        self._counters.count(f"refused_{reason}")
        connection.refuse(error)

    def _close(self, connection: Incoming, reason: str) -> None:
        self._release(connection)
        self._counters.count(f"refused_{reason}")
        connection.socket.close()
