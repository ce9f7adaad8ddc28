"""Facts that happen to a session and effects that follow. Journal, pages, logs and tests all use these words.
Frozen dataclasses; `kind(x)` is the name under which one is written down."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum
from typing import Any

from broker.kernel.ids import AlertId, ApprovalId, PersonId, SessionId, Side, SiteId, UserId, WarningId
from broker.presence.quorum import Watcher
from config.check_in import Consequence, Tick


class Reason(StrEnum):
    """Why a session ended."""

    TIME_LIMIT = "time_limit"
    SLOT_END = "slot_end"
    COMPLETED = "completed"
    ENDED_BY_SUPERVISOR = "ended_by_supervisor"
    NO_SHOW = "no_show"
    REFUSED = "refused"
    TECHNICAL = "technical"
    CANCELLED = "cancelled"


class HoldReason(StrEnum):
    """Why the gate is shut though the session is not over (中止)."""

    SUPERVISOR = "supervisor"
    TAKEN_UP = "taken_up"
    STORAGE_LOST = "storage_lost"
    RELAY_LOST = "relay_lost"
    RECORDER_LOST = "recorder_lost"
    ROOM_LOST = "room_lost"
    QUORUM_LOST = "quorum_lost"


class AlertKind(StrEnum):
    """What supervisors are called for (提醒), the gravest first."""

    QUORUM_AT_RISK = "quorum_at_risk"
    ROOM_LOST = "room_lost"
    RECORDER = "recorder"
    BLACK = "black"
    FROZEN = "frozen"
    SILENT = "silent"
    HEADS = "heads"
    ONE_MINUTE = "one_minute"
    FIVE_MINUTES = "five_minutes"


# --- facts: what happened ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment of `wakes_at` has come."""


@dataclass(frozen=True, slots=True)
class SlotCancelled:
    """The approval was withdrawn."""

    by: str


@dataclass(frozen=True, slots=True)
class PersonCheckedIn:
    """Staff confirmed at once what `ticks` names of a listed person (Yunnan 11, 12; Guangdong 24)."""

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
    """The room's equipment was tested, by its terminal (which names its parts) or by staff (Yunnan 12)."""

    side: Side
    passed: bool
    by: str
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)


# The check-in desk (broker/session/check_in.py).


@dataclass(frozen=True, slots=True)
class Ticked:
    """Staff confirmed one thing of a listed person, or took it back (Yunnan 11, 12, 19; Guangdong 24)."""

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
class RoomMedia:
    """The relay sees decodable picture and sound from a room, or no longer does."""

    side: Side
    flowing: bool


@dataclass(frozen=True, slots=True)
class WatchersChanged:
    """Who really receives both sides and counts for this session."""

    watchers: frozenset[Watcher]


@dataclass(frozen=True, slots=True)
class RecorderReady:
    """The recorder process is there and can be asked to record."""


@dataclass(frozen=True, slots=True)
class RecorderFlushed:
    """The first fragment of both sides is on disk; from now on what crosses is recorded."""


@dataclass(frozen=True, slots=True)
class RecorderLost:
    """The recorder died, stalls, lags or has no room on its disk."""

    why: str


@dataclass(frozen=True, slots=True)
class RecorderLagging:
    """Records that the recorder did not get (`where`: tap) or could not take (writer). RecorderLost follows if it is
    more than a little."""

    records: int
    where: str


@dataclass(frozen=True, slots=True)
class StorageChanged:
    """The journal can, or no longer can, be written: what leaves no trace must not happen."""

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
    """Media crossed in both directions for the first time, at `mono`: the minutes begin (decision 1)."""

    mono: float


@dataclass(frozen=True, slots=True)
class HoldOrdered:
    """A supervisor holds the visit (中止)."""

    by: UserId
    site: SiteId
    article: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ResumeOrdered:
    """A supervisor lets it go on; a hold is lifted by its own site only."""

    by: UserId
    site: SiteId
    note: str = ""
    article: str = ""
    """Of the hold that it lifts."""


