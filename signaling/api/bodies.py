"""Every REST body, query and answer. Strict, limited, and the source of the schemas in the OpenAPI document."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from broker.booking.slot import PersonRole
from broker.kernel.ids import Side
from config.checkin import Tick
from signaling.api.fields import (
    PLAIN,
    Article,
    Id,
    Minutes,
    Moment,
    Name,
    Note,
    Page,
    Remarked,
    Said,
    Short,
    Token,
    Told,
)
from signaling.api.messages import AlertView, ExtensionView, MuteWords, Officer, Order, SessionView, WarnWords

# ---- sign-in -------------------------------------------------------------------------------------------------------


class SignIn(Said):
    """A user's name and password."""

    user: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class UserView(Told):
    """A signed-in user. `site` is null for the province."""

    id: str
    name: str
    role: str
    site: str | None = None


class SignedIn(Told):
    """A bearer token for this user; browsers get the same as a cookie and may forget this one."""

    token: Token
    expires_at: Moment
    user: UserView


class CallerView(Told):
    """A user, a terminal, an upstream booking system, or a program that watches the service."""

    kind: Literal["user", "terminal", "integrator", "observer"]
    id: str
    name: str | None = None
    role: str | None = None
    site: str | None = None
    room: str | None = None
    sessions_per_supervisor: int | None = Field(default=None, ge=1)


class Me(Told):
    """Who the caller is."""

    who: CallerView


# ---- slots ---------------------------------------------------------------------------------------------------------


class PersonOrder(Said):
    """Somebody who may be present. Without `id` one is made. Interpreters do not count among the visitors;
    `dialect_reason`: why Mandarin is too hard for this visitor (Guangdong 28)."""

    id: Id | None = None
    side: Side
    name: Short
    relation: Annotated[str, StringConstraints(pattern=PLAIN, max_length=64)] = ""
    first_visit: bool = False
    role: PersonRole = PersonRole.PARTY
    dialect_reason: Note = ""


class SlotOrder(Said):
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


class SlotMade(Told):
    """Where the slot and its session are to be found."""

    slot: str
    session_id: str


class SlotPerson(Told):
    """Somebody listed in a slot."""

    id: str
    side: Side
    name: str
    relation: str
    first_visit: bool = False
    role: str = "party"
    dialect_reason: str = ""


class PlaceView(Told):
    """One end of a slot."""

    site: str
    room: str


class SlotView(Told):
    """An approved slot."""

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


class SlotList(Told):
    """Slots of one day, by start."""

    slots: list[SlotView]


class SessionList(Told):
    """Sessions of one day, by start."""

    sessions: list[SessionView]


class DayQuery(Said):
    """A day in Asia/Shanghai; today when absent."""

    day: date | None = None


class PageQuery(Said):
    """The window that asks to watch; an officer who names none is not counted for what it receives."""

    page: Page | None = None


# ---- commands on a session -----------------------------------------------------------------------------------------
# The WebSocket sends the same words with `type`, `id` and `session`; `order` puts a body into that one form.


class CheckInBody(Said):
    """Several ticks of one listed person at once; the first three must all be done."""

    side: Side
    person: Id
    identity: bool
    security: bool
    rules: bool
    phone: bool = False
    letter: bool = False


class TickBody(Said):
    """One check of one listed person was made, or is taken back."""

    side: Side
    person: Id
    tick: Tick
    on: bool


class SeatBody(Said):
    """The assigned seat of one's own room is ready, or no longer."""

    side: Side
    ready: bool


class AbsentBody(Said):
    """One listed person will not come."""

    side: Side
    person: Id


class EquipmentBody(Said):
    """Staff's own check of their room."""

    side: Side
    passed: bool


class SelfTestBody(Said):
    """A terminal's own check."""

    camera: bool
    microphone: bool
    speaker: bool
    network: bool
    speaker_checked: bool = True


class ArticleBody(Said):
    """Hold or end, under an article."""

    article: Article
    note: Note = ""


class ResumeBody(Said):
    """Let it go on."""

    note: Note = ""


class WarnBody(WarnWords):
    """Warn rooms, in ready words or one's own."""


class AcknowledgeBody(Said):
    """A room confirms a warning."""

    warning: Id


class AlertBody(Said):
    """Which alert."""

    alert: Id


class AlertList(Told):
    """The alerts of a session, done ones too, in the order in which they came."""

    alerts: list[AlertView]


class MuteBody(MuteWords):
    """Mute a side (then under an article), or let it be heard again."""


class RemarkBody(Said):
    """A note."""

    text: Remarked


def order(kind: type[Order], session: str, body: Said) -> Order:
    """The WebSocket form of a REST command. Raises pydantic.ValidationError when `session` is no id."""
    return kind.model_validate({**body.model_dump(), "id": 0, "session": session})


class SuspensionRulesView(Told):
    """Whose visits these rules suspend, and for how many months."""

    subject: Side
    least: int
    most: int


class GroundView(Told):
    """One ground on which an officer may step in, as the session's rules number it."""

    code: str
    zh: str
    en: str
    article: str
    may_warn: bool
    may_hold: bool
    must_end: bool
    may_suspend: bool


class CannedView(Told):
    """A warning in ready words, with the ground under which it is given."""

    id: str
    code: str
    zh: str
    en: str
    article: str


