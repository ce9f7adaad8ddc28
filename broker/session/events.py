"""Facts: what happens to a session, in the words of journal, pages, logs and tests. The name of a class is the kind of
its journal entry, so it stays as it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from broker.booking.bar import Bar
from broker.kernel.film_faults import FilmFault
from broker.kernel.ids import AlertId, ApprovalId, PersonId, SessionId, Side, SiteId, UserId, WarningId
from broker.presence.quorum import Watcher
from broker.presence.reasons import Left
from broker.session.effects import Effect
from config.check_in import Manner, Tick


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment of `wakes_at` has come."""


@dataclass(frozen=True, slots=True)
class SlotCancelled:
    """The approval of the slot was withdrawn. `article` is a code of the pack and `note` the reason: both are needed
    once a person has been checked in (Guangdong 31(2))."""

    by: str
    article: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalWithdrawn:
    """The slot is cancelled on record, whatever the session knew: `by` its author, `at` that moment, and the ground and
    reason, where they were recorded (`broker.session.take_up`)."""

    by: str
    at: datetime
    article: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SecondApproval:
    """The visitor side's institution has approved a visit between inmates (Yunnan 7, Guangdong 16)."""

    by: str
    article: str


@dataclass(frozen=True, slots=True)
class ExtensionWithdrawn:
    """An approval of a longer visit is not on record, or was refused there: the visit has its former limit again."""

    id: ApprovalId


@dataclass(frozen=True, slots=True)
class EligibilityChanged:
    """The bars against the listed people have changed (F12); those of before no longer count."""

    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class PersonCheckedIn:
    """Staff confirmed for a listed person what `ticks` names, by one order (Yunnan 11, 12; Guangdong 24)."""

    side: Side
    person: PersonId
    by: UserId
    ticks: tuple[Tick, ...] = (Tick.IDENTITY, Tick.SECURITY, Tick.RULES)


@dataclass(frozen=True, slots=True)
class PersonAbsent:
    """Staff noted that a listed person did not come; the others may go on."""

    side: Side
    person: PersonId
    by: UserId


@dataclass(frozen=True, slots=True)
class SelfTested:
    """The room's equipment was tested (Yunnan 12): by its terminal, with `figures` and the verdict on each check
    (`parts`), or by staff, who say why they let it count (`reason`). `test`: the id of a terminal's test, "" where it
    has none."""

    side: Side
    passed: bool
    by: str
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)
    figures: Mapping[str, float] = field(default_factory=dict, hash=False)
    reason: str = ""
    test: str = ""


@dataclass(frozen=True, slots=True)
class Ticked:
    """Staff confirmed one check of a listed person, or took it back (Yunnan 11, 12, 19; Guangdong 24)."""

    side: Side
    person: PersonId
    tick: Tick
    on: bool
    by: UserId


@dataclass(frozen=True, slots=True)
class SeatReady:
    """Staff say that the assigned seat of their room is ready (指定位置), or no longer (Yunnan 11, Guangdong 26)."""

    side: Side
    on: bool
    by: UserId


@dataclass(frozen=True, slots=True)
class RulesAcknowledged:
    """The people in the room of `side` have acknowledged the rules of the visit (Yunnan 12, Guangdong 24): the `text`
    of that id, in that `language`. `by` is the room's terminal."""

    side: Side
    by: str
    text: str
    language: str
    manner: Manner


@dataclass(frozen=True, slots=True)
class RoomMedia:
    """The relay sees decodable picture and sound from a room, or no longer does."""

    side: Side
    flowing: bool


@dataclass(frozen=True, slots=True)
class RoomReceiving:
    """The connection by which this room receives the far one stands, or no longer does: no visit loses time to a screen
    that is not up."""

    side: Side
    receiving: bool


@dataclass(frozen=True, slots=True)
class WatchersChanged:
    """The officers who are present for this session have changed. `left`: those who ceased to be present, each with
    the reasons."""

    watchers: frozenset[Watcher]
    left: frozenset[Left] = frozenset()


@dataclass(frozen=True, slots=True)
class RecorderReady:
    """The recorder process is connected and can be asked to record."""


@dataclass(frozen=True, slots=True)
class RecorderFlushed:
    """The first fragment of both sides is on disk; from now on what crosses is recorded."""


@dataclass(frozen=True, slots=True)
class RecorderLost:
    """The recorder died, stalls, lags or has no room on its disk."""

    why: str


