"""The ingress process's end of the handover: a connection to the control process that is made again whenever that
process is started again."""

import asyncio
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import structlog

from broker.kernel.clock import Instant
from broker.kernel.errors import ControlUnavailable, TooMany, VisitError, from_problem
from signaling.ingress.admission import Admission
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
    close_all,
)
from signaling.ingress.incoming import Incoming

log = structlog.get_logger("signaling")
AGAIN_SECONDS = 0.05  # between attempts while control starts; it announces itself in no other way
HEALTH_SECONDS = 2.0  # a control process that does not answer for so long hangs
HEALTH_PAUSE = 0.25  # between two questions, however many ask


class ControlLink:
    """The way to the control process. `admission` learns which connections control has, and `agree` the time that
    control believes it to be: a token is valid by that."""

    def __init__(self, run_dir: Path, admission: Admission, agree: Callable[[Instant], None]) -> None:
        self._path, self._admission, self._agree = run_dir / SOCKET_FILE, admission, agree
        self._packets: PacketSocket | None = None
        self._greeted = asyncio.Event()
        self._lost = asyncio.Event()
        self._room = 0
        self._mark, self._numbers = secrets.token_hex(4), count()
        self._questions = count(1)
        self._asked: dict[int, asyncio.Future[Health]] = {}
        self._next_question: asyncio.Future[Health] | None = None
        self._may_ask_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether control takes connections now."""
        return self._greeted.is_set()

    def check_ready(self) -> None:
        """Raise ControlUnavailable unless control takes connections: those who come meanwhile pay no budget for it."""
        if self._packets is None or not self.ready:
            raise ControlUnavailable(retry_after=2)

    async def until_ready(self) -> None:
        """Wait until control takes connections."""
        await self._greeted.wait()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                self._lost.clear()
                if self._connect():
                    await self._lost.wait()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            if self._packets is not None:
                self._packets.close()

    def hand_over(self, connection: Incoming, payer: str, one_request: bool) -> None:
        """Give a connection away to control. Raises ControlUnavailable or TooMany; the connection is then still the
        caller's."""
        self.check_ready()
        assert self._packets is not None
        if self._admission.open >= self._room:
            raise TooMany()
        id = f"{self._mark}-{next(self._numbers)}"
        peer = connection.peer if connection.secure else None
        self._packets.send(HandedOver(id, payer, bytes(connection.data), one_request, peer), connection.socket)
        self._admission.opened(id, payer)

    def report(self, counts: dict[str, float]) -> None:
        """Send the counters, where control listens."""
        if self._packets is not None and self.ready and not self._packets.unsent:
            self._packets.send(Counts(counts))

    async def check_health(self) -> None:
        """Raise what control lacks to serve new visits, ControlUnavailable where it does not answer.

        All who ask meanwhile share one question; each gets an answer that was asked for after it came.
        """
        if self._next_question is None:
            loop = asyncio.get_running_loop()
            question = self._next_question = loop.create_future()
            loop.call_at(self._may_ask_at, self._ask, question)
            self._may_ask_at = max(self._may_ask_at, loop.time()) + HEALTH_PAUSE
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                health = await asyncio.shield(self._next_question)
        except TimeoutError:
            raise ControlUnavailable(retry_after=2) from None
        if health.problem is not None:
            raise from_problem(health.problem)

    def _ask(self, question: "asyncio.Future[Health]") -> None:
        self._next_question = None
        number = next(self._questions)
        self._asked[number] = question
        asyncio.get_running_loop().call_later(HEALTH_SECONDS, self._asked.pop, number, None)
        try:
            if self._packets is None or not self.ready:
                raise ControlUnavailable(retry_after=2)
            self._packets.send(HealthAsked(number))
        except VisitError as error:
            self._handle(Health(number, error.problem()), [])

    def _connect(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except OSError:  # it does not listen yet
            connection.close()
            return False
        self._packets = PacketSocket(connection, self._handle, self._gone)
        return True

    def _gone(self) -> None:
        """Forget what a control process had that is gone: its connections were closed with it."""
        self._packets = None
        self._greeted.clear()
        self._admission.forget_open()
        for number in list(self._asked):
            self._handle(Health(number, ControlUnavailable().problem()), [])
        self._lost.set()

    def _handle(self, message: AnyMessage, descriptors: list[int]) -> None:
        close_all(descriptors)
        match message:
            case Greeting(version, room):
                if version != VERSION:
                    log.error("control is of another version", version=version)
                    return
                self._room = room
                self._greeted.set()
            case AgreedMoment(wall, mono):
                self._agree(Instant(datetime.fromtimestamp(wall, UTC), mono))
            case Opened(payers):
                for id, payer in payers.items():
                    self._admission.opened(id, payer)
            case Closed(ids):
                for id in ids:
                    self._admission.closed(id)
            case Health():
                question = self._asked.pop(message.number, None)
                if question is not None and not question.done():
                    question.set_result(message)
            case _:
                log.error("control sent what only ingress sends", kind=type(message).__name__)
