"""The keeper of the history writes on, whatever becomes of one visit, of the database, or of the completion."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest

from broker.kernel.errors import Conflict
from config.settings import Settings
from signaling.history import keeper as keeping
from signaling.history.keeper import HistoryKeeper
from tests.support.control.fixtures import StoodClock
from tests.support.history.drawn import slot_of, visit_of
from tests.support.patience import PATIENCE

BAD, GOOD = slot_of(1).session, slot_of(2).session


class Kept:
    """Sources, store and journal of a keeper. `faults`: what the reading of a session raises, once each; `written`: the
    sessions that were written."""

    def __init__(self):
        self.faults, self.written = {}, asyncio.Queue()
        self.completing, self.reading, self.read_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.read_on.set()

    async def visit(self, slot, now):
        self.reading.set()
        await self.read_on.wait()
        if faults := self.faults.get(slot.session):
            raise faults.pop()
        return visit_of(int(slot.id[4:]), slot)

    async def slot_of_session(self, session):
        return slot_of(int(session[4:]))

    async def index_visits(self, visits, due):
        for visit in visits:
            self.written.put_nowait(visit.slot.session)

    async def slots_to_index(self, after, limit, everything):
        self.completing.set()
        return []

    async def named_before(self, moment, after, limit):
        return []

    async def flush_own(self):
        """Write what the journal holds: nothing."""

    async def next(self):
        async with asyncio.timeout(PATIENCE):
            return await self.written.get()


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def keeper(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "RETRY", 0.0)
    return HistoryKeeper(kept, kept, kept, StoodClock(), Settings(data_dir=tmp_path))


@asynccontextmanager
async def running(keeper):
    task = asyncio.create_task(keeper.run())
    yield
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_fault_that_was_not_foreseen_keeps_no_other_visit_from_being_written(keeper, kept):
    kept.faults[BAD] = [RuntimeError("unforeseen")]
    async with running(keeper):
        keeper.want(BAD)
        keeper.want(GOOD)
        assert await kept.next() == GOOD
        keeper.want(BAD)
        assert await kept.next() == BAD


async def test_a_refusal_is_tried_again(keeper, kept):
    kept.faults[BAD] = [Conflict("x"), Conflict("x")]
    async with running(keeper):
        keeper.want(BAD)
        assert await kept.next() == BAD


async def test_a_completion_that_fails_ends_nothing_else(keeper, kept, monkeypatch):
    async def fail(*_):
        kept.completing.set()
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(kept, "slots_to_index", fail)
    async with running(keeper):
        await kept.completing.wait()
        keeper.want(GOOD)
        assert await kept.next() == GOOD


async def test_sessions_are_written_while_the_index_is_completed(keeper, kept, monkeypatch):
    async def wait(*_):
        kept.completing.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(kept, "slots_to_index", wait)
    async with running(keeper):
        await kept.completing.wait()
        keeper.want(GOOD)
        assert await kept.next() == GOOD


async def test_a_session_whose_writing_was_broken_off_still_waits(keeper, kept):
    kept.read_on.clear()
    keeper.want(GOOD)
    task = asyncio.create_task(keeper.settle())
    await kept.reading.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    kept.read_on.set()
    await keeper.settle()
    assert kept.written.get_nowait() == GOOD
