"""Slots for the tests of the store: ten o'clock, thirty minutes, one person on each side."""

from dataclasses import replace
from datetime import timedelta

from broker.booking.slot import Person, Place, Slot
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId, new_id
from tests.support.control.fixtures import TEN


def person(side, name="某某"):
    return Person(PersonId(new_id("prs")), side, name, "亲属" if side is Side.VISITOR else "")


def slot(after=timedelta(0), prison_room="p1", visitor_room="v1", **changes):
    """A slot `after` ten o'clock in these rooms of the two sites."""
    made = Slot(
        id=SlotId(new_id("slt")),
        session=SessionId(new_id("ses")),
        prison=Place(SiteId("first-prison"), RoomId(prison_room)),
        visitor=Place(SiteId("panlong"), RoomId(visitor_room)),
        starts_at=TEN + after,
        ends_at=TEN + after + timedelta(minutes=40),
        minutes=30,
        people=(person(Side.PRISON), person(Side.VISITOR)),
        approved_by="监狱审批",
        article="云南 第八条",
        policy="yunnan",
    )
    return replace(made, **changes)
