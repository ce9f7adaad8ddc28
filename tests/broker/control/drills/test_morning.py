"""Yunnan 12, 26(5): the drills of the morning come by themselves, one after another; a failed or a missing one marks
the first visit of its rooms, and a later good one takes the mark away."""

import asyncio
from datetime import time, timedelta

import pytest

from broker.booking.drill import drill_slot
from broker.control.drills.conductor import Conductor
from broker.control.drills.morning import Daily, Morning
from broker.control.journal.journal import Journal
from broker.control.journal.reader import entries
from broker.drills.result import MISSING, DrillState
from broker.kernel.ids import SessionId, SlotId
from broker.session.parts.drill_mark import DrillMark
from tests.support.control.drill_tools import PretendTools
from tests.support.control.fixtures import TEN
from tests.support.signaling.front import PretendBroker, ten_slot

DAILY = Daily(time(7, 30), blocks=False, days=90)


class Day:
    """The drills of a day over a real store and journal and a pretend broker."""

    def __init__(self, store, journal, clock, tools, blocks=False):
        self.store, self.journal, self.clock, self.tools = store, journal, clock, tools
        self.broker = PretendBroker(store, clock)
        self.conductor = Conductor(self.broker, store, journal, clock, tools)
        self.morning = Morning(self.conductor, self.broker, store, journal, clock, DAILY._replace(blocks=blocks))

    async def book(self, **changes) -> SessionId:
        return await self.broker.add_slot(ten_slot(**changes), "test")

    def mark(self, session) -> DrillMark | None:
        return self.broker.live(session).session.drill


@pytest.fixture
async def day(places, clock):
    tools = PretendTools()  # no terminal is connected: each drill fails at once
    async with Journal(places.engine, clock) as journal:
        made = Day(places, journal, clock, tools)
        async with made.conductor:
            yield made


class TestTheMorning:
    async def test_tries_the_rooms_of_todays_first_visits_once(self, day):
        visit = await day.book()
        (drill,) = await day.morning.today("broker")
        assert (drill.prison.room, drill.visitor.room, drill.failed_at) == ("p1", "v1", "terminals")
        assert await day.morning.today("broker") == []
        assert day.mark(visit) == DrillMark(drill.session, "terminals", False)

    async def test_tries_one_pair_after_another(self, day):
        await day.book()
        other = {"prison": ten_slot().prison, "visitor": ten_slot().visitor}
        later = await day.book(**other, starts_at=TEN + timedelta(hours=1), ends_at=TEN + timedelta(hours=2))
        assert len(await day.morning.today("broker")) == 1
        assert day.mark(later) is None

    async def test_says_that_none_could_be_made_where_check_in_is_near(self, day):
        visit = await day.book()
        day.clock.forward(timedelta(minutes=26))
        assert await day.morning.today("broker") == []
        await day.morning.mark()
        assert day.mark(visit).step == MISSING
        await day.journal.flush()
        assert [one.kind for one in await entries(day.store.engine)].count("DrillMissing") == 1

    async def test_forgets_drills_after_their_days(self, day):
        await day.book()
        await day.morning.today("broker")
        await day.morning.forget()
        assert len(await day.store.drills_since(TEN - timedelta(days=1))) == 1
        day.clock.forward(timedelta(days=90, hours=1))
        await day.morning.forget()
        assert await day.store.drills_since(TEN - timedelta(days=1)) == []

    async def test_waits_for_a_drill_that_somebody_has_begun(self, day):
        day.tools.rooms = frozenset({"p1", "v1"})
        slot = ten_slot()
        await day.conductor.begin(slot.prison, slot.visitor, "user:warden")
        await day.book()
        assert await day.morning.today("broker") == []
        day.tools.go_on.set()
        await day.conductor.wait()


class TestTheMark:
    async def test_is_taken_away_by_a_drill_that_passes(self, day):
        visit, slot = await day.book(), ten_slot()
        await day.morning.today("broker")
        assert day.mark(visit) is not None
        day.clock.forward(timedelta(minutes=5))
        again = drill_slot(
            SlotId("slt_e"), SessionId("ses_e"), slot.prison, slot.visitor, "yunnan", False, day.clock.now().wall
        )
        await day.store.add_slot(again)
        await day.store.begin_drill(again, "user:warden")
        await day.morning.mark()
        assert day.mark(visit) is not None  # it runs, and has proved nothing yet
        await day.store.end_drill(again.session, DrillState.PASSED, "", {})
        await day.morning.mark()
        assert day.mark(visit) is None

    async def test_is_set_on_a_visit_that_is_booked_later(self, day):
        slot = ten_slot()
        await day.conductor.begin(slot.prison, slot.visitor, "user:warden")
        await day.conductor.wait()
        visit = await day.book()
        await day.morning.mark()
        assert day.mark(visit).step == "terminals"

    async def test_blocks_where_the_installation_wants_it(self, places, clock):
        async with Journal(places.engine, clock) as journal:
            made = Day(places, journal, clock, PretendTools(), blocks=True)
            async with made.conductor:
                visit = await made.book()
                await made.morning.today("broker")
                assert made.mark(visit).stands_in_the_way


class TestTheConductor:
    async def test_takes_back_the_credentials_and_ends_the_session(self, day):
        day.tools.rooms = frozenset({"p1", "v1"})
        day.tools.reports = ({"did": "three", "mono": 1.0}, {"missing": ["recorder"]})
        slot = ten_slot()
        drill = await day.conductor.begin(slot.prison, slot.visitor, "user:warden")
        while not day.tools.parts:
            await asyncio.sleep(0)
        token = next(iter(day.tools.parts[0].tokens.values()))[0]
        assert await day.store.drill_officer_by_token(token) is not None
        day.tools.go_on.set()
        await day.conductor.wait()
        assert await day.store.drill_officer_by_token(token) is None
        assert day.broker.live(drill.session).session.state == "ended"
        assert (await day.store.drill(drill.session)).result["signature"]

    async def test_ends_what_an_earlier_process_left(self, day, places, clock):
        day.tools.rooms = frozenset({"p1", "v1"})
        slot = ten_slot()
        drill = await day.conductor.begin(slot.prison, slot.visitor, "user:warden")
        async with Conductor(day.broker, places, day.journal, clock, PretendTools()):
            assert (await places.drill(drill.session)).failed_at == "interrupted"
            assert day.broker.live(drill.session).session.state == "ended"
        day.tools.go_on.set()
        await day.conductor.wait()

    async def test_asks_for_as_many_officers_as_the_rules_do(self, day):
        day.tools.rooms = frozenset({"p1", "v1"})
        day.tools.go_on.set()
        slot = ten_slot()
        await day.conductor.begin(slot.prison, slot.visitor, "user:warden")
        await day.conductor.wait()
        need = day.broker.live(
            (await day.store.drills_since(TEN - timedelta(days=1)))[0].session
        ).policy.min_supervisors
        assert {len(tokens) for tokens in day.tools.parts[0].tokens.values()} == {need}
