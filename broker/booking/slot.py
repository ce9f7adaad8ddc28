"""An approved slot (时段): two sides, two rooms, the listed people, the minutes, who approved and by which article."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.kernel.errors import WrongRoom
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SiteId, SlotId


class PersonRole(StrEnum):
    """Part of a listed person in the visit: to meet (罪犯、会见人), or to interpret (翻译人员)."""

    PARTY = "party"
    INTERPRETER = "interpreter"


@dataclass(frozen=True, slots=True)
class Person:
    """Person who is listed for a visit. Names stay in the store and on pages; logs carry the id only.

    `first_visit`: has never visited by video before (Guangdong 24). `dialect_reason`: why Mandarin is too hard for this
    visitor, where the slot's language is a dialect (Guangdong 28). `detained`: is held by the visitor side's own site,
    because both sides are prisons (Yunnan 7, Guangdong 16). `identity`: keyed digest of the person's identity number,
    where booking gave it (broker/booking/identity.py). `relation_by` and `relation_reason`: the officer who decided
    that a relation outside the pack's list makes a visitor, and why (Yunnan 35 to 37).
    """

    id: PersonId
    side: Side
    name: str
    relation: str = ""
    first_visit: bool = False
    role: PersonRole = PersonRole.PARTY
    dialect_reason: str = ""
    detained: bool = False
    identity: str = ""
    relation_by: str = ""
    relation_reason: str = ""

    @property
    def inmate(self) -> bool:
        """Whether this person meets the other side as an inmate."""
        return self.meets and (self.side is Side.PRISON or self.detained)

    @property
    def meets(self) -> bool:
        """Whether this person meets the other side, and is not a helper."""
        return self.role is PersonRole.PARTY


@dataclass(frozen=True, slots=True)
class Place:
    """Site and room of one side of a slot."""

    site: SiteId
    room: RoomId


@dataclass(frozen=True, slots=True)
class Slot:
    """An approval to meet in [starts_at, ends_at) (aware UTC) for at most `minutes` of crossing media.

    `approved_by` and `article` are the prison's approval. Where both sides hold inmates, the visitor side's institution
    approves, too (Yunnan 7, Guangdong 16): `second_approved_by` and `second_article`, empty until it has. `drill`: it
    is no visit but a drill, with invented people (`broker.booking.drill`).
    """

    id: SlotId
    session: SessionId
    prison: Place
    visitor: Place
    starts_at: datetime
    ends_at: datetime
    minutes: int
    people: tuple[Person, ...]
    approved_by: str
    article: str
    policy: str
    external_id: str = ""
    language: str = "zh"
    second_approved_by: str = ""
    second_article: str = ""
    drill: bool = False

    def holds_inmates(self, side: Side) -> bool:
        """Whether those who meet on this side are inmates."""
        return side is Side.PRISON or any(person.inmate for person in self.parties_of(side))

    @property
    def between_inmates(self) -> bool:
        """Whether inmates meet inmates (Yunnan 7, Guangdong 16)."""
        return self.holds_inmates(Side.VISITOR)

    @property
    def awaits_approval(self) -> bool:
        """Whether the visitor side's institution has still to approve."""
        return self.between_inmates and not self.second_approved_by

    def place(self, side: Side) -> Place:
        """Site and room of a side."""
        return self.prison if side is Side.PRISON else self.visitor

    def people_of(self, side: Side) -> tuple[Person, ...]:
        """The people listed for a side."""
        return tuple(person for person in self.people if person.side is side)

    def parties_of(self, side: Side) -> tuple[Person, ...]:
        """The people of a side who meet; interpreters are not counted among them."""
        return tuple(person for person in self.people_of(side) if person.meets)

    def side_of_room(self, room: RoomId) -> Side:
        """The side a room acts for. Raises WrongRoom: a terminal can never act for another room (Yunnan 27(1))."""
        for side in Side:
            if self.place(side).room == room:
                return side
        raise WrongRoom()

    def side_of_site(self, site: SiteId) -> Side | None:
        """The side that a site supervises; None for other sites."""
        for side in Side:
            if self.place(side).site == site:
                return side
        return None
