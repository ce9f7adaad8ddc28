"""REST models of the auditors' interface. Seconds are of the film, from its zero."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from broker.kernel.ids import Side
from signaling.api.inspections.messages import InspectionView
from signaling.api.messages.fields import Article, Day, Inbound, Line, Moment, Name, NoteText, Outbound, Share, Whole
from signaling.api.messages.recordings import HoldView
from signaling.api.messages.session_view import Words

Person = Annotated[str, StringConstraints(min_length=1, max_length=64), Line]
"""Part of a name, or an id."""
Number = Annotated[str, StringConstraints(min_length=1, max_length=200), Line]
"""Id of a slot or of its session, or the booking system's number."""
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$", max_length=40)]
Cursor = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,12}-[0-9]{1,12}$", max_length=26)]
Length = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Second = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Stretch = Annotated[list[float], Field(min_length=2, max_length=2)]
"""From and to, in seconds of the film."""
VisitStates = Literal["scheduled", "running", "archived", "ended", "cancelled", "no_show", "refused"]
Level = Literal["good", "fair", "poor"]
Verdict = Literal["proper", "improper", "unclear"]
MarkKind = Literal["note", "concern", "evidence"]
ExtensionStep = Literal["requested", "approved", "declined"]


class VisitsQuery(Inbound):
    """What the visits that are looked for have in common. `since` and `until`: moments, or days in Asia/Shanghai (the
    day of `until` counts); of the slot's start. `supervisor`: an officer who was on duty, by id or part of the name;
    `watched_by`: an account that counted as present, or watched the recording. `intervention`, `alert`: a kind, or
    `any`. Lengths are seconds from the first crossing to the end."""

    since: Moment | Day | None = None
    until: Moment | Day | None = None
    site: Name | None = None
    room: Name | None = None
    slot: Number | None = None
    supervisor: Person | None = None
    watched_by: Person | None = None
    state: VisitStates | None = None
    ending: Code | None = None
    article: Article | None = None
    intervention: Code | None = None
    alert: Code | None = None
    quality: Level | None = None
    min_seconds: Length | None = None
    max_seconds: Length | None = None
    order: Literal["newest", "oldest"] = "newest"
    after: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class VisitsOrder(VisitsQuery):
    """The same in a body, and the people who met: `inmate`, `visitor`, each a part of a name, or an id. Names of these
    people stand in no address, which proxies and browsers keep."""

    inmate: Person | None = None
    visitor: Person | None = None
    limit: Annotated[int, Field(ge=1, le=100), Whole] = 50


class VisitPlace(Outbound):
    """Site and room of one side, with their names."""

    site: str
    site_name: str
    room: str
    room_name: str


class EndingView(Words):
    """How a visit ended; `article` where one was named."""

    article: str | None


class InterventionCount(Outbound):
    """Interventions of one kind under one article."""

    kind: str
    article: str | None
    count: int = Field(ge=1)


class SideShares(Outbound):
    """The shares of both sides: that of the film in which enough officers watched."""

    prison: Share
    visitor: Share


class SideLevels(Outbound):
    """How well each side was recorded."""

    prison: Level | None
    visitor: Level | None


class VisitRecording(Outbound):
    """The recording of a visit. `view`: none, queued, making, ready or failed; `poster`: whether there is a picture."""

    state: str
    seconds: float | None = Field(ge=0)
    due_at: Moment | None
    held: bool
    poster: bool
    view: str


class RelistenView(Outbound):
    """Whether a recording has to be heard again: none, due, overdue, or done by two people."""

    state: Literal["none", "due", "overdue", "done"]
    due_at: Moment | None
    rated: int = Field(ge=0)


class VisitBase(Outbound):
    """What list and detail of a visit have in common. Names are null and empty once the recording is deleted (`named`
    is false)."""

    session: str
    slot: str
    external_id: str | None
    state: VisitStates
    starts_at: Moment
    ends_at: Moment
    began_at: Moment | None
    ended_at: Moment | None
    seconds: float | None = Field(ge=0)
    prison: VisitPlace
    visitor: VisitPlace
    named: bool
    inmate: str | None
    visitors: list[str]
    language: str
    ending: EndingView | None
    interventions: list[InterventionCount]
    alerts: int = Field(ge=0)
    coverage: SideShares | None
    quality: SideLevels | None
    recording: VisitRecording | None
    relisten: RelistenView


class VisitRow(VisitBase):
    """One visit of a list; `marks`: how many stand on its recording."""

    marks: int = Field(ge=0)


class VisitList(Outbound):
    """One page of the visits found. `found` is exact up to 10,000; `more`: there are more than that. `next` is the
    `after` of the next page."""

    visits: list[VisitRow]
    next: str | None
    found: int = Field(ge=0)
    more: bool


class VisitPerson(Outbound):
    """A listed person of a visit; `part`: inmate, visitor or interpreter."""

    id: str
    name: str
    relation: str
    side: Side
    part: str


