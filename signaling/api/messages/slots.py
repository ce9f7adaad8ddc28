"""REST models of approved slots: what a booking system posts and what is shown of it."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from broker.booking.identity import normal_number
from broker.booking.slot import PersonRole
from broker.kernel.errors import BadRequest
from broker.kernel.ids import Side
from signaling.api.messages.fields import (
    Article,
    ExternalId,
    Id,
    Inbound,
    Minutes,
    Moment,
    Name,
    Note,
    NoteText,
    Outbound,
    Relation,
    Short,
)


class RelationDecision(Inbound):
    """The decision of an officer that a relation outside the list of kin and guardians makes a visitor (Yunnan 35 to
    37)."""

    by: Short
    reason: NoteText


def _a_number(text: str) -> str:
    try:
        return normal_number(text)
    except BadRequest as error:
        raise ValueError("not a valid identity number") from error


_IdNumber = Annotated[str, StringConstraints(min_length=5, max_length=40), AfterValidator(_a_number)]


class PersonOrder(Inbound):
    """A person who may be present, known by the booking system's lasting `id`, an `id_number` (resident identity card
    or passport; a digest is kept, never the number), or both. Interpreters do not count among the visitors;
    `dialect_reason`: why Mandarin is too hard for this visitor (Guangdong 28)."""

    id: Annotated[str, StringConstraints(max_length=128)] | None = None
    id_number: _IdNumber | None = Field(default=None, repr=False)
    side: Side
    name: Short
    relation: Relation = ""
    relation_decision: RelationDecision | None = None
    first_visit: bool = False
    role: PersonRole = PersonRole.PARTY
    dialect_reason: Note = ""


class SecondApproval(Inbound):
    """The approval of the visitor side's institution, where both sides hold inmates (Yunnan 7, Guangdong 16)."""

    approved_by: Short
    article: Article


class SlotOrder(Inbound):
    """An approved slot from the booking system or an admin. Where both sides hold inmates, both institutions approve:
    `second_approval` is the visitor side's, and may also come later."""

    external_id: ExternalId = ""
    prison_room: Name
    visitor_room: Name
    starts_at: Moment
    ends_at: Moment
    minutes: Minutes
    people: Annotated[list[PersonOrder], Field(min_length=2, max_length=32)]
    approved_by: Short
    article: Article
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$", max_length=35)] = "zh"
    rebooks: Id | None = None
    """The re-booking request that this slot keeps; it lists the same inmates (Yunnan 18)."""
    second_approval: SecondApproval | None = None


class SlotCancel(Inbound):
    """Why a slot is cancelled. Both members are needed once a person has been checked in: `article` is a code of the
    rules, and one of a fault (YN-18, GD-36) requests that the visit is booked again first."""

    article: Article | None = None
    reason: Note = ""


class SlotWithdraw(Inbound):
    """Why the visitor side's institution cannot take part: a code of the rules, and a reason in words."""

    article: Article
    reason: NoteText


class SlotMade(Outbound):
    """The ids of an accepted slot and of its session. `waiting`: it opens only once the second institution has
    approved."""

    slot: str
    session_id: str
    waiting: bool = False


class SlotPerson(Outbound):
    """A person listed in a slot."""

    id: str
    side: Side
    name: str
    relation: str
    first_visit: bool = False
    role: str = "party"
    dialect_reason: str = ""
    inmate: bool = False
    relation_decision: RelationDecision | None = None


class PlaceView(Outbound):
    """Site and room of one side of a slot."""

    site: str
    room: str


class SlotView(Outbound):
    """An approved slot with its people."""

    id: str
    session: str
    external_id: str
    prison: PlaceView
    visitor: PlaceView
    starts_at: Moment
    ends_at: Moment
    minutes: int = Field(ge=1)
    people: list[SlotPerson]
    approved_by: str
    article: str
    policy: str
    language: str
    second_approval: SecondApproval | None = None
    waiting: bool = False
    """Whether the second institution has still to approve."""
    drill: bool = False
    """Whether it is a drill of two rooms and no visit."""


class SlotList(Outbound):
    """Slots of one day, by start."""

    slots: list[SlotView]
