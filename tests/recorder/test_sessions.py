"""The orders to the sessions of a recorder, one after another however many come at once: on a slow disk a control
process asks again while its first order still waits."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from broker.kernel.clock import SystemClock, monotonic
from broker.kernel.database import engine_for
from broker.kernel.errors import Conflict
from recorder import sessions as module
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Rules
from recorder.sessions import RecordingSessions
from tests.recorder.test_process import plan
from tests.support.ipc import FactLog
from tests.support.recording.service import recorder_parts

ROOM = Rules(0, 0)
REASON = {"code": "completed"}


@pytest.fixture
async def facts() -> FactLog:
    return FactLog()


@pytest.fixture
async def sessions(tmp_path: Path, database: str, facts: FactLog) -> AsyncIterator[RecordingSessions]:
    root = tmp_path / "archive"
    root.mkdir()
    catalog = Catalog(engine_for(database))
    made = recorder_parts(root, ROOM, catalog, SystemClock(), facts.received).sessions
    yield made
    await made.drain()
    await catalog.close()


class SlowDisk(threading.Event):
    """The disk on which a session is prepared: it answers when it is set, and `asked` says that it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def prepare(self, *args: Any) -> tuple[int, int]:
        self.asked.set()
        self.wait(30)
        return prepare(*args)


prepare = module._prepare


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    disk = SlowDisk()
    monkeypatch.setattr(module, "_prepare", disk.prepare)
    return disk


class TestTwoOrdersToRecordOneSession:
    async def test_begin_one_part_and_a_later_one_the_next(self, sessions: RecordingSessions, slow: SlowDisk) -> None:
        order = plan()
        three = asyncio.gather(*(sessions.start(order) for _ in range(3)))
        await asyncio.sleep(0)
        slow.set()
        assert await three == [1, 1, 1]
        assert len(sessions.active[order.session].tasks) == 1
        assert await sessions.start(order) == 2

    async def test_keep_the_deadline_of_the_one_that_waited(self, sessions: RecordingSessions, slow: SlowDisk) -> None:
        order, ends = plan(), monotonic() + 60
        both = asyncio.gather(sessions.start(order), sessions.start(plan(deadline_mono=ends)))
        await asyncio.sleep(0)
        slow.set()
        await both
        recording = sessions.active[order.session].recording
        assert recording is not None and recording.deadline == ends

    async def test_begin_two_parts_where_their_taps_differ(self, sessions: RecordingSessions, slow: SlowDisk) -> None:
        """Another tap is that of another worker: what it sends would belong to no part."""
        both = asyncio.gather(sessions.start(plan(tap=7)), sessions.start(plan(tap=8)))
        await asyncio.sleep(0)
        slow.set()
        assert list(await both) == [1, 2]

    async def test_leave_nothing_that_writes_when_it_has_ended(
        self, sessions: RecordingSessions, slow: SlowDisk, facts: FactLog
    ) -> None:
        order = plan()
        both = asyncio.gather(sessions.start(order), sessions.start(order))
        await asyncio.sleep(0)
        slow.set()
        await both
        await sessions.start(order)
        parts = list(sessions.active[order.session].tasks)
        await sessions.finish(order.session, REASON)
        await facts.wait_for_any(("recording_archived", "archiving_failed"))
        assert len(parts) == 2 and all(part.done() for part in parts)
        assert "writing_failed" not in {name for name, _ in facts.facts}


class TestAnEndThatComesWhileAPartBegins:
    async def test_is_not_undone_by_an_order_that_waited_meanwhile(
        self, sessions: RecordingSessions, slow: SlowDisk, facts: FactLog
    ) -> None:
        order = plan()
        await asyncio.gather(sessions.start(order), asyncio.to_thread(slow.set))
        async with sessions._order(order.session):
            waiting = asyncio.create_task(sessions.start(order))
            await asyncio.sleep(0)
            sessions.active[order.session].part += 1  # as if another order had begun it
            sessions.end(order.session, REASON)
        with pytest.raises(Conflict):
            await waiting
        await facts.wait_for_any(("recording_archived", "archiving_failed"))

    async def test_ends_that_part(self, sessions: RecordingSessions, slow: SlowDisk, facts: FactLog) -> None:
        order = plan()
        starting = asyncio.create_task(sessions.start(order))
        await asyncio.sleep(0)
        ending = asyncio.create_task(sessions.finish(order.session, REASON))
        slow.set()
        assert await starting == 1
        parts = list(sessions.active[order.session].tasks)
        await ending
        await facts.wait_for_any(("recording_archived", "archiving_failed"))
        assert len(parts) == 1 and parts[0].done()

    async def test_of_a_session_that_nobody_continued_refuses_it(
        self, sessions: RecordingSessions, slow: SlowDisk
    ) -> None:
        order = plan()
        sessions.adopt(order.session)
        starting = asyncio.create_task(sessions.start(order))
        await asyncio.to_thread(slow.asked.wait, 30)
        sessions.end(order.session, REASON)
        slow.set()
        with pytest.raises(Conflict):
            await starting
