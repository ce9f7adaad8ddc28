"""REST models of approved slots: what a booking system posts and what is shown of it."""

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from broker.booking.slot import PersonRole
from broker.kernel.ids import Side
from signaling.api.messages.fields import PLAIN, Article, Id, Inbound, Minutes, Moment, Name, Note, Outbound, Short


class PersonOrder(Inbound):
    """A person who may be present. Without `id` one is made. Interpreters do not count among the visitors;
    `dialect_reason`: why Mandarin is too hard for this visitor (Guangdong 28)."""

    id: Id | None = None
    side: Side
    name: Short
    relation: Annotated[str, StringConstraints(pattern=PLAIN, max_length=64)] = ""
    first_visit: bool = False
    role: PersonRole = PersonRole.PARTY
    dialect_reason: Note = ""


class SlotOrder(Inbound):
    """An approved slot from the booking system or an admin."""

    external_id: Annotated[str, StringConstraints(pattern=PLAIN, max_length=128)] = ""
    prison_room: Name
    visitor_room: Name
    starts_at: Moment
    ends_at: Moment
    minutes: Minutes
    people: Annotated[list[PersonOrder], Field(min_length=2, max_length=32)]
    approved_by: Short
    article: Article
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$", max_length=35)] = "zh"

    @model_validator(mode="after")
    def _people_differ(self) -> "SlotOrder":
        named = [person.id for person in self.people if person.id is not None]
        if len(named) != len(set(named)):
            raise ValueError("two people have the same id")
        return self


class SlotMade(Outbound):
    """The ids of an accepted slot and of its session."""

    slot: str
    session_id: str


class SlotPerson(Outbound):
    """A person listed in a slot."""

    id: str
    side: Side
    name: str
    relation: str
    first_visit: bool = False
    role: str = "party"
    dialect_reason: str = ""


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


class SlotList(Outbound):
    """Slots of one day, by start."""

    slots: list[SlotView]
