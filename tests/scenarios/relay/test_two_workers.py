"""Sessions on two real relay workers, with a pretended recorder and pretended media."""

import asyncio
import socket
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from broker.booking.slot import Place
from broker.control.broker import Broker
from broker.control.capacity.session_cost import UNMEASURED
from broker.control.journal.journal import Journal
from broker.control.store.records import SiteKind
from broker.control.store.store import Store
from broker.ipc.messages import Done
from broker.ipc.recorder_messages import (
    RECORDER,
    AcknowledgeRecording,
    AddEvent,
    FinishRecording,
    FragmentFlushed,
    RecorderAlive,
    RecorderReady,
    SetRecordingDeadline,
    StartRecording,
    StartReply,
)
from broker.ipc.server import Server
from broker.kernel.clock import SystemClock
from broker.kernel.errors import RelayFull
from broker.kernel.ids import RoomId, Side, SiteId
from broker.presence.quorum import Watcher
from broker.session import events as ev
from broker.session.readiness import Missing, missing
from broker.session.state import State
from config.check_in import Manner, Tick
from tests.support.control.making import slot
from tests.support.patience import PATIENCE

PAIRS = 4


def sessions_of(worker):
    """Return how many sessions a worker itself counts, None before its first answer."""
    return worker.status and worker.status.sessions


class TwoWorkers:
    """A broker, its workers and its sessions."""

    def __init__(self, folder, store, journal, most, cost):
        self.folder, self.store = folder, store
        self.broker = Broker(store, journal, SystemClock(), folder, 2, worker_sessions=most, session_cost=cost)
        handlers = {StartRecording: self._start_recording}
        handlers |= dict.fromkeys((FinishRecording, AddEvent, SetRecordingDeadline, AcknowledgeRecording), self._done)
        self.recorder = Server(
            folder / "recorder.sock", RECORDER, handlers, lambda connection: connection.report(RecorderReady())
        )
        self.processes = {}
        self._moved = asyncio.Event()
        self.broker.bus.on("session", lambda session: self._moved.set())

    async def _start_recording(self, command):
        self.recorder.report(FragmentFlushed(session=command.session, part=1, mono=0.0))
        return StartReply(part=1)

    async def _done(self, command):
        return Done()

    async def beat(self):
        """Send the pretended recorder's signs of life."""
        while True:
            self.recorder.report(RecorderAlive())
            await asyncio.sleep(0.3)

    async def worker(self, number):
        """Start a relay worker process."""
        arguments = ("-m", "broker.relay", f"relay-{number}", str(self.folder), "127.0.0.1", "0")
        pipe = asyncio.subprocess.PIPE
        self.processes[number] = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe)

    async def kill(self, number):
        """Kill a worker process with SIGKILL."""
        process = self.processes.pop(number)
        process.kill()
        await process.wait()

    async def visit(self, pair):
        """Create an approved slot that begins now, in rooms of its own."""
        now = SystemClock().now().wall
        made = slot(
            prison=Place(SiteId("first-prison"), RoomId(f"p{pair}")),
            visitor=Place(SiteId("panlong"), RoomId(f"v{pair}")),
            starts_at=now,
            ends_at=now + timedelta(minutes=40),
        )
        return await self.broker.add_slot(made, "test")

    def ready(self, session):
        """Fulfil all conditions of a visit apart from relay and recorder."""
        live = self.broker.live(session)
        made, text = live.session.slot, live.policy.rules_text.id
        officers = frozenset(Watcher(f"{side}-{n}", made.place(side).site) for side in Side for n in (1, 2))
        for person in made.people:
            self.broker.tell(session, ev.PersonCheckedIn(person.side, person.id, "li", tuple(Tick)))
        for side in Side:
            self.broker.tell(session, ev.SeatReady(side, True, "li"))
            self.broker.tell(session, ev.SelfTested(side, True, "t", {"camera": "passed"}))
            self.broker.tell(session, ev.RulesAcknowledged(side, "t", text, "zh", Manner.TOUCH))
        self.media(session, officers)

    def media(self, session, officers):
        """Report that both rooms send and receive, and four officers receive, as relays would."""
        for side in Side:
            self.broker.tell(session, ev.RoomMedia(side, True))
            self.broker.tell(session, ev.RoomReceiving(side, True))
        self.broker.tell(session, ev.WatchersChanged(officers))

    async def until(self, holds, seconds=PATIENCE):
        """Wait until `holds` is true, which is checked at every change of a session and every measurement."""
        async with asyncio.timeout(seconds):
            while not holds():
                self._moved.clear()
                try:
                    await asyncio.wait_for(self._moved.wait(), 0.1)
                except TimeoutError:
                    continue

    def state(self, session):
        return self.broker.live(session).session.state

    def placed(self):
        """Return the sessions of each worker."""
        return [worker.sessions for worker in self.broker.figures().workers]


