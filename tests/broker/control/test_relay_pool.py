"""The pool learns what a session costs from what its workers use, and admits by it."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from broker.control import relay_pool
from broker.control.capacity.session_cost import DEARER, SessionCost
from broker.control.effects import _picture_floor
from broker.control.load_balancing import FULL, carries
from broker.control.relay_pool import RelayPool
from broker.ipc.relay_messages import (
    RELAY,
    AdmitReply,
    AdmitSession,
    CloseReply,
    CloseSession,
    GetStatus,
    RelayStatus,
    WorkerReady,
)
from broker.ipc.server import Server
from broker.kernel.clock import SystemClock
from broker.kernel.errors import RelayFull, RelayUnavailable
from tests.support.patience import PATIENCE
from tests.support.session_story import SLOT, YUNNAN


class Worker:
    """A pretended worker whose sessions all flow, and take `cost` cores each by the time that passes between two
    answers."""

    def __init__(self, folder: Path, cost: float) -> None:
        self.cost, self.sessions, self.answered = cost, set(), asyncio.Event()
        self.floors: dict[str, int] = {}
        self._used, self._at = 0.0, asyncio.get_running_loop().time()
        handlers = {AdmitSession: self._admit, CloseSession: self._close, GetStatus: self._status}
        self.server = Server(
            folder / "relay-0.sock",
            RELAY,
            handlers,
            lambda connection: connection.report(WorkerReady(worker="relay-0")),
        )

    async def _admit(self, command):
        self.sessions.add(command.session)
        self.floors[command.session] = command.picture_floor
        return AdmitReply(port=1)

    async def _close(self, command):
        self.sessions.discard(command.session)
        return CloseReply(sides={})

    async def _status(self, command):
        now = asyncio.get_running_loop().time()
        self._used, self._at = self._used + (now - self._at) * self.cost * len(self.sessions), now
        self.answered.set()
        return RelayStatus(cpu_seconds=self._used, sending=2 * len(self.sessions))


class Silent:
    """A listener that does nothing."""

    def received(self, fact):
        """Drop a fact of the worker."""

    def workers_up(self):
        """Do nothing: all sessions have places."""

    def workers_down(self, sessions):
        """Do nothing: the worker stays."""


@asynccontextmanager
async def pool_of(cost, believed, limit=None):
    """A pool with one worker, which believes that a session costs so much."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        worker = Worker(Path(folder), cost)
        await worker.server.start()
        pool = RelayPool(Path(folder), 1, SessionCost(believed), limit, SystemClock())
        running = asyncio.create_task(pool.run(Silent()))
        try:
            yield pool, worker
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await worker.server.close()


async def fill(pool, first=0):
    """Admit sessions from that number on until the pool is full, and return how many it took."""
    count = 0
    while True:
        try:
            await pool.admit(f"s{first + count}")
        except RelayFull:
            return count
        count += 1


async def until(pool, worker, holds):
    """Wait until the pool's figures of its worker are as wanted, which can change with each answer."""
    async with asyncio.timeout(PATIENCE):
        while not holds(pool.workers()[0]):
            worker.answered.clear()
            await worker.answered.wait()
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    """Measure workers often, and learn as quickly."""
    monkeypatch.setattr(relay_pool, "MEASURE", 0.02)
    monkeypatch.setattr("broker.control.capacity.session_cost.MEMORY", 0.2)


class TestAdmission:
    @pytest.mark.parametrize(("cost", "most"), [(0.08, 10), (0.2, 4)])
    async def test_takes_fewer_sessions_where_one_costs_more(self, cost, most):
        async with pool_of(0.0, cost) as (pool, _):
            assert await fill(pool) == most

    async def test_takes_no_more_than_operators_allow(self):
        async with pool_of(0.0, 0.08, limit=3) as (pool, _):
            assert await fill(pool) == 3
            with pytest.raises(RelayFull, match="raise relay_worker_sessions") as refused:
                await pool.admit("another")
            assert "relay_worker_sessions" in refused.value.detail_zh
            assert refused.value.problem()["code"] == "relay_full" and refused.value.problem()["carries"] == 3

    async def test_says_that_it_is_full_what_to_do_and_takes_the_next_when_another_ends(self):
        async with pool_of(0.0, 0.4) as (pool, _):
            assert await fill(pool) == 2
            with pytest.raises(RelayFull, match="placed when another ends") as refused:
                await pool.admit("third")
            assert "relay_worker_sessions" not in refused.value.detail_en
            assert "自动等候" in refused.value.detail_zh and "relay_workers" in refused.value.detail_zh
            await pool.close("s0")
            await pool.admit("third")

    async def test_without_a_worker_is_another_refusal(self, monkeypatch, tmp_path):
        monkeypatch.setattr(relay_pool, "SETTLE", 0.01)
        pool = RelayPool(tmp_path, 1, SessionCost(), None, SystemClock())
        running = asyncio.create_task(pool.run(Silent()))
        with pytest.raises(RelayUnavailable) as refused:
            await pool.admit("s")
        assert refused.value.code == "relay_unavailable"
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class TestLearning:
    async def test_that_sessions_cost_more_than_was_measured_ends_admission_earlier(self):
        async with pool_of(0.09, 0.04) as (pool, worker):
            for number in range(4):
                await pool.admit(f"s{number}")
            assert pool.workers()[0].carries == 20
            await until(pool, worker, lambda found: found.carries <= 10)
            assert pool.workers()[0].cost <= DEARER * 0.04
            assert 4 + await fill(pool, 4) <= carries(pool.workers()[0].cost, None) <= 10

    async def test_that_sessions_cost_less_lets_more_in(self):
        async with pool_of(0.03, 0.05) as (pool, worker):
            assert await fill(pool) == int(FULL / 0.05)
            await until(pool, worker, lambda found: found.carries > int(FULL / 0.05) + 4)
            assert pool.has_room
            await pool.admit("another")


class TestSignLanguage:
    async def test_the_worker_learns_what_pictures_need_before_sound(self):
        async with pool_of(0.0, 0.08) as (pool, worker):
            await pool.admit("spoken")
            await pool.admit("signed", 300_000)
            assert worker.floors == {"spoken": 0, "signed": 300_000}

    @pytest.mark.parametrize(("language", "floor"), [("zh", 0), ("bo", 0), ("csl", 300_000), ("csl-CN", 300_000)])
    def test_the_need_is_that_of_the_pack(self, language, floor):
        runner = SimpleNamespace(policy=YUNNAN, session=SimpleNamespace(slot=replace(SLOT, language=language)))
        assert _picture_floor(runner) == floor
