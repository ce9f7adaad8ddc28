"""Eligibility of the people of a slot: suspensions (Yunnan 17) and lost months (Guangdong 23) in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.booking.absence import Decision, decide, noted
from broker.kernel.errors import Forfeited, Suspended
from broker.kernel.ids import Side
from broker.session.effects import Reason
from broker.session.state import End, Session, State
from config.pack_loader import load_pack
from tests.broker.control.store.test_suspensions import decided, proposal
from tests.support.control.making import slot

DAY = timedelta(days=1)


@pytest.fixture
async def first(places):
    made = slot()
    await places.add_slot(made)
    return made


def later(first, after):
    """Return another slot of the same people."""
    return replace(slot(after), people=first.people)


async def missed(places, made, side=Side.VISITOR, *decisions, pack="guangdong"):
    """Note that a side did not come, and what officers decide about it."""
    session = replace(Session(made), state=State.ENDED, end=End(Reason.NO_SHOW, made.starts_at, side=side))
    absence = noted(session)
    await places.save_snapshot(made.session, "ended", {}, None, absence)
    for number, decision in enumerate(decisions):
        absence = decide(
            absence, made, load_pack(pack), decision, by=f"li-{number}", site=absence.site, reason="未说明原因",
            now=made.starts_at,
        )  # fmt: skip
        await places.add_absence_decision(absence)


class TestSuspension:
    async def test_that_is_approved_refuses_the_person_while_it_lasts(self, places, first):
        person = first.people[1].id
        made = proposal(first.session, person=person)
        await places.add_suspension(made)
        await places.add_slot(later(first, DAY))  # not decided yet
        await places.add_suspension_step(decided(made))
        with pytest.raises(Suspended) as refusal:
            await places.add_slot(later(first, 2 * DAY))
        assert refusal.value.extra["person"] == person
        await places.add_slot(later(first, 62 * DAY))

    async def test_does_not_concern_other_people(self, places, first):
        made = proposal(first.session, person=first.people[1].id)
        await places.add_suspension(made)
        await places.add_suspension_step(decided(made))
        await places.add_slot(slot(DAY))


class TestOnePersonUnderSeveralIds:
    """A decision that was made under one id or identity binds the person under all (Yunnan 17, Guangdong 23)."""

    NUMBER, OTHER = "a" * 64, "b" * 64

    def visit(self, after, id, identity=""):
        made = slot(after)
        inmate, visitor = made.people
        return replace(made, people=(inmate, replace(visitor, id=id, identity=identity)))

    async def suspend(self, places, id, identity=""):
        visit = self.visit(timedelta(0), id, identity)
        await places.add_slot(visit)
        made = replace(proposal(visit.session, person=id), identity=identity)
        await places.add_suspension(made)
        await places.add_suspension_step(decided(made))

    @pytest.mark.parametrize("linked_first", [True, False])
    async def test_a_suspension_by_id_binds_who_is_booked_by_the_number_alone(self, places, linked_first):
        linking = self.visit(100 * DAY, "zz9", self.NUMBER)
        if linked_first:
            await places.add_slot(linking)
        await self.suspend(places, "zz9")
        if not linked_first:
            await places.add_slot(linking)
        with pytest.raises(Suspended) as refusal:
            await places.add_slot(self.visit(2 * DAY, "pid_x", self.NUMBER))
        assert refusal.value.extra["person"] == "pid_x"
        await places.add_slot(self.visit(3 * DAY, "pid_y", self.OTHER))

    async def test_a_visit_that_stands_learns_of_it_too(self, places):
        standing = self.visit(2 * DAY, "pid_x", self.NUMBER)
        await places.add_slot(standing)
        await self.suspend(places, "zz9")
        assert (await places.bars_of([standing]))[standing.session] == ()
        await places.add_slot(self.visit(100 * DAY, "zz9", self.NUMBER))
        bars = (await places.bars_of([standing]))[standing.session]
        assert [bar.person for bar in bars] == ["pid_x"]

    async def test_a_suspension_by_one_number_binds_the_other_number_of_the_same_id(self, places):
        await places.add_slot(self.visit(100 * DAY, "zz9", self.OTHER))
        await places.add_slot(self.visit(101 * DAY, "zz9", self.NUMBER))
        await self.suspend(places, "pid_x", self.NUMBER)
        with pytest.raises(Suspended):
            await places.add_slot(self.visit(2 * DAY, "zz9"))

    async def test_a_lost_month_by_id_binds_who_is_booked_by_the_number_alone(self, places):
        visit = self.visit(timedelta(0), "zz9")
        await places.add_slot(visit)
        await places.add_slot(self.visit(100 * DAY, "zz9", self.NUMBER))
        await missed(places, visit, Side.VISITOR, Decision.FORFEIT)
        with pytest.raises(Forfeited):
            await places.add_slot(self.visit(2 * DAY, "pid_x", self.NUMBER))


class TestLostMonth:
    """Guangdong 23: lost by an officer's decision that is in force, and by nothing else."""

    async def test_refuses_the_visitor_until_the_next_month(self, places, first):
        await missed(places, first, Side.VISITOR, Decision.FORFEIT)
        with pytest.raises(Forfeited) as refusal:
            await places.add_slot(later(first, 2 * DAY))
        assert refusal.value.extra["until"] == "2026-04-01"
        await places.add_slot(later(first, 30 * DAY))

    @pytest.mark.parametrize(
        ("side", "decisions", "pack"),
        [
            (Side.VISITOR, (), "guangdong"),
            (Side.PRISON, (), "guangdong"),
            (Side.VISITOR, (Decision.EXCUSE,), "guangdong"),
            (Side.VISITOR, (Decision.FORFEIT, Decision.TAKE_BACK), "guangdong"),
            (Side.VISITOR, (Decision.FORFEIT,), "yunnan"),
        ],
    )
    async def test_is_not_lost_by_a_note_nor_by_what_was_excused_or_taken_back(
        self, places, first, side, decisions, pack
    ):
        await missed(places, first, side, *decisions, pack=pack)
        await places.add_slot(later(first, 2 * DAY))

    async def test_is_lost_by_those_alone_who_are_named(self, places, first):
        await missed(places, first, Side.VISITOR, Decision.FORFEIT)
        await places.add_slot(slot(DAY))