@dataclass(frozen=True, slots=True)
class EndOrdered:
    """A supervisor ends the visit (取消/终止)."""

    by: UserId
    site: SiteId
    article: str
    note: str = ""


# --- facts: what officers do short of holding and ending (Yunnan 16, 26(3); Guangdong 29) -------------------------


@dataclass(frozen=True, slots=True)
class WarningGiven:
    """An officer warns one room or both (劝阻), in words that stand on their screens until they are acknowledged."""

    id: WarningId
    by: UserId
    site: SiteId
    sides: tuple[Side, ...]
    article: str
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True)
class WarningAcknowledged:
    """Somebody in the room of `side` has confirmed to have read it; `by` is the room's terminal."""

    side: Side
    id: WarningId
    by: str


@dataclass(frozen=True, slots=True)
class MuteOrdered:
    """The far room no longer hears `side` (制止), or hears it again (`on` False). Recorder and officers always do."""

    by: UserId
    site: SiteId
    side: Side
    on: bool
    article: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class NoteMade:
    """An officer writes down what was seen or heard (Yunnan 26(3)); the rooms never learn of it."""

    by: UserId
    site: SiteId
    text: str


# Longer visits (延长), see broker/session/extension.py.


@dataclass(frozen=True, slots=True)
class ExtensionApproved:
    """An officer who may has approved a longer visit (Yunnan 14): `added` to the limit, on the ground `article`."""

    id: ApprovalId
    session: SessionId
    by: UserId
    site: SiteId
    role: str
    added: timedelta
    article: str
    reason: str


# Presence: the questions to officers whether they still watch (Yunnan 26(3), Guangdong 27).


@dataclass(frozen=True, slots=True)
class AttentionAsked:
    """An officer who counts was asked whether they still watch."""

    user: UserId
    site: SiteId
    prompt: str


@dataclass(frozen=True, slots=True)
class AttentionAnswered:
    """The officer says so, `seconds` after the question; perhaps too late, then they count again from now on."""

    by: UserId
    site: SiteId
    prompt: str
    seconds: float


@dataclass(frozen=True, slots=True)
class AttentionMissed:
    """The time for the answer is over: the officer does not count until they answer."""

    user: UserId
    site: SiteId
    prompt: str


# Speaking in (插话), see broker/session/talkback.py.


@dataclass(frozen=True, slots=True)
class SpeechBegan:
    """An officer speaks to one room or both (插话; Yunnan 26(1), (2))."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]
    article: str


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """Nobody speaks to the rooms any more: an officer said so, or `by` the relay or the page that went away."""

    by: str
    why: str = ""


# Alerts (提醒), see broker/session/alerts.py.


@dataclass(frozen=True, slots=True)
class RoomObserved:
    """What a room's terminal finds in its own picture and sound; advisory. `heads`: people before the camera, None
    where nobody counts."""

    side: Side
    black: bool
    frozen: bool
    silent: bool
    heads: int | None
    by: str


@dataclass(frozen=True, slots=True)
class QuorumWavers:
    """The sides whose quorum hangs on somebody half of whose time for an answer is over."""

    sides: frozenset[Side]


@dataclass(frozen=True, slots=True)
class RecorderDisk:
    """Room for recordings is short, or no longer."""

    low: bool


@dataclass(frozen=True, slots=True)
class AlertTaken:
    """An officer sees to an alert."""

    alert: AlertId
    by: UserId
    site: SiteId


@dataclass(frozen=True, slots=True)
class AlertFinished:
    """An officer has seen to an alert; the same cause calls nobody again before it has been gone."""

    alert: AlertId
    by: UserId
    site: SiteId


Fact = (
    TimePassed
    | SlotCancelled
    | PersonCheckedIn
    | PersonAbsent
    | SelfTested
    | Ticked
    | SeatReady
    | RoomMedia
    | WatchersChanged
    | RecorderReady
    | RecorderFlushed
    | RecorderLost
    | RecorderLagging
    | StorageChanged
    | RelayReady
    | RelayLost
    | Crossed
    | HoldOrdered
    | ResumeOrdered
    | EndOrdered
    | WarningGiven
    | WarningAcknowledged
    | MuteOrdered
    | NoteMade
    | ExtensionApproved
    | AttentionAsked
    | AttentionAnswered
    | AttentionMissed
    | SpeechBegan
    | SpeechEnded
    | RoomObserved
    | QuorumWavers
    | RecorderDisk
    | AlertTaken
    | AlertFinished
)


ACTIONS = (
    HoldOrdered,
    ResumeOrdered,
    EndOrdered,
    WarningGiven,
    WarningAcknowledged,
    MuteOrdered,
    NoteMade,
    ExtensionApproved,
    SpeechBegan,
    SpeechEnded,
)
"""What an officer did to a visit: on the recording's timeline with article, author and words (Yunnan 16, 17, 26(3))."""

