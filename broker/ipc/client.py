"""The asking end: the control process holds one Client for each relay worker and one for the recorder. A connection
that breaks is reported (`disconnected`) and made again."""

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import structlog

from broker.ipc import framing
from broker.ipc.messages import Command, Message, R, Role, reply
from broker.kernel.errors import TooLarge, VisitError, from_problem

log = structlog.get_logger()
RETRY = 0.2  # seconds between attempts: a restarted worker is found well inside the grace of a hold
F = TypeVar("F")
Received = TypeVar("Received", contravariant=True)


class Disconnected(VisitError):
    """The process at the other end is not there or did not answer in time."""

    code, http_status, close_code = "process_unavailable", 503, 1013
    title_zh, title_en = "内部服务暂不可用", "An internal service is not available"


class Listener(Protocol[Received]):
    """Gets what comes over one connection."""

    def connected(self) -> None:
        """The other end has greeted, and commands may be sent."""

    def received(self, fact: Received) -> None:
        """Take a fact that has come. An exception breaks the connection."""

    def disconnected(self) -> None:
        """The connection, which was up, is gone."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A command on its way, and the future of its reply."""

    command: Command[Any]
    reply: "asyncio.Future[Any]"


class Client(Generic[F]):
    """A connection to the process of `role` that listens at `path`."""

    def __init__(self, path: Path, role: Role[F]) -> None:
        self.path, self._role = path, role
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, _Waiting] = {}
        self._numbers = itertools.count(1)

    @property
    def up(self) -> bool:
        """Whether the other end is connected and has greeted."""
        return self._writer is not None

    async def run(self, listener: Listener[F]) -> None:
        """Connect, receive, and connect again, until cancelled."""
        while True:
            try:
                await self._session(listener)
            except (OSError, framing.WireError, ValueError) as error:
                log.debug("ipc connection not up", role=self._role.name, why=error)
            except Exception:
                # A fault of a fact's handler: the connection goes down, which is reported, and comes up again. Staying
                # down would need a restart of the control process to end.
                log.exception("ipc connection broke", role=self._role.name)
            await asyncio.sleep(RETRY)

    async def call(self, command: Command[R], timeout: float = 5.0) -> R:
        """Send a command and wait for its reply. Raises what the other end raised, or Disconnected."""
        number = next(self._numbers)
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(command, answer)
        try:
            self._send(number, command)
            async with asyncio.timeout(timeout):  # not wait_for, which in 3.11 can swallow a cancellation
                return await answer
        except TimeoutError as error:
            asked = type(command).__name__
            raise Disconnected(f"{self._role.name} did not answer {asked} within {timeout:g} s") from error
        finally:
            self._waiting.pop(number, None)

    def post(self, command: Command[Any]) -> None:
        """Send a command without waiting; there is no reply. For leases, which must never queue behind anything."""
        if self.up:
            self._send(0, command)

    def _send(self, number: int, command: Message) -> None:
        if self._writer is None:
            raise Disconnected(f"{self._role.name} is not connected")
        try:
            self._writer.write(framing.encode(framing.Request(number=number, command=command)))
        except framing.WireError as error:
            raise TooLarge(f"{self._role.name}: {error}") from error

    async def _session(self, listener: Listener[F]) -> None:
        reader, writer = await asyncio.open_unix_connection(self.path, limit=framing.MAX_LINE)
        try:
            writer.write(framing.encode(framing.greeting("control")))
            framing.check_greeting(framing.decode(await reader.readline(), framing.Greeting), self._role.name)
            self._writer = writer
            listener.connected()
            while line := await reader.readline():
                self._receive(framing.decode_from_server(line), listener)
        finally:
            self._lost(listener)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _receive(self, frame: framing.FromServer, listener: Listener[F]) -> None:
        if isinstance(frame, framing.News):
            self._hand_over(self._role.fact(frame.fact), listener)
            return
        waiting = self._waiting.get(frame.number)
        if waiting is None or waiting.reply.done():
            return
        if isinstance(frame, framing.Reply):
            waiting.reply.set_result(reply(waiting.command, frame.reply))
        else:
            waiting.reply.set_exception(from_problem(frame.problem))

    def _hand_over(self, fact: F, listener: Listener[F]) -> None:
        """Give a fact to the listener. One that cannot be taken breaks the connection: down and up again fails closed,
        a fact that is dropped does not."""
        try:
            listener.received(fact)
        except Exception as error:
            name = type(fact).__name__
            log.exception("ipc fact not taken", role=self._role.name, fact=name)
            raise framing.WireError(f"the fact {name} could not be taken") from error

    def _lost(self, listener: Listener[F]) -> None:
        was_up, self._writer = self.up, None
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(Disconnected(f"{self._role.name} went away"))
        if was_up:
            listener.disconnected()