class VisitOfficer(Outbound):
    """An officer of a visit, with the stretches of the film in which they counted as present."""

    id: str
    name: str
    side: Side | None
    present: list[Stretch]
    seconds: float = Field(ge=0)


class PackName(Outbound):
    """The pack that the visit froze."""

    name: str
    version: str
    sha256: str


class StateSpan(Outbound):
    """A stretch in which the session was in one state."""

    at: float
    to: float
    state: str


class HoldSpan(Outbound):
    """A stretch in which the visit was held, with the reason."""

    at: float
    to: float
    reason: str
    article: str | None
    zh: str
    en: str


class InterventionView(Outbound):
    """One intervention of an officer. `text`: the words that were shown or noted; `to`: when a mute or a talkback
    ended."""

    at: float
    to: float | None
    kind: str
    article: str | None
    zh: str
    en: str
    by: str
    by_name: str
    sides: list[Side]
    text: str


class AlertMark(Outbound):
    """One alert of the visit in words."""

    at: float
    kind: str
    side: Side | None
    zh: str
    en: str


class ExplainedView(Outbound):
    """A stretch in which something is missing: of which side, why, and what crossed meanwhile. `cause` and `crossed`
    are codes; zh and en say both in one sentence."""

    at: float
    to: float
    side: Literal["prison", "visitor", "both"]
    cause: str
    zh: str
    en: str
    crossed: Words


class SpokenStretches(Outbound):
    """The stretches in which each side and the officers spoke; empty where the film was not listened to yet."""

    prison: list[Stretch]
    visitor: list[Stretch]
    supervisors: list[Stretch]


class QualitySpan(Outbound):
    """A stretch in which a side was recorded at one level."""

    at: float
    to: float
    level: Level


class QualityStretches(Outbound):
    """The quality of both sides over the film: what is not named is good."""

    prison: list[QualitySpan]
    visitor: list[QualitySpan]


class ExtensionMark(Outbound):
    """A step of a longer visit: a supervisor asks for it, and an approver approves or declines it. `seconds`: by how
    much the visit is to be longer; `reason`: the officer's words, which are shown as long as names are."""

    at: float
    what: ExtensionStep = "approved"
    seconds: float
    by: str
    by_name: str
    article: str
    reason: str = ""


class TimelineView(Outbound):
    """What happened when, for the timeline under the player."""

    states: list[StateSpan]
    holds: list[HoldSpan]
    interventions: list[InterventionView]
    alerts: list[AlertMark]
    gaps: list[ExplainedView]
    speech: SpokenStretches
    quality: QualityStretches
    extension: list[ExtensionMark]


class MarkOrder(Inbound):
    """A mark on a recording: a moment, or a stretch until `to`."""

    at: Second
    to: Second | None = None
    text: NoteText
    kind: MarkKind = "note"


class WithdrawOrder(Inbound):
    """The reason for which a mark is withdrawn."""

    reason: NoteText


class MarkView(Outbound):
    """A mark with its author. A withdrawn one stays, with the reason."""

    id: str
    at: float
    to: float | None
    text: str
    kind: str
    by: str
    by_name: str
    created_at: Moment
    withdrawn_at: Moment | None
    withdrawn_by: str | None
    withdrawn_why: str | None


class RatingOrder(Inbound):
    """What a person thinks of a visit after hearing its recording again."""

    verdict: Verdict
    text: NoteText


class RatingView(Outbound):
    """A rating with its author; the second one is another person's."""

    number: int = Field(ge=1)
    verdict: Verdict
    text: str
    by: str
    by_name: str
    at: Moment


class Finding(Words):
    """Something that the verification of a recording has found: in which file, at which second."""

    file: str
    second: float | None


class VerificationView(Words):
    """The verification of a recording. `state`: running, sound or damaged, also in words (`code` repeats it)."""

    state: Literal["running", "sound", "damaged", "failed"]
    progress: Share
    checked_at: Moment | None
    findings: list[Finding]


class VisitDetail(VisitBase):
    """One visit of the history in full. `zero_at` is the moment of second 0 of the timeline. `people` is empty once the
    recording is deleted."""

    zero_at: Moment
    film_seconds: float | None = Field(ge=0)
    people: list[VisitPerson]
    supervisors: list[VisitOfficer]
    approved_by: str
    article: str
    pack: PackName | None
    lanes: TimelineView
    marks: list[MarkView]
    ratings: list[RatingView]
    verification: VerificationView | None
    """The last one of the recording as it is now; for those who may verify it."""
    holds: list[HoldView]
    inspections: list[InspectionView]
    """By procurators, the latest first."""


class RelistenQuery(Inbound):
    """Which duties: still due, overdue, or done."""

    state: Literal["due", "overdue", "done"] = "due"


class RelistenItem(Outbound):
    """A recording that has to be heard again until `due_at`; `rated`: how many people have."""

    session: str
    starts_at: Moment
    due_at: Moment
    rated: int = Field(ge=0)
    mine: bool


class RelistenList(Outbound):
    """Duties, the oldest due date first; of those that are done, the newest first."""

    duties: list[RelistenItem]
