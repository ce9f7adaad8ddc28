"""Eligibility of the people of a slot: suspensions (Yunnan 17) and lost months (Guangdong 23) in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from broker.kernel.errors import Forfeited, Suspended
from broker.kernel.ids import Side
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


async def end(places, made, **end):
    await places.save_snapshot(made.session, "ended", {"end": {"article": "广东 第二十三条", **end}})


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


class TestLostMonth:
    async def test_refuses_the_visitor_until_the_next_month(self, places, first):
        await end(places, first, lost="month", side=Side.VISITOR)
        with pytest.raises(Forfeited) as refusal:
            await places.add_slot(later(first, 2 * DAY))
        assert refusal.value.extra["until"] == "2026-04-01"
        await places.add_slot(later(first, 30 * DAY))

    @pytest.mark.parametrize(
        "reason", [{}, {"lost": "month", "side": Side.PRISON}, {"lost": "visit", "side": Side.VISITOR}]
    )
    async def test_is_lost_only_by_a_visitor_who_did_not_come(self, places, first, reason):
        await end(places, first, **reason)
        await places.add_slot(later(first, 2 * DAY))
