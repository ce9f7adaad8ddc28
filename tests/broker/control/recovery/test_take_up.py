"""A start takes up what is on record now, and no withdrawn approval comes back: with a real database, and processes
that are killed between the slot's row and the session's snapshot."""

import asyncio
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.ids import Side
from broker.session.effects import Reason
from broker.session.snapshot import to_json
from broker.session.state import State
from tests.broker.control.store.test_suspensions import decided, proposal
from tests.support.control.making import slot
from tests.support.patience import PATIENCE

NOW = SystemClock().now


@pytest.fixture
def clock():
    return SystemClock()


def today(**changes):
    """A slot whose check-in is open now."""
    starts = NOW().wall + timedelta(minutes=10)
    return slot(starts_at=starts, ends_at=starts + timedelta(minutes=40), **changes)


@asynccontextmanager
async def running(url, folder):
    """The broker of a control process on this database."""
    async with (
        Store(url, busy_seconds=60) as store,  # a stalled disk is not what these tests are about
        Journal(store.engine, store.clock) as journal,
        Broker(store, journal, store.clock, folder, 0) as broker,
    ):
        yield broker


async def state_of(broker, session, wanted):
    """Wait until a session is in the wanted state, and return it."""
    async with asyncio.timeout(PATIENCE):
        while (found := broker.live(session).session).state is not wanted:
            await asyncio.sleep(0.02)  # the state is polled: a change of rows has no event outside the broker
    return found


async def booked(url, folder, made):
    """Book a slot with a running service, which then stops."""
    async with running(url, folder) as broker:
        await broker.add_slot(made, "integrator:test")
        await state_of(broker, made.session, State.CHECK_IN)


class TestCancelledWhileNoServiceRuns:
    async def test_a_slot_does_not_come_back(self, places, url, tmp_path):
        made = today()
        await booked(url, tmp_path, made)
        await places.cancel_slot(made.id, "command:root")
        async with running(url, tmp_path) as broker:
            found = broker.live(made.session).session
            assert (found.state, found.end.reason, found.end.by) == (State.ENDED, Reason.CANCELLED, "command:root")
            await broker.journal.flush()
            (entry,) = [one for one in await broker.journal.entries(made.session) if one.kind == "ApprovalWithdrawn"]
            assert entry.author == "command:root"
        assert (await places.snapshot(made.session)).state == "ended"
        async with running(url, tmp_path) as broker:  # and is noted once
            await broker.journal.flush()
            kinds = [one.kind for one in await broker.journal.entries(made.session)]
            assert kinds.count("ApprovalWithdrawn") == 1

    async def test_nor_one_that_no_service_had_seen(self, places, url, tmp_path):
        made = today()
        await places.add_slot(made)
        await places.cancel_slot(made.id, "command:root")
        async with running(url, tmp_path) as broker:
            assert broker.live(made.session).session.state is State.ENDED

    async def test_nor_a_visit_that_had_begun_and_its_recording_is_finished(self, places, url, tmp_path):
        made = today()
        await booked(url, tmp_path, made)
        saved = await places.snapshot(made.session)
        gate = {"hard_stop": NOW().mono + 1800, "crossed": NOW().mono, "deadline": NOW().mono + 1800}
        await places.save_snapshot(made.session, "live", {**saved.data, "state": "live", "recorded": True, **gate})
        await places.cancel_slot(made.id, "command:root")
        async with running(url, tmp_path) as broker:
            assert broker.live(made.session).session.end.reason is Reason.CANCELLED
            await broker.journal.flush()
            kinds = {one.kind for one in await broker.journal.entries(made.session)}
            assert {"ShutGate", "FinishRecording", "ClosePorts"} <= kinds

    async def test_a_slot_that_stands_is_taken_up(self, places, url, tmp_path):
        made = today()
        await booked(url, tmp_path, made)
        async with running(url, tmp_path) as broker:
            assert broker.live(made.session).session.state is State.CHECK_IN


