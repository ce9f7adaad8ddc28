"""The SessionView: one session as one kind of viewer may see it, the same over REST and WebSocket, and the problem
document of a refusal."""

from datetime import date
from typing import Literal

from pydantic import ConfigDict, Field

from broker.kernel.film_faults import FilmFault
from broker.kernel.ids import Side
from config.articles.grounds import Issuer
from config.check_in import Manner
from signaling.api.messages.fields import Moment, Outbound


class Words(Outbound):
    """A code with its words in both languages."""

    code: str
    zh: str
    en: str


class ReasonView(Words):
    """Why a session is held or over; `article` where an officer had to name one, `issuer` where the cause has to be
    announced."""

    article: str | None = None
    issuer: Issuer | None = None


class MissingView(Words):
    """Something that a session still lacks; for officers also which person lacks which checks."""

    person: str | None = None
    ticks: list[str] = Field(default_factory=list)
    articles: list[str] = Field(default_factory=list)
    """The articles of what stands against a person, for officers only; `until`: from when they may meet again."""
    until: date | None = None


class PersonView(Outbound):
    """A person listed for a side. `required` are the checks that this person needs, in order, and `ticked` those that
    are done. A room sees its own people by name, without ids, relations and checks, and the far side's not at all."""

    id: str
    name: str
    relation: str
    checked: bool
    role: str = "party"
    first_visit: bool = False
    absent: bool = False
    required: list[str] = Field(default_factory=list)
    ticked: list[str] = Field(default_factory=list)
    inmate: bool = False


class CheckView(Outbound):
    """One check of a room's equipment: its verdict (`passed`, `failed` or `not_checked`), what was measured in figures
    with units, and what to do about a failed one."""

    code: str
    verdict: Literal["passed", "failed", "not_checked"]
    measured: str
    zh: str
    en: str


class EquipmentView(Outbound):
    """The last test of a room's equipment, for officers, and for the room itself without `by` and `reason`. `parts`:
    the verdict of each check; empty where staff tested by hand, who gave a `reason`. `fresh`: it passed, and not too
    long ago. `test`: the id that its terminal gave it, "" for none."""

    by: Literal["terminal", "staff", ""]
    passed: bool
    fresh: bool
    at: Moment
    parts: dict[str, str]
    checks: list[CheckView]
    reason: str
    test: str = ""


InterpreterState = Literal["not_needed", "not_listed", "missing", "here"]


class LanguageView(Outbound):
    """The language of the visit with its name, and whether it is interpreted, for officers. `reason`: why a dialect is
    spoken."""

    tag: str
    zh: str
    en: str
    interpreter: InterpreterState
    reason: str = ""


class SideView(Outbound):
    """One side of a session. `media`: its picture and sound really arrive. `receiving`: the connection stands by which
    its room receives the other one. `rules`: its people have acknowledged the rules, at `rules_at`; `rules_manner`, for
    officers: by touch, with a key, or a terminal without people. `film`: why what is recorded of it could not be
    played, for officers; null while it could. `lost`: the room was there and its line broke, at `lost_at`; without
    `media` and `lost` it has not come yet."""

    site: str
    site_name: str
    room: str
    room_name: str
    people: list[PersonView]
    self_test: bool
    media: bool
    receiving: bool = False
    lost: bool = False
    lost_at: Moment | None = None
    seat: bool = False
    rules: bool = False
    rules_at: Moment | None = None
    rules_manner: Manner | None = None
    equipment: EquipmentView | None = None
    film: FilmFault | None = None


class Sides(Outbound):
    """Both sides of a session."""

    prison: SideView
    visitor: SideView


class Officer(Outbound):
    """An officer by id and name."""

    id: str
    name: str


class Observer(Officer):
    """A procurator who looks on, and the reason of the inspection."""

    reason: str = ""


class QuorumSide(Outbound):
    """How many supervisors of a site are needed and which are present. Rooms get an empty `have`: supervisors never
    appear to them."""

    need: int = Field(ge=0)
    have: list[Officer]
    at_risk: bool = False
    """The quorum fails without a supervisor who has used up half of the time for an answer."""


class QuorumView(Outbound):
    """The quorum of both sites."""

    prison: QuorumSide
    visitor: QuorumSide


RecordingState = Literal["none", "starting", "writing", "lost", "finalizing", "archived", "failed"]


class RecordingView(Outbound):
    """The state of one session's recording; `seconds` is what has been written so far."""

    state: RecordingState
    seconds: float = Field(ge=0)
    path: str | None = None
    sha256: str | None = None


class WarningView(Outbound):
    """A warning (劝阻) as viewers see it. Rooms get only their own, with their own side and no author."""

    id: str
    at: Moment
    sides: list[Side]
    article: str
    zh: str
    en: str
    by: Officer | None = None
    acknowledged: list[Side]
    """The sides whose room has confirmed it."""


class MuteView(Outbound):
    """A side whose sound does not reach the far room. Rooms do not learn who ordered it."""

    side: Side
    article: str
    site: str | None = None
    by: Officer | None = None


class SpeechView(Outbound):
    """The talkback (插话) that goes to these rooms. A room learns that an officer speaks, but not which officer."""

    sides: list[Side]
    by: Officer | None = None


AlertName = Literal[
    "quorum_at_risk",
    "room_lost",
    "recorder",
    "clock",
    "eligibility",
    "drill",
    "black",
    "frozen",
    "silent",
    "heads",
    "one_minute",
    "five_minutes",
]


