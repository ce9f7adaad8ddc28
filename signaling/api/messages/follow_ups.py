"""REST models of what follows a visit that did not take place: re-booking requests, absences with what officers decide
about them, and announcements of the cause."""

from typing import Annotated, Literal

from pydantic import Field

from broker.booking.absence import Decision
from broker.booking.rebooking import RebookingState
from config.articles.grounds import Issuer
from signaling.api.messages.fields import AnnouncementText, Article, Id, Inbound, Moment, NoteText, Outbound
from signaling.api.messages.session_view import AbsenceBrief, Officer, RebookingBrief, Words


class RebookingQuery(Inbound):
    """Which requests are asked for; all states where none is named."""

    state: RebookingState | None = None


class LostPerson(Outbound):
    """A person of the visit that did not take place; `role` is party or interpreter."""

    name: str
    role: str


class LostSide(Outbound):
    """One side of the visit that did not take place, by names."""

    site_name: str
    room_name: str
    people: list[LostPerson]


class LostSides(Outbound):
    """Both sides of the visit that did not take place."""

    prison: LostSide
    visitor: LostSide


class RebookingView(RebookingBrief):
    """A request to book a visit again first. `cause` in words; `slot` is that of the visit that did not take place,
    which was to begin at `starts_at` between `sides`; `new_slot` is the one that keeps the request; `by`, `reason` and
    `decided_at` say who closed it."""

    session: str
    slot: str
    cause: Words
    prison_site: str
    visitor_site: str
    starts_at: Moment
    between_inmates: bool
    sides: LostSides
    new_slot: str | None = None
    by: str = ""
    reason: str = ""
    decided_at: Moment | None = None


class RebookingList(Outbound):
    """Re-booking requests, the newest first."""

    rebookings: list[RebookingView]


class Declined(Inbound):
    """Why a request is closed without a visit: the family wants none, or it was held after all."""

    reason: NoteText


class ForfeitOrder(Inbound):
    """An officer finds that visitors stayed away without reason (无故). `people`: which of them; without it those whom
    the note names."""

    reason: NoteText
    people: Annotated[list[Id], Field(min_length=1, max_length=32)] | None = None


class AbsenceOrder(Inbound):
    """An officer takes a forfeit back, or excuses an absence."""

    reason: NoteText


class DecisionView(Outbound):
    """A decision about an absence. `by` is null for what an earlier version did by a timer."""

    decision: Decision
    by: Officer | None
    at: Moment
    reason: str
    people: list[str]
    consequence: Literal["visit", "month"] | None
    article: str


class AbsentPerson(Outbound):
    """A person who was not checked in when check-in closed. `begun`: staff had made a check of them."""

    id: str
    name: str


class AbsenceView(AbsenceBrief):
    """What is noted of a side that did not come, and what officers decided. `mine`: the decisions that the caller may
    take now. `between_inmates`: both sides are prisons."""

    session: str
    slot: str
    site: str
    between_inmates: bool = False
    people: list[AbsentPerson]
    by: Officer | None
    decided: list[DecisionView]
    mine: list[Decision]


class AbsenceList(Outbound):
    """Absences from the visits of a site, the newest first."""

    absences: list[AbsenceView]


class AnnouncementOrder(Inbound):
    """An announcement of why visits stop: the cause by its code, the text, and the visit, where it is about one."""

    id: Id
    code: Article
    text: AnnouncementText
    session: Id | None = None


class AnnouncementView(Outbound):
    """An announcement: its cause in the words of the article, the office that announces it (`issuer`) and the site that
    did, and when the province put it on file. `session` is shown to those who may see the visit; `mine`: the caller may
    put it on file now."""

    id: str
    code: str
    cause: str
    issuer: Issuer
    article: str
    text: str
    site: str
    at: Moment
    session: str | None
    filed_at: Moment | None
    filed_site: str | None
    mine: bool = False


class AnnouncementDue(Outbound):
    """A visit that was held or ended on a cause that is not announced yet. `at`: when it ended, null while it is held;
    `mine`: the caller may announce it now."""

    session: str
    code: str
    issuer: Issuer
    at: Moment | None = None
    mine: bool = False


class AnnouncementList(Outbound):
    """Announcements, the newest first, and what is still to be announced."""

    announcements: list[AnnouncementView]
    due: list[AnnouncementDue]
