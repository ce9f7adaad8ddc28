"""Effects: what must be done about a session after a step. They are handed over and never awaited. Class names are the
kinds of the journal and stay as they are."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from broker.kernel.ids import AlertId, Side, SiteId, UserId


class Reason(StrEnum):
    """Reason for which a session ended."""

    TIME_LIMIT = "time_limit"
    SLOT_END = "slot_end"
    COMPLETED = "completed"
    ENDED_BY_SUPERVISOR = "ended_by_supervisor"
    NO_SHOW = "no_show"
    REFUSED = "refused"
    TECHNICAL = "technical"
    CANCELLED = "cancelled"


class HoldReason(StrEnum):
    """Reason for which the gate is shut though the session is not over (中止)."""

    SUPERVISOR = "supervisor"
    TAKEN_UP = "taken_up"
    STORAGE_LOST = "storage_lost"
    RELAY_LOST = "relay_lost"
    RECORDER_LOST = "recorder_lost"
    ROOM_LOST = "room_lost"
    FILM_UNUSABLE = "film_unusable"
    QUORUM_LOST = "quorum_lost"


class AlertKind(StrEnum):
    """What an alert is about (提醒), the gravest first."""

    QUORUM_AT_RISK = "quorum_at_risk"
    ROOM_LOST = "room_lost"
    RECORDER = "recorder"
    CLOCK = "clock"
    ELIGIBILITY = "eligibility"
    DRILL = "drill"
    BLACK = "black"
    FROZEN = "frozen"
    SILENT = "silent"
    HEADS = "heads"
    ONE_MINUTE = "one_minute"
    FIVE_MINUTES = "five_minutes"


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """The relay may accept media for this session."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """The recorder begins, or continues in a next part."""


@dataclass(frozen=True, slots=True)
class LeaseGate:
    """The relay opens the gate, or keeps it open, until `until`; never past `deadline`. `limit` runs from the first
    crossing.

    `until` and `deadline` are monotonic seconds. Opening and renewing are the same order: if no renewal comes, the
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
    """Relay and recorder raise the limit to `limit` from the first crossing, by an approval that was `made` at that
    monotonic second, and stop by themselves at `deadline`. Repeated, the order changes nothing."""

    made: float
    limit: timedelta
    deadline: float


@dataclass(frozen=True, slots=True)
class ShutGate:
    """The relay shuts the gate: nothing crosses from now on."""

    why: str


@dataclass(frozen=True, slots=True)
class SetDeadline:
    """Relay and recorder stop by themselves at `deadline`, a monotonic second."""

    deadline: float


@dataclass(frozen=True, slots=True)
class FinishRecording:
    """The recorder closes the files, hashes and archives them."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ClosePorts:
    """The relay ends every publication and subscription of the session."""


@dataclass(frozen=True, slots=True)
class RequestRebooking:
    """The visit is booked again first, and the month's visit is not used up (Yunnan 18). The request itself is an
    object with a state (`broker.booking.rebooking`), stored with the end of the session."""

    cause: str


@dataclass(frozen=True, slots=True)
class NoteAbsence:
    """It is noted that a side was not complete in time, by the check-in. Nothing follows from the note: an officer
    decides (`broker.booking.absence`; Yunnan 10, Guangdong 23)."""

    side: Side


@dataclass(frozen=True, slots=True)
class LetSpeak:
    """The relay sends the talkback of this officer to these rooms, in place of any other."""

    by: UserId
    site: SiteId
    sides: frozenset[Side]


@dataclass(frozen=True, slots=True)
class Hush:
    """The relay sends no talkback to any room."""


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Supervisors are called by an alert. `detail` says more in a word or a number (`parts.alerts.Alert`)."""

    alert: AlertId
    kind: AlertKind
    side: Side | None
    detail: str


@dataclass(frozen=True, slots=True)
class AlertOver:
    """An alert is done without an officer: its cause has gone, or the session is over."""

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
    | NoteAbsence
    | LetSpeak
    | Hush
    | AlertRaised
    | AlertOver
)