@dataclass(frozen=True, slots=True)
class RecorderLagging:
    """The recorder lost records: they did not reach it (`where`: tap), or it could not take them (writer). RecorderLost
    follows where many are lost."""

    records: int
    where: str


@dataclass(frozen=True, slots=True)
class FilmUnusable:
    """The recorder finds that the film of a side could not be watched. What cannot be shown later was not recorded."""

    side: Side
    fault: FilmFault


@dataclass(frozen=True, slots=True)
class FilmUsable:
    """The film of a side can be watched again."""

    side: Side


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """The journal can, or no longer can, be written. What leaves no trace must not happen."""

    works: bool


@dataclass(frozen=True, slots=True)
class RelayReady:
    """The relay worker has admitted this session."""


@dataclass(frozen=True, slots=True)
class RelayLost:
    """The relay worker of this session died or does not answer."""

    why: str


@dataclass(frozen=True, slots=True)
class Crossed:
    """The first packet crossed at `mono`, in whichever direction: the minutes begin (Yunnan 14, Guangdong 11)."""

    mono: float


@dataclass(frozen=True, slots=True)
class Shown:
    """Words that rooms are shown with a hold, until they acknowledge them."""

    id: WarningId
    sides: tuple[Side, ...]
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class HoldOrdered:
    """A supervisor holds the visit (中止). `shown`: the words of a ground that no warning closes; they go with the
    hold, so that they cannot be the only measure."""

    by: UserId
    site: SiteId
    article: str
    note: str = ""
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class ResumeOrdered:
    """A supervisor lifts the hold of the own site, and the visit goes on."""

    by: UserId
    site: SiteId
    note: str = ""
    article: str = ""
    """Code of the hold that is lifted."""


@dataclass(frozen=True, slots=True)
class EndOrdered:
    """A supervisor ends the visit (取消/终止). Under a code by which both sides part (END-), it is the word of the
    supervisor's site only (`broker.session.parts.farewell`)."""

    by: UserId
    site: SiteId
    article: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RoomFinished:
    """The people in the room of `side` say that they have finished; `by` is its terminal."""

    side: Side
    by: str


@dataclass(frozen=True, slots=True)
class FarewellWithdrawn:
    """The word of `side` that it has finished is taken back: by an officer of `site`, or by the room's terminal, which
    has no `site` here."""

    side: Side
    by: str
    site: SiteId | None = None


@dataclass(frozen=True, slots=True)
class WarningGiven:
    """An officer warns one room or both (劝阻), in words that stay on their screens until they are acknowledged."""

    id: WarningId
    by: UserId
    site: SiteId
    sides: tuple[Side, ...]
    article: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class WarningAcknowledged:
    """The room of `side` has confirmed a warning; `by` is its terminal."""

    side: Side
    id: WarningId
    by: str


@dataclass(frozen=True, slots=True)
class MuteOrdered:
    """An officer mutes `side` for the far room (制止) or unmutes it (`on` False). Recorder and officers hear it."""

    by: UserId
    site: SiteId
    side: Side
    on: bool
    article: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class NoteMade:
    """An officer writes a note of what was seen or heard (Yunnan 26(3)); the rooms never see it."""

    by: UserId
    site: SiteId
    text: str


@dataclass(frozen=True, slots=True)
class ExtensionApproved:
    """An approver made a visit longer (Yunnan 14): `added` to the limit, on the ground `article`."""

    id: ApprovalId
    session: SessionId
    by: UserId
    site: SiteId
    role: str
    added: timedelta
    article: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExtensionRequested:
    """A supervisor asks for a longer visit: `added` to the limit, on the ground `article`."""

    id: ApprovalId
    by: UserId
    site: SiteId
    added: timedelta
    article: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExtensionDeclined:
    """An approver does not grant a request for a longer visit."""

    id: ApprovalId
    by: UserId
    site: SiteId
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class AttentionAsked:
    """An officer who is present was asked whether they still watch."""

    user: UserId
    site: SiteId
    prompt: str


@dataclass(frozen=True, slots=True)
class AttentionAnswered:
    """An officer answered `seconds` after the question. After a late answer they are present again from now on."""

    by: UserId
    site: SiteId
    prompt: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AttentionMissed:
    """An officer let the time for the answer pass, and is not present until they answer."""

    user: UserId
    site: SiteId
    prompt: str


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """An officer began a talkback to one room or both (插话; Yunnan 26(1), (2))."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]
    article: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """A talkback ended: by an officer's order, or because the page or the relay in `by` went away."""

    by: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class RoomObserved:
    """A terminal reports what it finds in its own picture and sound; advisory. `heads`: people before the camera, None
    where they are not counted."""

    side: Side
    black: bool
    frozen: bool
    silent: bool
    heads: int | None
    by: str


