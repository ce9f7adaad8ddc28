"""Answers to senders without a credential: one request a connection, a bounded number at once, in turns by the place
that they come from. Nothing is begun for a request that is not complete, and an answer that waits for its reader holds
no turn: a slow sender costs memory, of which there is a fixed amount, and nothing else."""

import asyncio
import socket
from dataclasses import dataclass, field

from aiohttp import web

from broker.kernel.errors import Busy
from broker.kernel.tasks import Tasks
from signaling.ingress.counters import Counters
from signaling.ingress.fairness import FairQueue, FairSet
from signaling.ingress.incoming import Incoming
from signaling.server.taken_connection import WRITE_BUFFER, TakenConnection

QUEUE = 1024
AT_ONCE = 16
SIGN_INS_AT_ONCE = 64
"""Most of them wait for the hashing of a password, which has a queue of its own (`signaling/auth/credentials.py`)."""
QUEUE_SECONDS = 10.0
SERVE_SECONDS = 30.0
UNREAD_SECONDS = 10.0
READ_SECONDS = 60.0
"""An answer has to be taken as a whole by then, however slow the line."""
READING = 256
"""Answers that wait for their readers; one more, and the oldest of the place that has the most is given up."""
READING_BYTES = 12 * 1024 * 1024
"""Bytes of all of them together that the system has not taken."""
SEND_BUFFER = 64 * 1024  # bytes in the kernel for each of them
LINGER_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class _Request:
    connection: Incoming
    place: str
    queued: float


@dataclass(slots=True, eq=False)
class _Reading:
    """How an answer is read: when it was given, how much was left, and since when."""

    answered: float
    left: int
    since: float


@dataclass(slots=True)
class Lane:
    """One kind of requests, with its own queue and its own number at once. Requests of known addresses go first."""

    at_once: int
    first: FairQueue[_Request] = field(default_factory=lambda: FairQueue(QUEUE))
    others: FairQueue[_Request] = field(default_factory=lambda: FairQueue(QUEUE))
    running: dict[TakenConnection, float] = field(default_factory=dict)
    called: bool = False
    """Whether the next requests begin in the next turn of the loop."""

    def __len__(self) -> int:
        return len(self.first) + len(self.others)


class AnonymousServer:
    """Runs the application for strangers. Its lanes are `pages`, `sign_ins` of officers, and `terminals`, which sign in
    by signatures, so that none waits for another."""

    def __init__(self, server: web.Server, counters: Counters) -> None:
        self.pages, self.sign_ins, self.terminals = Lane(AT_ONCE), Lane(SIGN_INS_AT_ONCE), Lane(AT_ONCE)
        self._lanes = (self.pages, self.sign_ins, self.terminals)
        self._server, self._counters = server, counters
        self._reading: FairSet[TakenConnection] = FairSet()
        self._progress: dict[TakenConnection, _Reading] = {}
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks()

    @property
    def queued(self) -> int:
        """The number of requests that wait for their turn."""
        return sum(len(lane) for lane in self._lanes)

    @property
    def in_flight(self) -> int:
        """The number of requests that are being answered."""
        return sum(len(lane.running) for lane in self._lanes)

    @property
    def reading(self) -> int:
        """The number of answers that wait for their readers."""
        return len(self._reading)

    def serve(self, connection: Incoming, lane: Lane, place: str, first: bool) -> None:
        """Answer a complete request when its turn comes; Busy where too many wait."""
        queue = lane.first if first else lane.others
        displaced = queue.push(_Request(connection, place, self._loop.time()), place)
        if displaced is not None:
            self._refuse(displaced)
        if not lane.called:  # what stands before the door comes in first: many of a flood are gone by then
            lane.called = True
            self._loop.call_soon(self._begin, lane)

    def tick(self, now: float) -> None:
        """Give up answers that are not read, and requests that take too long."""
        for lane in self._lanes:
            for connection, began in list(lane.running.items()):
                if now - began > SERVE_SECONDS:
                    self._abort(connection, "stuck")
            self._begin(lane)
        for connection in self._reading:
            if self._is_unread(connection, now):
                self._abort(connection, "unread")

    async def close(self) -> None:
        """Refuse what waits and end what runs."""
        for lane in self._lanes:
            for queue in (lane.first, lane.others):
                while (request := queue.pop()) is not None:
                    self._refuse(request)
        await self._tasks.close()

    def _refuse(self, request: _Request) -> None:
        self._counters.count("refused_busy")
        request.connection.refuse(Busy(retry_after=2))

    def _begin(self, lane: Lane) -> None:
        lane.called = False
        while len(lane.running) < lane.at_once:
            request = lane.first.pop() or lane.others.pop()
            if request is None:
                return
            if self._loop.time() - request.queued > QUEUE_SECONDS:
                self._refuse(request)
            elif request.connection.is_gone():
                self._counters.count("refused_gone")
                request.connection.socket.close()
            else:
                self._run(lane, request)

    def _run(self, lane: Lane, request: _Request) -> None:
        connection = request.connection.socket
        taken = TakenConnection(
            self._server,
            bytes(request.connection.data),
            request.place,
            one_request=True,
            peer=request.connection.peer if request.connection.secure else None,
            on_lost=lambda: self._lost(lane, taken),
            on_answered=lambda: self._answered(lane, taken, request.place),
            write_buffer=WRITE_BUFFER,
            keepalive_timeout=UNREAD_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        lane.running[taken] = self._loop.time()
        self._tasks.spawn(self._open(lane, taken, connection))

    async def _open(self, lane: Lane, taken: TakenConnection, connection: socket.socket) -> None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            await self._loop.connect_accepted_socket(lambda: taken, connection)
        except OSError:  # the sender has gone meanwhile
            connection.close()
            self._lost(lane, taken)

    def _answered(self, lane: Lane, taken: TakenConnection, place: str) -> None:
        if lane.running.pop(taken, None) is None:
            return
        self._counters.count("served")
        if taken.transport is not None:
            now = self._loop.time()
            self._reading.add(taken, place)
            self._progress[taken] = _Reading(now, taken.unsent, now)
            self._make_room()
        self._loop.call_soon(self._begin, lane)

    def _make_room(self) -> None:
        kept = sum(taken.unsent for taken in self._reading)
        while len(self._reading) > READING or kept > READING_BYTES:
            oldest = self._reading.oldest_of_largest()
            if oldest is None:
                return
            kept -= oldest.unsent
            self._abort(oldest, "unread")

    def _lost(self, lane: Lane, taken: TakenConnection) -> None:
        lane.running.pop(taken, None)
        self._reading.discard(taken)
        self._progress.pop(taken, None)
        self._begin(lane)

    def _is_unread(self, taken: TakenConnection, now: float) -> bool:
        reading, left = self._progress[taken], taken.unsent
        if left != reading.left:
            reading.left, reading.since = left, now
        return now - reading.since > UNREAD_SECONDS or now - reading.answered > READ_SECONDS

    def _abort(self, taken: TakenConnection, reason: str) -> None:
        self._counters.count(f"refused_{reason}")
        self._reading.discard(taken)
        self._progress.pop(taken, None)
        taken.abort()