class TestKilled:
    @pytest.mark.parametrize("point", ["row", "snapshot"])
    async def test_between_row_and_snapshot_in_either_order_the_withdrawal_stands(self, places, url, tmp_path, point):
        made = today()
        await booked(url, tmp_path, made)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.control.dying_broker", url, str(tmp_path), made.id, point
        )
        assert await process.wait() == 9
        assert (await places.snapshot(made.session)).state == ("check_in" if point == "row" else "ended")
        async with running(url, tmp_path) as broker:
            if point == "row":
                end = broker.live(made.session).session.end
                assert (end.reason, end.by) == (Reason.CANCELLED, "user:admin-1")
            else:
                assert made.session not in {live.session.id for live in broker.sessions()}
            await broker.journal.flush()
        assert (await places.snapshot(made.session)).state == "ended"
        await places.add_slot(replace(slot(), starts_at=made.starts_at, ends_at=made.ends_at))  # the rooms are free


class TestChangedMeanwhile:
    async def test_a_suspension_blocks_the_opening_after_the_start(self, places, url, tmp_path):
        made = today()
        await booked(url, tmp_path, made)
        await suspended(places, made)
        async with running(url, tmp_path) as broker:
            (bar,) = broker.live(made.session).session.bars
            assert bar.person == made.people[0].id and bar.article

    async def test_an_extension_that_is_refused_on_record_is_taken_back(self, places, url, tmp_path):
        made = today()
        await booked(url, tmp_path, made)
        async with running(url, tmp_path) as broker:
            session = broker.live(made.session).session
            data = to_json(session, "boot")
        approval = {
            **{"id": "ap_1", "by": "w", "site": "first-prison", "role": "approver", "added": 300.0},
            **{"article": "YN-14-OTHER", "reason": "x", "at": NOW().wall.isoformat(), "made": 1.0},
        }
        await places.save_snapshot(made.session, "check_in", {**data, "extensions": [approval]})
        async with running(url, tmp_path) as broker:
            assert broker.live(made.session).session.extensions == ()


class TestWhileTheServiceRuns:
    """Rows that a command writes are learned of within a second or so, without being told."""

    async def test_a_cancelled_slot_ends_its_session(self, places, url, tmp_path):
        made = today()
        async with running(url, tmp_path) as broker:
            await broker.add_slot(made, "integrator:test")
            await state_of(broker, made.session, State.CHECK_IN)
            await places.cancel_slot(made.id, "command:root")
            found = await state_of(broker, made.session, State.ENDED)
            assert (found.end.reason, found.end.by) == (Reason.CANCELLED, "command:root")

    async def test_a_suspension_blocks_the_opening(self, places, url, tmp_path):
        made = today()
        async with running(url, tmp_path) as broker:
            await broker.add_slot(made, "integrator:test")
            await suspended(places, made)
            async with asyncio.timeout(PATIENCE):
                while not broker.live(made.session).session.bars:
                    await asyncio.sleep(0.02)

    async def test_a_cancellation_by_interface_is_noted_once(self, places, url, tmp_path):
        made = today()
        async with running(url, tmp_path) as broker:
            await broker.add_slot(made, "integrator:test")
            await broker.cancel_slot(made.id, "user:admin-1")
            await broker.rows_changed()
            await broker.journal.flush()
            kinds = [one.kind for one in await broker.journal.entries(made.session)]
            assert kinds.count("SlotCancelled") == 1 and "ApprovalWithdrawn" not in kinds


async def suspended(places, made):
    """Suspend the visits of the slot's inmate from today on."""
    proposed = proposal(made.session, person=made.people_of(Side.PRISON)[0].id)
    await places.add_suspension(proposed)
    step = decided(proposed)
    taken = (replace(step.taken[0], at=NOW().wall - timedelta(hours=1)),)
    await places.add_suspension_step(replace(step, taken=taken))
