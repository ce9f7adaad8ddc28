"""Farewells, re-booking requests and absences as officers see them. Rooms see the words of both sides, and neither
requests nor decisions: they are told to speak to the staff."""

from datetime import timedelta

from broker.booking.absence import Absence, Decided, Decision
from broker.booking.rebooking import Rebooking
from broker.booking.slot import Slot
from broker.kernel.ids import Side
from broker.session.parts import farewell
from signaling.api.messages.follow_ups import (
    AbsenceView,
    AbsentPerson,
    DecisionView,
    LostPerson,
    LostSide,
    LostSides,
    RebookingView,
)
from signaling.api.messages.session_view import AbsenceBrief, FarewellView, RebookingBrief, Words
from signaling.views.moment import SessionMoment
from signaling.views.names import Names
from signaling.views.texts import CAUSES, MISSING, REASONS, text_of


async def farewell_view(moment: SessionMoment, names: Names, room: Side | None) -> list[FarewellView]:
    """The sides that say that they have finished, as long as the visit goes on."""
    if moment.session.end is not None:
        return []
    words = farewell.standing(moment.session.farewell, moment.now)
    return [
        FarewellView(
            side=side,
            room=word.room,
            at=word.at,
            until=word.at + timedelta(seconds=farewell.STANDS),
            by=None if word.room or room is not None else await names.officer(word.by),
        )
        for side, word in sorted(words.items())
    ]


def rebooking_brief(request: Rebooking) -> RebookingBrief:
    """A request as the view of its session has it."""
    return RebookingBrief(id=request.id, state=request.state.value, article=request.article, at=request.at)


def absence_brief(absence: Absence) -> AbsenceBrief:
    """An absence as the view of its session has it."""
    return AbsenceBrief(id=absence.id, side=absence.side, state=absence.state.value, at=absence.at)


async def rebooking_view(request: Rebooking, slot: Slot, names: Names) -> RebookingView:
    """A request for the visit of `slot` in full."""
    text = text_of({**REASONS, **MISSING, **CAUSES}, request.cause, slot.between_inmates)
    return RebookingView(
        **rebooking_brief(request).model_dump(),
        session=request.session,
        slot=request.slot,
        cause=Words(code=request.cause, zh=text.zh, en=text.en),
        prison_site=slot.prison.site,
        visitor_site=slot.visitor.site,
        starts_at=slot.starts_at,
        between_inmates=slot.between_inmates,
        sides=LostSides(
            prison=await _lost_side(slot, Side.PRISON, names), visitor=await _lost_side(slot, Side.VISITOR, names)
        ),
        new_slot=request.new_slot,
        by=request.by,
        reason=request.reason,
        decided_at=request.decided_at,
    )


async def _lost_side(slot: Slot, side: Side, names: Names) -> LostSide:
    """One side of a slot by names; of a visit whose names were forgotten by rule it has no people."""
    place = slot.place(side)
    return LostSide(
        site_name=await names.site(place.site),
        room_name=await names.room(place.room),
        people=[LostPerson(name=one.name, role=one.role) for one in slot.people_of(side) if one.name],
    )


async def absence_view(absence: Absence, slot: Slot, names: Names, mine: list[Decision]) -> AbsenceView:
    """An absence from the visit of `slot` in full, with the decisions that the reader may take."""
    listed = {person.id: person.name for person in slot.people}
    return AbsenceView(
        **absence_brief(absence).model_dump(),
        session=absence.session,
        slot=absence.slot,
        site=absence.site,
        between_inmates=slot.between_inmates,
        people=[AbsentPerson(id=person, name=listed.get(person, "")) for person in absence.people],
        by=await names.officer(absence.by) if absence.by else None,
        decided=[await _decision(step, names) for step in absence.decided],
        mine=mine,
    )


async def _decision(step: Decided, names: Names) -> DecisionView:
    return DecisionView(
        decision=step.decision,
        by=await names.officer(step.by) if step.by else None,
        at=step.at,
        reason=step.reason,
        people=list(step.people),
        consequence=step.consequence.value if step.consequence else None,
        article=step.article,
    )
