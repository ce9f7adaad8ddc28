"""The vocabulary of a terminal's life: what it knows (Visit, Leg), what can happen to it (facts) and what it orders its
hands to do (effects). Frozen values only, so that a log, a test and the machine mean the same thing by a word."""

from dataclasses import dataclass
from enum import StrEnum

from broker.kernel.ids import Side


class Phase(StrEnum):
    """Where a terminal is in its day; each has a picture on the screen."""

    OFFLINE = "offline"
    CONNECTED = "connected"
    SELF_TEST = "self_test"
    WAITING = "waiting"
    PUBLISHING = "publishing"
    LIVE = "live"
    HELD = "held"
    ENDED = "ended"


OPEN_STATES = frozenset({"check_in", "ready", "live", "held"})
"""Session states in which the room's media is wanted."""
PREPARING = frozenset({"check_in", "ready"})
"""Those in which a session waits for a fresh equipment test; once people meet, nobody tests."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the server says of one session, as far as the terminal acts on it. `room` is that of `side`; `starts`
    orders sessions; `media`: this room's picture and sound arrive there; `until`: the limit on the loop's clock, None
    before crossing."""

    id: str
    side: Side
    room: str
    state: str
    starts: float = 0.0
    tested: bool = False
    media: bool = False
    until: float | None = None
    warnings: tuple[str, ...] = ()
    """Ids of those that this room has not confirmed yet, as the server knows it; the newest last."""

    @property
    def open(self) -> bool:
        """Whether the session wants this room's media now."""
        return self.state in OPEN_STATES


class LegKind(StrEnum):
    """A terminal has at most one of each: its publication, its view of the far room, and its ear for officers."""

    SEND = "send"
    WATCH = "watch"
    HEAR = "hear"


class LegStatus(StrEnum):
    """CLOSING lasts until the hands say so: nothing new begins before."""

    IDLE = "idle"
    OPENING = "opening"
    UP = "up"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Leg:
    """One WHIP or WHEP resource over time. `turn` numbers the attempts, so that late news of an old one is known."""

    status: LegStatus = LegStatus.IDLE
    session: str | None = None
    turn: int = 0
    tries: int = 0
    retry_at: float = 0.0
    up_at: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether there is, or is about to be, a resource."""
        return self.status in (LegStatus.OPENING, LegStatus.UP)


# ---- facts ---------------------------------------------------------------------------------------------------------
# `jitter` is a number in [0, 1) that the hands draw: the machine itself has no chance in it.


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """The WebSocket is there; nobody has said welcome yet."""


@dataclass(frozen=True, slots=True)
class SocketLost:
    """It closed, or could not be opened. `code`: the close code, 0 without one."""

    jitter: float
    code: int = 0


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server knows this terminal as that of `room`."""

    room: str


@dataclass(frozen=True, slots=True)
class SessionsSeen:
    """All sessions of this terminal, after each welcome; what is not among them does not exist."""

    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """One session changed."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class SelfTested:
    """The equipment test came to a result."""

    passed: bool


@dataclass(frozen=True, slots=True)
class LegUp:
    """Media flows on this attempt."""

    leg: LegKind
    turn: int


@dataclass(frozen=True, slots=True)
class LegLost:
    """This attempt failed, was refused, or ended by itself; nothing of it is left."""

    leg: LegKind
    turn: int
    jitter: float


@dataclass(frozen=True, slots=True)
class LegClosed:
    """What StopLeg ordered is done."""

    leg: LegKind
    turn: int


@dataclass(frozen=True, slots=True)
class LegSilent:
    """Nothing has come in on this attempt for `seconds`."""

    leg: LegKind
    turn: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment of `wakes_at`, or any later one."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The terminal shall go down in order."""


@dataclass(frozen=True, slots=True)
class WarningConfirmed:
    """Somebody in the room has confirmed to have read this warning."""

    warning: str


Fact = (
    SocketOpened
    | SocketLost
    | Welcomed
    | SessionsSeen
    | SessionSeen
    | SelfTested
    | LegUp
    | LegLost
    | LegClosed
    | LegSilent
    | TimePassed
    | StopRequested
    | WarningConfirmed
)


# ---- effects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Answered by SocketOpened or SocketLost."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """No answer needed."""


@dataclass(frozen=True, slots=True)
class RunSelfTest:
    """Answered by SelfTested."""


@dataclass(frozen=True, slots=True)
class SendSelfTest:
    """Report the last result for this session."""

    session: str


@dataclass(frozen=True, slots=True)
class StartLeg:
    """Answered by LegUp, then LegLost some day; or by LegLost at once."""

    leg: LegKind
    session: str
    side: Side
    turn: int


@dataclass(frozen=True, slots=True)
class StopLeg:
    """Answered by LegClosed."""

    leg: LegKind
    turn: int


@dataclass(frozen=True, slots=True)
class SendAcknowledgement:
    """Tell the session that this warning is confirmed here."""

    session: str
    warning: str


Effect = OpenSocket | CloseSocket | RunSelfTest | SendSelfTest | StartLeg | StopLeg | SendAcknowledgement
Effects = tuple[Effect, ...]
