"""The control process's end of the handover: it takes connections from the ingress process, serves them with the same
application as any other, and tells ingress when they are closed. A connection lives as long as this process does,
whatever becomes of ingress."""

import asyncio
import os
import resource
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from broker.kernel.clock import Clock
from broker.kernel.errors import ControlUnavailable, VisitError
from broker.kernel.tasks import Tasks
from signaling.ingress.handover import (
    SOCKET_FILE,
    VERSION,
    AgreedMoment,
    AnyMessage,
    Closed,
    Counts,
    Greeting,
    HandedOver,
    Health,
    HealthAsked,
    Opened,
    PacketSocket,
    lists_of,
)
from signaling.server.errors import translate
from signaling.server.taken_connection import TakenConnection
from signaling.tls.tcp_progress import acknowledged

log = structlog.get_logger("signaling")
IDLE_SECONDS = 30.0
"""A connection without a request for so long is closed; browsers and kiosks open another one."""
UNREAD_SECONDS = 30.0
"""An answer of which nothing is taken for so long is given up, and its connection with it."""
MOST = 4000
SPARE = 512  # descriptors for files, the database, the relay and the recorder


class HandedOverConnections:
    """All connections that ingress has handed over to this process.

    `server` answers their requests, `check_health` raises what is missing, `on_counts` is called with the counters of
    ingress, which goes by the time of `clock`. Raises OSError where it cannot listen.
    """

    def __init__(
        self,
        run_dir: Path,
        server: web.Server,
        check_health: Callable[[], Awaitable[object]],
        on_counts: Callable[[dict[str, float]], None],
        clock: Clock,
    ) -> None:
        self._path, self._server = run_dir / SOCKET_FILE, server
        self._check_health, self._on_counts, self._clock = check_health, on_counts, clock
        self._open: dict[str, TakenConnection] = {}
        self._unread: dict[str, tuple[bytes, int]] = {}
        self._closed: list[str] = []
        self._ingress: PacketSocket | None = None
        self._tasks = Tasks()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __len__(self) -> int:
        return len(self._open)

    async def __aenter__(self) -> "HandedOverConnections":
        """Listen; a socket file left by a killed predecessor is replaced."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._listener.listen(4)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener.fileno(), self._accept)
        self._tasks.spawn(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take no more; the server closes what it has."""
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)
        if self._ingress is not None:
            self._ingress.close()
        await self._tasks.close()

    # ---- the ingress process ---------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # it went away before it was greeted
        if self._ingress is not None:
            self._ingress.close()  # a newer one has been started
        ingress = self._ingress = PacketSocket(connection, self._handle, lambda: self._gone(ingress))
        self._closed.clear()
        self._tell(Greeting(VERSION, most_connections()))
        self._tell_time()
        for message in lists_of({id: taken.payer for id, taken in self._open.items()}):
            self._tell(message)

    def _tell_time(self) -> None:
        now = self._clock.now()
        self._tell(AgreedMoment(now.wall.timestamp(), now.mono))

    def _gone(self, ingress: PacketSocket) -> None:
        if self._ingress is ingress:
            self._ingress = None

    def _tell(self, message: AnyMessage) -> None:
        if self._ingress is None:
            return
        try:
            self._ingress.send(message)
        except ControlUnavailable:  # it does not read: it learns all of it when it connects again
            self._ingress.close()

    def _handle(self, message: AnyMessage, descriptors: list[int]) -> None:
        if isinstance(message, HandedOver) and len(descriptors) == 1:
            self._tasks.spawn(self._take(message, socket.socket(fileno=descriptors[0])))
            return
        for descriptor in descriptors:
            os.close(descriptor)
        if isinstance(message, HealthAsked):
            self._tasks.spawn(self._answer_health(message.number))
        elif isinstance(message, Counts):
            self._on_counts(message.values)

    async def _answer_health(self, number: int) -> None:
        problem: dict[str, Any] | None = None
        try:
            await self._check_health()
        except VisitError as error:
            problem = error.problem()
        except Exception as error:
            problem = translate(error).problem()
        self._tell(Health(number, problem))

    # ---- connections -----------------------------------------------------------------------------------------

    async def _take(self, message: HandedOver, connection: socket.socket) -> None:
        connection.setblocking(False)
        try:
            taken = TakenConnection(
                self._server,
                message.first,
                message.payer,
                message.one_request,
                on_lost=lambda: self._lost(message.id),
                on_paid=lambda payer: self._tell(Opened({message.id: payer})),
                peer=message.peer,
                keepalive_timeout=IDLE_SECONDS,
            )
            self._open[message.id] = taken
            await asyncio.get_running_loop().connect_accepted_socket(lambda: taken, connection)
        except (OSError, AssertionError) as error:  # it was closed meanwhile
            log.debug("connection not taken", error=type(error).__name__)
            connection.close()
            self._lost(message.id)

    def _lost(self, id: str) -> None:
        if self._open.pop(id, None) is None:
            return
        self._unread.pop(id, None)
        if not self._closed:
            asyncio.get_running_loop().call_soon(self._tell_closed)
        self._closed.append(id)

    def _tell_closed(self) -> None:
        closed, self._closed = self._closed, []
        if closed:
            self._tell(Closed(closed))

    async def _watch(self) -> None:
        """Give up, from time to time, the connections whose answers are not read."""
        rounds = 3
        while True:
            await asyncio.sleep(UNREAD_SECONDS / rounds)
            self._tell_time()
            for id, taken in list(self._open.items()):
                self._check_reading(id, taken, rounds)

    def _check_reading(self, id: str, taken: TakenConnection, rounds: int) -> None:
        """Compare what the other side has acknowledged with the last round: it grows wherever anything is read. Of what
        goes through the TLS process that process sees it, and does the same (`signaling/tls/pump.py`)."""
        transport = taken.transport
        if transport is None or taken.secure or not transport.get_write_buffer_size():
            self._unread.pop(id, None)
            return
        now = acknowledged(transport)
        before, seen = self._unread.get(id, (b"", 0))
        seen = seen + 1 if now == before else 0
        self._unread[id] = (now, seen)
        if seen >= rounds:
            transport.abort()


def most_connections() -> int:
    """Return how many connections this process has descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(64, min(MOST, soft - SPARE))


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as the system allows; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