class AlertView(Outbound):
    """An alert (提醒) in words, for officers. `grave` ones need an officer at once, others are advisory; from
    `grave_until` on a grave one is advisory, too. `why` it is done: an officer has ended it, its cause has gone, or the
    session is over."""

    id: str
    kind: AlertName
    side: Side | None
    state: Literal["new", "taken", "done"]
    grave: bool
    grave_until: Moment | None = None
    zh: str
    en: str
    at: Moment
    taken_by: Officer | None = None
    taken_at: Moment | None = None
    done_by: Officer | None = None
    done_at: Moment | None = None
    why: Literal["officer", "gone", "session_over"] | None = None


class ExtensionView(Outbound):
    """A longer visit that was approved (延长), by `seconds`. Rooms learn neither the approver nor the reason."""

    id: str
    at: Moment
    seconds: int = Field(gt=0)
    article: str
    by: Officer | None = None
    reason: str = ""


class ExtensionRequestView(Outbound):
    """The latest request for a longer visit (申请延长), for officers: by whom, by how much and why, its state, and who
    answered it. `until`: when the visit would stop then; null before the first crossing."""

    id: str
    at: Moment
    seconds: int = Field(gt=0)
    article: str
    reason: str
    by: Officer
    site: str
    state: Literal["open", "approved", "declined"]
    decided_by: Officer | None = None
    note: str = ""
    until: Moment | None = None


class FarewellView(Outbound):
    """The word of a side that it has finished (会见完毕), until `until`. `room`: its terminal gave it, else an officer
    of its site; rooms do not learn which one."""

    side: Side
    room: bool
    at: Moment
    until: Moment
    by: Officer | None = None


class RebookingBrief(Outbound):
    """A request to book the visit again first (Yunnan 18, Guangdong 36), with its state and the article."""

    id: str
    state: Literal["open", "rebooked", "declined"]
    article: str
    at: Moment


class AbsenceBrief(Outbound):
    """What is noted of a side that was not complete when check-in closed, and the state to which officers' decisions
    have led."""

    id: str
    side: Side
    state: Literal["noted", "forfeited", "taken_back", "excused"]
    at: Moment


class SignedView(Outbound):
    """What a visit in sign language needs of a terminal: pictures of `frames` a second at least, for which `kbits`
    (1000 bit/s) go before sound; resolution gives way before them. `flash`: a warning that the room has not
    acknowledged is to be shown by light, too, as a flashing frame; always false for officers."""

    frames: int = Field(ge=1)
    kbits: int = Field(ge=1)
    flash: bool = False


class DrillFailedView(Outbound):
    """The drill of the visit's rooms that failed today, and the step at which it did, in words. `blocks`: the visit is
    not ready until an officer has said why it can begin, which is in `reason`; rooms learn nothing of it."""

    drill: str
    step: str
    zh: str
    en: str
    blocks: bool
    by: Officer | None = None
    reason: str = ""


class SessionView(Outbound):
    """One session as one kind of viewer may see it. `crossed_ms` and `remaining_ms` are true when sent."""

    id: str
    slot: str
    state: Literal["scheduled", "check_in", "ready", "live", "held", "ended"]
    reason: ReasonView | None
    starts_at: Moment
    ends_at: Moment
    minutes: int = Field(ge=1)
    sides: Sides
    between_inmates: bool = False
    """Whether both sides are prisons: the visitor side is then no family."""
    quorum: QuorumView
    gate: Literal["open", "shut"]
    crossed_ms: int | None = Field(ge=0)
    remaining_ms: int | None = Field(ge=0)
    missing: list[MissingView]
    recording: RecordingView
    my_side: Side | None = None
    warnings: list[WarningView] = Field(default_factory=list)
    muted: list[MuteView] = Field(default_factory=list)
    notes: int = Field(default=0, ge=0)
    """How many notes officers have made; always 0 for rooms. REST gives the notes themselves."""
    language: LanguageView | None = None
    signed: SignedView | None = None
    """What a visit in sign language needs; None for one that is spoken."""
    check_in_until: Moment | None = None
    speech: SpeechView | None = None
    alerts: list[AlertView] = Field(default_factory=list)
    """The open alerts; always empty for rooms. REST gives the done ones, too."""
    count_heads: bool = False
    """Whether the rules let a kiosk count the people before its camera."""
    extensions: list[ExtensionView] = Field(default_factory=list)
    extension_request: ExtensionRequestView | None = None
    stops_at: Moment | None = None
    """When the visit stops by itself; None before the first crossing and after the end."""
    farewell: list[FarewellView] = Field(default_factory=list)
    """The sides that say that they have finished; the visit ends when both do."""
    rebooking: RebookingBrief | None = None
    """For officers: the request that this session made."""
    absence: AbsenceBrief | None = None
    """For officers: what is noted of a side that did not come."""
    drill: bool = False
    """Whether this is a drill, without people: its terminals acknowledge the rules themselves."""
    drill_failed: DrillFailedView | None = None
    """For officers: the drill of these rooms failed today."""
    observers: list[Observer] = Field(default_factory=list)
    """For officers: the procurators who look on now, without being counted."""


class Problem(Outbound):
    """A refusal as a problem document (RFC 9457), Chinese first; further members depend on `code`."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)

    type: str
    title: str
    title_en: str
    status: int = Field(ge=400, le=599)
    detail: str
    detail_en: str
    code: str