class ExtensionOrder(Said):
    """An approval of a longer visit. `id` is made by whoever approves: sent again, it counts once."""

    id: Id
    seconds: Annotated[int, Field(ge=1, le=3600)]
    article: Article
    reason: Remarked


class ExtensionGroundView(Told):
    """One ground on which the rules allow a longer visit."""

    code: str
    zh: str
    en: str
    article: str


class Extensions(Told):
    """What the rules allow: `times` approvals (0: none) in one visit, of one of `steps` each, `most` together, all in
    seconds; made `until` the visit's start or its limit, by a `role` of `site`. `given`: what was approved."""

    times: int = Field(ge=0)
    steps: list[int]
    most: int = Field(ge=0)
    until: Literal["start", "limit"]
    role: str
    site: str
    grounds: list[ExtensionGroundView]
    given: list[ExtensionView]
    stops_at: Moment | None = None


class SuspensionOrder(Said):
    """A proposal to suspend one person's visits. `id` is made by whoever proposes: sent again, it counts once."""

    id: Id
    person: Id
    months: Annotated[int, Field(ge=1, le=3)]
    code: Article
    reason: Remarked


class SuspensionDecision(Said):
    """The step that is due: approved, rejected, or filed."""

    decision: Literal["approve", "reject", "file"]
    note: Note = ""


class SuspensionStepView(Told):
    """One step, taken by sites of these kinds. `agreed` is null while nobody has taken it."""

    name: str
    verdict: Literal["approve", "file"]
    kinds: list[str]
    article: str
    agreed: bool | None = None
    by: Officer | None = None
    site: str | None = None
    at: Moment | None = None
    note: str = ""


class SuspensionView(Told):
    """A suspension from the proposal on. In force from `first` to the day before `until`. `recognised`: booking gave
    the person an id, and is refused by it; `mine`: the next step is the caller's to take."""

    id: str
    session: str
    side: Side
    person: str
    name: str
    recognised: bool
    months: int
    code: str
    article: str
    reason: str
    by: Officer
    site: str
    at: Moment
    linked: list[str]
    status: Literal["proposed", "approved", "rejected", "filed", "expired"]
    first: date | None = None
    until: date | None = None
    steps: list[SuspensionStepView]
    mine: bool = False


class SuspensionList(Told):
    """The newest first."""

    suspensions: list[SuspensionView]


class Grounds(Told):
    """All grounds of the rules that hold for a session, and the warnings that are ready."""

    policy: str
    version: str
    interventions: list[GroundView]
    warnings: list[CannedView]
    suspension: SuspensionRulesView


class NoteView(Told):
    """A note. `since_ms`: milliseconds after the first crossing, null before it."""

    at: Moment
    since_ms: int | None = Field(ge=0)
    site: str
    by: Officer
    text: str


class NoteList(Told):
    """The notes of a session, in the order of time."""

    notes: list[NoteView]


# ---- recordings ----------------------------------------------------------------------------------------------------


class RecordingRow(Told):
    """One archived, running or failed recording. `path` is relative to the archive."""

    session: str
    site: str
    state: str
    path: str | None = None
    sha256: str | None = None
    bytes: int | None = Field(default=None, ge=0)
    seconds: Any = None
    packets: Any = None
    lost: Any = None
    gaps: Any = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    due_at: Moment | None = None
    policy: str | None = None
    software: str | None = None
    reason: str | None = None


class CopyView(Told):
    """The copy of a recording that browsers play. `state`: none, queued, making, ready or failed."""

    state: str
    progress: float = Field(ge=0, le=1)
    bytes: int | None = Field(default=None, ge=0)
    reason: str | None = None


Stretch = Annotated[list[float], Field(min_length=2, max_length=2)]
"""From and to, in seconds of the film."""


class QuestionsView(Told):
    """How often an officer was asked whether they still watched, answered, and let the time pass."""

    asked: int = Field(ge=0)
    answered: int = Field(ge=0)
    missed: int = Field(ge=0)


class WatchedView(Told):
    """One officer: how many seconds of the film they counted, and in which stretches. `site` is empty where an old
    recording does not say it."""

    user: str
    site: str
    seconds: float = Field(ge=0)
    spans: list[Stretch]
    questions: QuestionsView


class ShortView(Told):
    """One side: in which stretches fewer officers than needed counted."""

    site: str
    short_seconds: float = Field(ge=0)
    short: list[Stretch]


class ShortSides(Told):
    """Both."""

    prison: ShortView
    visitor: ShortView


class CoverageView(Told):
    """Who watched when, in seconds of the film (Yunnan 26(3)). `kept`: it stands in the signed manifest; else it was
    reckoned from the timeline of an older recording."""

    session: str
    kept: bool
    seconds: float = Field(ge=0)
    need: int = Field(ge=1)
    officers: list[WatchedView]
    sides: ShortSides


class RecordingList(Told):
    """Recordings of one day, by start."""

    recordings: list[RecordingRow]


# ---- the service itself --------------------------------------------------------------------------------------------


class Health(Told):
    """Whether new visits can be served."""

    ok: Literal[True] = True
    version: str


class Done(Told):
    """It was taken."""

    ok: Literal[True] = True