ATTENTION = (AttentionAsked, AttentionAnswered, AttentionMissed)
"""What belongs on the recording's timeline as proof of watching."""


# --- effects: what must be done about it; handed over, never awaited ---------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The relay may accept media for this session."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """The recorder begins, or goes on in a next part."""


@dataclass(frozen=True, slots=True)
class LeaseGate:
    """The gate is, or stays, open until `until`; never past `deadline`. `limit` runs from the first crossing.

    `until` and `deadline` are monotonic seconds. Opening and renewing are the same order: if nobody renews, the
    relay shuts the gate by itself. `muted`: the sides whose sound does not cross; each lease says so anew, so that a
    relay that has just begun cannot let it through. So does `crossed`, the first crossing (monotonic seconds, None
    before it). A lease never raises a limit: ExtendLimit does.
    """

    until: float
    deadline: float
    limit: timedelta
    muted: frozenset[Side] = frozenset()
    crossed: float | None = None


@dataclass(frozen=True, slots=True)
class ExtendLimit:
    """An approval that was `made` (monotonic seconds) raises the limit to `limit` from the first crossing, and lets
    relay and recorder stop by themselves at `deadline`. Said again, it changes nothing."""

    made: float
    limit: timedelta
    deadline: float


@dataclass(frozen=True, slots=True)
class ShutGate:
    """Nothing crosses from now on."""

    why: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """The moment at which relay and recorder stop by themselves is now known."""

    deadline: float


@dataclass(frozen=True, slots=True)
class FinishRecording:
    """Close, hash, archive."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ClosePorts:
    """Every publication and subscription of the session ends."""


@dataclass(frozen=True, slots=True)
class RequestRebooking:
    """A technical break is booked again with priority and does not use up the month's visit (Yunnan 18)."""

    cause: str


@dataclass(frozen=True, slots=True)
class Forfeit:
    """A side did not come in time and has given up this visit, or the month's (Yunnan 10, Guangdong 23)."""

    side: Side
    consequence: Consequence


@dataclass(frozen=True, slots=True)
class LetSpeak:
    """The relay lets these rooms hear this officer, in place of whoever they heard before."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]


@dataclass(frozen=True, slots=True)
class Hush:
    """No room hears an officer any more."""


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Supervisors are called. `detail` says more in a word or a number, see broker/session/alerts.py."""

    alert: AlertId
    kind: AlertKind
    side: Side | None
    detail: str


@dataclass(frozen=True, slots=True)
class AlertOver:
    """An alert is done by itself: its cause has gone, or the session is over."""

    alert: AlertId
    kind: AlertKind
    side: Side | None
    why: str


Effect = (
    OpenPorts
    | StartRecording
    | LeaseGate
    | ExtendLimit
    | ShutGate
    | SetDeadline
    | FinishRecording
    | ClosePorts
    | RequestRebooking
    | Forfeit
    | LetSpeak
    | Hush
    | AlertRaised
    | AlertOver
)


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
    if isinstance(value, (set, frozenset, list, tuple)):
        return sorted((_plain(item) for item in value), key=repr)
    if isinstance(value, Watcher):
        return {"user": value.user, "site": value.site}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value
