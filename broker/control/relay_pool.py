"""The connections of the control process to its relay workers; every session is placed on one of them."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from broker.control.capacity.session_cost import SessionCost
from broker.control.load_balancing import Load, Meter, carries, choose
from broker.control.statistics import Worker
from broker.ipc.client import Client, Disconnected
from broker.ipc.messages import R
from broker.ipc.relay_messages import (
    RELAY,
    AdmitSession,
    CloseSession,
    GetStatus,
    MediaReport,
    RelayFact,
    SessionAdmitted,
    SessionCommand,
    SessionFailed,
    SideCounts,
    SideMedia,
    SubscriptionChanged,
    TapSession,
    WorkerReady,
)
from broker.kernel.clock import Clock
from broker.kernel.errors import Busy, RelayFull, RelayUnavailable, VisitError
from broker.kernel.ids import SessionId, Side

MEASURE = 2.0  # seconds between measurements of a worker
ANSWER = 1.0  # seconds for an answer: a worker that takes longer gets no new sessions
LINE_TESTS = 2
"""Tests of lines that a worker takes at a time: each is a tenth of a visit's packets."""
CALM = 0.5
"""Cores that a worker may use at most to take a test of a line: nothing may disturb a visit."""
TEST_AGAIN = 15
"""Seconds after which a terminal may ask for a test of its line again."""
SETTLE = 2.0  # seconds after our start in which running workers report their sessions: no session is placed twice


def tap_of(session: SessionId) -> int:
    """Return the number under which a session's packets go to the recorder; the same after every restart."""
    return int.from_bytes(hashlib.sha256(session.encode()).digest()[:4], "big")


class RelayListener(Protocol):
    """Gets the facts of all workers."""

    def received(self, fact: RelayFact) -> None:
        """Take a fact of a worker."""

    def workers_up(self) -> None:
        """A worker is ready: sessions without one may be placed."""

    def workers_down(self, sessions: list[SessionId]) -> None:
        """A worker is gone, and with it these sessions."""


@dataclass(eq=False)
class _Worker:
    """One worker: the connection to it, and what is known of it."""

    name: str
    client: Client[RelayFact]
    ready: bool = False
    answers: bool = True
    """Whether it answered the last measurement in time."""
    meter: Meter = field(default_factory=Meter)


class _Receiver:
    """Takes what comes from one worker."""

    def __init__(self, pool: "RelayPool", worker: _Worker, listener: RelayListener) -> None:
        self._pool, self._worker, self._listener = pool, worker, listener

    def connected(self) -> None:
        """Do nothing: the worker reports what it has, and then that it is ready."""

    def received(self, fact: RelayFact) -> None:
        """Take a fact of the worker."""
        self._pool.received(self._worker, fact, self._listener)

    def disconnected(self) -> None:
        """Give up the sessions of the worker."""
        self._pool.lost(self._worker, self._listener)


