"""What follows visits that did not take place, through a broker that is stopped and started (Yunnan 18, Guangdong 23):
requests and notes are stored once, with the end, and never lost."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.absence import AbsenceState, Decision, decide
from broker.booking.rebooking import RebookingState
from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.kernel.errors import Conflict, ReasonNeeded
from broker.kernel.ids import Side, UserId
from broker.session import events as ev
from broker.session.effects import Reason
from broker.session.state import State
from config.check_in import Tick
from config.pack_loader import load_pack
from tests.support.control.making import slot

DAY = timedelta(days=1)


@pytest.fixture
def start(places, clock, tmp_path):
    """Return a function that runs a broker without workers on the same database."""

    @asynccontextmanager
    async def run():
        async with Journal(places.engine, clock) as journal, Broker(places, journal, clock, tmp_path, 0) as broker:
            yield broker

    return run


async def kinds(broker, session):
    """Return the kinds of a session's journal entries."""
    await broker.journal.flush()
    return [entry.kind for entry in await broker.journal.entries(session)]


class TestAServiceThatWasDown:
    @pytest.mark.parametrize("days", [0.5, 3, 30])
    async def test_books_again_first_what_it_missed(self, start, places, clock, days):
        made = slot()
        await places.add_slot(made)
        clock.forward(timedelta(days=days))
        async with start() as broker:
            session = broker.live(made.session).session
            while session.state is not State.ENDED:
                broker.tell(made.session, ev.TimePassed())
                session = broker.live(made.session).session
            assert session.end is not None and (session.end.reason, session.end.cause) == (
                Reason.TECHNICAL,
                "desk_missed",
            )
        (request,) = await places.rebookings()
        assert (request.session, request.state) == (made.session, RebookingState.OPEN)
        async with start() as broker:
            assert await places.rebookings() == [request]

    async def test_makes_no_request_of_a_slot_that_was_cancelled_or_held(self, start, places, clock):
        cancelled, held = slot(), slot(timedelta(hours=1))
        for made in (cancelled, held):
            await places.add_slot(made)
        await places.cancel_slot(cancelled.id)
        async with start() as broker:
            await broker.cancel_slot(held.id, "user:admin")
        clock.forward(3 * DAY)
        async with start():
            assert await places.rebookings() == []


class TestCancelling:
    async def test_by_the_code_of_a_fault_requests_once_that_it_is_booked_again(self, start, places):
        made = slot()
        await places.add_slot(made)
        async with start() as broker:
            await broker.cancel_slot(made.id, "integrator:key_1", "YN-18", "停电")
        (request,) = await places.rebookings()
        assert (request.cause, request.article) == ("停电", "云南 第十八条")
        async with start() as broker:
            with pytest.raises(Conflict):
                await broker.cancel_slot(made.id, "integrator:key_1", "YN-18", "停电")
        assert await places.rebookings() == [request]

    async def test_needs_a_reason_after_a_check_also_when_the_service_was_restarted(self, start, places, clock):
        made = slot()
        await places.add_slot(made)
        clock.forward(timedelta(minutes=45))
        async with start() as broker:
            broker.tell(made.session, ev.TimePassed())
            visitor = made.people_of(Side.VISITOR)[0].id
            broker.tell(made.session, ev.Ticked(Side.VISITOR, visitor, Tick.IDENTITY, True, UserId("li")))
        async with start() as broker:
            with pytest.raises(ReasonNeeded):
                await broker.cancel_slot(made.id, "user:admin")
            assert (await places.slots_between(made.starts_at, made.ends_at)) == [made]


class TestARequest:
    async def test_follows_the_slot_that_keeps_it_on_the_session(self, start, places):
        made, again = slot(), slot(DAY)
        again = replace(again, people=made.people)
        await places.add_slot(made)
        async with start() as broker:
            await broker.cancel_slot(made.id, "user:admin", "YN-18", "停电")
            request = await places.rebooking_of(made.session)
            await broker.add_slot(again, "integrator:key_1", request.id)
            assert (await places.rebooking(request.id)).new_slot == again.id
            await broker.cancel_slot(again.id, "integrator:key_1")
            assert (await places.rebooking(request.id)).state is RebookingState.OPEN
            await broker.follow_ups.decline_rebooking(request.id, "user:li", "会见人不再需要")
            assert "RebookingDeclined" in await kinds(broker, made.session)
        assert (await places.rebooking(request.id)).state is RebookingState.DECLINED


class TestAnAbsence:
    async def test_is_noted_by_the_timer_and_decided_by_officers(self, start, places, clock):
        made = slot()
        await places.add_slot(made)
        clock.forward(timedelta(minutes=45))
        async with start() as broker:
            broker.tell(made.session, ev.TimePassed())
            clock.forward(timedelta(minutes=30))
            broker.tell(made.session, ev.TimePassed())
            assert broker.live(made.session).session.state is State.ENDED
        absence = await places.absence_of(made.session)
        assert (absence.state, absence.side) == (AbsenceState.NOTED, Side.VISITOR)
        async with start() as broker:
            forfeited = decide(
                absence,
                made,
                load_pack("guangdong"),
                Decision.FORFEIT,
                by=UserId("li"),
                site=made.visitor.site,
                reason="电话三次未接",
                now=clock.now().wall,
            )
            await broker.follow_ups.decide_absence(forfeited, "user:li")
            assert broker.live(made.session).absence == forfeited
            with pytest.raises(Conflict):
                await broker.follow_ups.decide_absence(forfeited, "user:li")
            noted = await kinds(broker, made.session)
            assert noted.count("AbsenceForfeited") == 1 and "NoteAbsence" in noted
        assert await places.absence_of(made.session) == forfeited