@dataclass(frozen=True, slots=True)
class TerminalChanged:
    """Another terminal acts for the room of `side` from now on, by the word of the approver `by` (Yunnan 27(1)).
    `terminal` or `former` is "" where none acts, or did."""

    side: Side
    terminal: str
    former: str
    by: UserId
    site: SiteId
    reason: str


@dataclass(frozen=True, slots=True)
class QuorumWavers:
    """The sides have changed whose quorum needs an officer with half of the time for an answer over."""

    sides: frozenset[Side]


@dataclass(frozen=True, slots=True)
class RecorderDisk:
    """Disk space for recordings is short, or no longer so."""

    low: bool


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The machine's clock was moved by so many seconds, which visits do not believe; 0: it is right again, or agreed
    on."""

    seconds: int


@dataclass(frozen=True, slots=True)
class DrillFailed:
    """The day's drill of the visit's rooms failed at `step`, or was not made; `blocks`: until an officer has looked at
    it, the visit does not begin. `drill` is the session of the drill, or a name for the missing one."""

    drill: str
    step: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class DrillPassed:
    """A later drill of the same rooms has passed."""

    drill: str


@dataclass(frozen=True, slots=True)
class DrillOverridden:
    """An officer lets the visit begin although the drill of its rooms failed, and says why."""

    by: UserId
    site: SiteId
    reason: str


@dataclass(frozen=True, slots=True)
class AlertTaken:
    """An officer takes an alert, so that the others need not."""

    alert: AlertId
    by: UserId
    site: SiteId


@dataclass(frozen=True, slots=True)
class AlertFinished:
    """An officer is done with an alert. The same cause raises none again before it has been gone."""

    alert: AlertId
    by: UserId
    site: SiteId


Fact = (
    TimePassed
    | SlotCancelled
    | ApprovalWithdrawn
    | SecondApproval
    | ExtensionWithdrawn
    | EligibilityChanged
    | PersonCheckedIn
    | PersonAbsent
    | SelfTested
    | Ticked
    | SeatReady
    | RulesAcknowledged
    | RoomMedia
    | RoomReceiving
    | WatchersChanged
    | RecorderReady
    | RecorderFlushed
    | RecorderLost
    | RecorderLagging
    | FilmUnusable
    | FilmUsable
    | StorageChanged
    | RelayReady
    | RelayLost
    | Crossed
    | HoldOrdered
    | ResumeOrdered
    | EndOrdered
    | RoomFinished
    | FarewellWithdrawn
    | WarningGiven
    | WarningAcknowledged
    | MuteOrdered
    | NoteMade
    | ExtensionApproved
    | ExtensionRequested
    | ExtensionDeclined
    | AttentionAsked
    | AttentionAnswered
    | AttentionMissed
    | SpeechBegan
    | SpeechEnded
    | RoomObserved
    | TerminalChanged
    | QuorumWavers
    | RecorderDisk
    | ClockStepped
    | DrillFailed
    | DrillPassed
    | DrillOverridden
    | AlertTaken
    | AlertFinished
)

ACTIONS = (
    HoldOrdered,
    ResumeOrdered,
    EndOrdered,
    RoomFinished,
    FarewellWithdrawn,
    WarningGiven,
    WarningAcknowledged,
    MuteOrdered,
    NoteMade,
    ExtensionApproved,
    ExtensionRequested,
    ExtensionDeclined,
    SpeechBegan,
    SpeechEnded,
    TerminalChanged,
)
"""Facts by which officers act on a visit: on the timeline with article, author and words (Yunnan 16, 17, 26(3))."""

ATTENTION = (AttentionAsked, AttentionAnswered, AttentionMissed)
"""Facts that belong on the timeline of the recording as proof of watching."""


def kind(event: Fact | Effect) -> str:
    """The name of a fact or effect in the journal."""
    return type(event).__name__


def data(event: Fact | Effect) -> dict[str, Any]:
    """The members of a fact or effect as JSON values."""
    return {name: _plain(value) for name, value in asdict(event).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):  # a moment is a date, too
        return value.isoformat()
    if isinstance(value, (set, frozenset, list, tuple)):
        return sorted((_plain(item) for item in value), key=repr)
    if isinstance(value, Watcher):
        return {"user": value.user, "site": value.site}
    if isinstance(value, Left):
        return {"user": value.user, "site": value.site, "why": _plain(value.why)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