class RelayPool:
    """The relay workers of this service. `run` connects to them."""

    def __init__(self, run_dir: Path, workers: int, cost: SessionCost, limit: int | None, clock: Clock) -> None:
        """Each of `workers` workers takes as many sessions as fill it by their `cost`, and `limit` at most."""
        self._cost, self._limit, self._clock = cost, limit, clock
        self._tap_socket = str(run_dir / "tap.sock")
        names = [f"relay-{number}" for number in range(workers)]
        self._workers = [_Worker(name, Client(run_dir / f"{name}.sock", RELAY)) for name in names]
        self._places: dict[SessionId, _Worker] = {}
        self._tests: dict[SessionId, _Worker] = {}
        """Where tests of lines are: they are no sessions, and take no place of one."""
        self._settled = asyncio.Event()

    async def run(self, listener: RelayListener) -> None:
        """Keep all workers connected and measured, until cancelled; `listener` gets their facts."""
        asyncio.get_running_loop().call_later(SETTLE, self._settled.set)
        async with asyncio.TaskGroup() as group:
            for worker in self._workers:
                group.create_task(worker.client.run(_Receiver(self, worker, listener)))
                group.create_task(self._measure_on(worker))

    def received(self, worker: _Worker, fact: RelayFact, listener: RelayListener) -> None:
        """Take a fact of a worker; what does not concern the pool goes to the listener."""
        match fact:
            case SessionAdmitted():
                self._admitted(worker, fact.session)
            case WorkerReady():
                self._is_ready(worker, listener)
            case SideMedia() | SubscriptionChanged() | MediaReport() | SessionFailed():
                # These count only where they come from the worker on which the session is placed.
                if self._places.get(fact.session, worker) is worker:
                    listener.received(fact)
            case _:
                listener.received(fact)

    def _admitted(self, worker: _Worker, session: SessionId) -> None:
        """Note where a session is. It may be from before a connection broke: if another worker has it by now, this one
        must let go."""
        if self._places.setdefault(session, worker) is not worker:
            worker.client.post(CloseSession(session=session))

    def _is_ready(self, worker: _Worker, listener: RelayListener) -> None:
        worker.ready, worker.answers, worker.meter = True, True, Meter()
        if all(other.ready for other in self._workers):
            self._settled.set()
        listener.workers_up()

    def lost(self, worker: _Worker, listener: RelayListener) -> None:
        """Give up the sessions of a worker that is gone; they are placed anew at once where another one is there."""
        worker.ready = False
        sessions = self._placed(worker)
        for session in sessions:
            del self._places[session]
        self._tests = {test: place for test, place in self._tests.items() if place is not worker}
        listener.workers_down(sessions)
        if sessions and self.any_ready:
            listener.workers_up()

    async def _measure_on(self, worker: _Worker) -> None:
        while True:
            if worker.ready:
                await self._measure(worker)
            await asyncio.sleep(MEASURE)

    async def _measure(self, worker: _Worker) -> None:
        try:
            status = await worker.client.call(GetStatus(), timeout=ANSWER)
        except VisitError:
            worker.answers = False
            return
        worker.answers = True
        used = worker.meter.measured(status, self._clock.now().mono)
        if used is not None:
            self._cost.learn(used)

    def _placed(self, worker: _Worker) -> list[SessionId]:
        return [session for session, place in self._places.items() if place is worker]

    @property
    def any_ready(self) -> bool:
        """Whether some worker can take a session."""
        return any(worker.ready for worker in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether some worker would take a session now."""
        return self._choose() is not None

    def _choose(self) -> _Worker | None:
        number = choose([self._load(worker) for worker in self._workers], self._cost.cores, self._limit)
        return None if number is None else self._workers[number]

    def _load(self, worker: _Worker) -> Load | None:
        if not (worker.ready and worker.answers):
            return None
        return Load(worker.meter.usage.cpu, len(self._placed(worker)), worker.meter.usage.flowing)

    async def admit(self, session: SessionId, picture_floor: int = 0) -> None:
        """Let a session in, on the worker with the least to do; `picture_floor` in bit/s. Raises
        RelayFull when none has room, RelayUnavailable when none is there."""
        await self._settled.wait()
        worker = self._places.get(session)
        if worker is None:
            worker = self._places[session] = self._choose_or_refuse()
        try:
            command = AdmitSession(session=session, tap=tap_of(session), picture_floor=picture_floor)
            await self._client_of(session).call(command)
        except VisitError:
            if self._places.get(session) is not worker:
                return  # the worker went meanwhile: `workers_down` was called, and all that follows is under way
            del self._places[session]
            worker.client.post(CloseSession(session=session))
            raise

    async def admit_line_test(self, test: SessionId) -> None:
        """Let the test of a line in, on a worker that has time for it. Raises Busy, RelayFull or RelayUnavailable."""
        await self._settled.wait()
        worker = self._choose_or_refuse()
        running = sum(place is worker for place in self._tests.values())
        if running >= LINE_TESTS or worker.meter.usage.cpu > CALM:
            raise Busy(
                "The relay has no time to test a line.", "转发服务繁忙，暂不能检测线路。", retry_after=TEST_AGAIN
            )
        self._tests[test] = worker
        try:
            await worker.client.call(AdmitSession(session=test, tap=tap_of(test), line_test=True))
        except VisitError:
            self.close_line_test(test)
            raise

    def close_line_test(self, test: SessionId) -> None:
        """End the test of a line; the worker also does so by itself."""
        worker = self._tests.pop(test, None)
        if worker is not None:
            worker.client.post(CloseSession(session=test))

    def _choose_or_refuse(self) -> _Worker:
        worker = self._choose()
        if worker is not None:
            return worker
        if not any(worker.ready and worker.answers for worker in self._workers):
            raise RelayUnavailable("No relay worker answers.", "转发服务暂不可用。")
        raise RelayFull(carries(self._cost.cores, self._limit), len(self._places), self._limit)

    def _client_of(self, session: SessionId) -> Client[RelayFact]:
        worker = self._places.get(session) or self._tests.get(session)
        if worker is None or not worker.client.up:
            raise RelayUnavailable("The relay of this session is not there.", "该会见的转发服务暂不可用。")
        return worker.client

    async def call(self, command: SessionCommand[R]) -> R:
        """Send a command to the worker of its session and return the reply. Raises VisitError."""
        try:
            return await self._client_of(command.session).call(command)
        except Disconnected as error:
            raise RelayUnavailable() from error

    def post(self, command: SessionCommand[Any]) -> None:
        """Send a command without waiting (lease, shut, deadline): a worker that is gone has shut its gates anyway."""
        worker = self._places.get(command.session)
        if worker is not None:
            worker.client.post(command)

    async def tap(self, session: SessionId) -> None:
        """Give the session's packets to the recorder from now on. Raises VisitError."""
        await self.call(TapSession(session=session, on=True, socket=self._tap_socket))

    async def close(self, session: SessionId) -> dict[Side, SideCounts]:
        """End everything of a session and return what went through it. Raises VisitError."""
        try:
            return (await self.call(CloseSession(session=session))).sides
        finally:
            self._places.pop(session, None)  # also without an answer: a dead worker's session takes no room for ever

    def workers(self) -> tuple[Worker, ...]:
        """Return what each worker counts and uses, as of the last measurement."""
        return tuple(self._figures(worker) for worker in self._workers)

    def _figures(self, worker: _Worker) -> Worker:
        usage = worker.meter.usage
        return Worker(
            name=worker.name,
            ready=worker.ready and worker.answers,
            sessions=frozenset(self._placed(worker)),
            cpu=usage.cpu,
            cost=self._cost.cores,
            carries=carries(self._cost.cores, self._limit),
            packets_in=usage.packets_in,
            packets_out=usage.packets_out,
            memory=usage.memory,
            p99=usage.p99,
            status=worker.meter.status,
        )