@asynccontextmanager
async def here(url, most=None, cost=UNMEASURED):
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hj")))
        store = await stack.enter_async_context(Store(url, SystemClock()))
        journal = await stack.enter_async_context(Journal(store.engine, SystemClock()))
        await store.add_site("first-prison", SiteKind.PRISON, "第一监狱", "yunnan")
        await store.add_site("panlong", SiteKind.BUREAU, "盘龙区司法局", "yunnan")
        for number in range(PAIRS):
            await store.add_room(f"p{number}", "first-prison", "室")
            await store.add_room(f"v{number}", "panlong", "室")
        tap = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        tap.bind(str(folder / "tap.sock"))
        tap.listen()
        running = TwoWorkers(folder, store, journal, most, cost)
        await running.recorder.start()
        stack.push_async_callback(running.recorder.close)
        stack.callback(asyncio.create_task(running.beat()).cancel)
        try:
            for number in range(2):
                await running.worker(number)
            await stack.enter_async_context(running.broker)
            await running.until(lambda: all(worker.ready for worker in running.broker.figures().workers))
            yield running
        finally:
            for number in list(running.processes):
                await running.kill(number)


@pytest.fixture
async def two(url):
    async with here(url) as running:
        yield running


@pytest.fixture(params=["limited", "slow"])
async def small(url, request):
    """Start workers that take one session each: as operators say so, or as one fills most of a core here."""
    async with here(url, **({"most": 1} if request.param == "limited" else {"cost": 0.5})) as running:
        yield running


class TestSpreading:
    async def test_sessions_of_a_killed_worker_are_held_and_placed_on_the_other(self, two):
        sessions = [await two.visit(pair) for pair in range(PAIRS)]
        await two.until(lambda: [len(one) for one in two.placed()] == [2, 2])
        for session in sessions:
            two.ready(session)
        await two.until(lambda: {two.state(one) for one in sessions} == {State.LIVE})
        lost, kept = two.placed()
        seen = set()
        two.broker.bus.on("session", lambda session: seen.add((session, two.state(session))))

        await two.kill(0)
        await two.until(lambda: two.placed() == [frozenset(), frozenset(sessions)])
        assert {session for session, state in seen if state is State.HELD} == lost
        assert {two.state(one) for one in kept} == {State.LIVE}
        assert two.broker.figures().holds == {"relay_lost": 2}
        await two.until(lambda: all(two.broker.live(one).session.processes.relay for one in lost))
        worker = two.broker.figures().workers[1]
        await two.until(lambda: sessions_of(two.broker.figures().workers[1]) == PAIRS)
        assert worker.ready and not two.broker.figures().workers[0].ready

    async def test_what_a_worker_uses_is_measured(self, two):
        await two.until(lambda: all(worker.memory > 10_000_000 for worker in two.broker.figures().workers))


class TestFullWorkers:
    async def test_a_session_waits_in_check_in_until_another_has_ended(self, small):
        first, second = [await small.visit(pair) for pair in range(2)]
        await small.until(lambda: [len(one) for one in small.placed()] == [1, 1])
        third = await small.visit(2)
        await small.until(lambda: small.broker.figures().waiting == 1)
        assert [worker.carries for worker in small.broker.figures().workers] == [1, 1]
        with pytest.raises(RelayFull, match="All relay workers are full: 2 sessions") as refused:
            small.broker._relays._choose_or_refuse()
        assert "转发服务已满" in refused.value.detail_zh and "relay_workers" in refused.value.detail_zh
        live = small.broker.live(third)
        assert live.session.state is State.CHECK_IN
        assert Missing.RELAY in missing(live.session, SystemClock().now(), live.policy)

        ended = small.broker.live(first).session.slot.prison.site
        small.broker.tell(first, ev.EndOrdered("li", ended, "YN-17-8"))
        await small.until(lambda: small.broker.figures().waiting == 0)
        await small.until(lambda: {one for on in small.placed() for one in on} == {second, third})
        assert live.session.processes.relay


class TestARestartOfTheControlProcess:
    async def test_workers_keep_their_sessions(self, two, url):
        sessions = [await two.visit(pair) for pair in range(PAIRS)]
        await two.until(lambda: all(sessions_of(worker) == 2 for worker in two.broker.figures().workers))
        before = two.placed()
        await two.broker.__aexit__()
        async with (
            Store(url, SystemClock()) as store,
            Journal(store.engine, SystemClock()) as journal,
            Broker(store, journal, SystemClock(), two.folder, 2) as again,
        ):
            two.broker = again
            await two.until(lambda: all(sessions_of(worker) == 2 for worker in again.figures().workers))
            assert two.placed() == before
            assert {session for worker in before for session in worker} == set(sessions)
