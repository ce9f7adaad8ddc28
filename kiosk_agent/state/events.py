"""Types of the terminal's state machine: what it knows (Visit, MediaState), what can happen to it (facts), and what
must be done about it (effects). All are frozen values, so that logs, tests and the machine share one vocabulary."""

from dataclasses import dataclass
from enum import StrEnum

from broker.kernel.ids import Side
from config.articles.equipment import Cause
from config.check_in import Manner


class Phase(StrEnum):
    """Phase of a terminal; each has its own screen."""

    OFFLINE = "offline"
    CONNECTED = "connected"
    SELF_TEST = "self_test"
    WAITING = "waiting"
    PUBLISHING = "publishing"
    LIVE = "live"
    HELD = "held"
    ENDED = "ended"


OPEN_STATES = frozenset({"check_in", "ready", "live", "held"})
"""Session states in which the server takes the room's media."""
PREPARING = frozenset({"check_in", "ready"})
"""Session states that require a fresh equipment test and the room's acknowledgement of the rules; once people meet, no
test runs any more, and no rules are told."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What the server reports of one session, as far as the terminal acts on it.

    `room` is the room of `side`; `starts` orders sessions; `media` is whether this room's picture and sound arrive at
    the server, `receiving` whether its subscription to the far room stands there; `relay_lost` is whether the visit is
    on hold because the relay was interrupted, which knows no connection from before; `until` is the limit on the
    loop's clock, None before the first crossing."""

    id: str
    side: Side
    room: str
    state: str
    starts: float = 0.0
    tested: bool = False
    test: str = ""
    """Id of the equipment test that the server has of this room, "" for none or for a test of staff."""
    media: bool = False
    receiving: bool = True
    relay_lost: bool = False
    until: float | None = None
    acknowledged: bool = False
    """Whether this room has acknowledged the rules of the visit, as the server has it."""
    warnings: tuple[str, ...] = ()
    """Ids of the warnings that this room has not confirmed yet, as the server has it; the newest last."""
    drill: bool = False
    """Whether it is a drill, at which no people are in the room."""

    @property
    def open(self) -> bool:
        """Whether the server takes this room's media now."""
        return self.state in OPEN_STATES

    @property
    def to_tell(self) -> bool:
        """Whether this room has still to acknowledge the rules."""
        return self.state in PREPARING and not self.acknowledged


class MediaKind(StrEnum):
    """Kind of media connection; a terminal has at most one of each.

    SUBSCRIPTION receives the far room, TALKBACK what officers say to this room."""

    PUBLICATION = "publication"
    SUBSCRIPTION = "subscription"
    TALKBACK = "talkback"


class MediaStatus(StrEnum):
    """Status of a media connection. CLOSING lasts until MediaClosed: nothing new of that kind begins before."""

    IDLE = "idle"
    OPENING = "opening"
    UP = "up"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class MediaState:
    """State of one WHIP or WHEP connection. `attempt` numbers the attempts, so that late facts of an old one are
    ignored."""

    status: MediaStatus = MediaStatus.IDLE
    session: str | None = None
    attempt: int = 0
    tries: int = 0
    retry_at: float = 0.0
    up_at: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether a resource exists or is being made."""
        return self.status in (MediaStatus.OPENING, MediaStatus.UP)


# ---- facts ---------------------------------------------------------------------------------------------------------
# `jitter` is a random number in [0, 1) that the reporting object draws, so that the machine stays deterministic.


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """The WebSocket is open; the server has not sent its welcome yet."""


@dataclass(frozen=True, slots=True)
class SocketLost:
    """The WebSocket closed, or could not be opened. `code` is the close code, 0 without one."""

    jitter: float
    code: int = 0


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The server has welcomed this terminal as that of `room`."""

    room: str


@dataclass(frozen=True, slots=True)
class SessionsSeen:
    """The server listed all sessions of this terminal, as it does after each welcome."""

    visits: tuple[Visit, ...]


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """The server reported a change of one session."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class SelfTested:
    """The equipment test with this id has a result."""

    passed: bool
    test: str = ""


@dataclass(frozen=True, slots=True)
class TestRequested:
    """An equipment test was asked for: by staff, or because the room opens. It runs as soon as no people meet."""

    cause: Cause = Cause.DEMAND


@dataclass(frozen=True, slots=True)
class MediaConnected:
    """The connection of this attempt is up."""

    kind: MediaKind
    attempt: int


@dataclass(frozen=True, slots=True)
class MediaLost:
    """The attempt failed, was refused, or ended by itself; nothing of it is left."""

    kind: MediaKind
    attempt: int
    jitter: float


@dataclass(frozen=True, slots=True)
class MediaClosed:
    """The attempt that StopMedia named is closed."""

    kind: MediaKind
    attempt: int


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """Nothing has been received on this attempt for `seconds`."""

    kind: MediaKind
    attempt: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The moment of `wakes_at` has come, or a later one."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The program was asked to end in order."""


@dataclass(frozen=True, slots=True)
class WarningConfirmed:
    """The room has confirmed that it has read the warning."""

    warning: str


@dataclass(frozen=True, slots=True)
class RulesConfirmed:
    """The people in the room have confirmed the rules of the present visit, told in that `language`."""

    language: str
    manner: Manner


Fact = (
    SocketOpened
    | SocketLost
    | Welcomed
    | SessionsSeen
    | SessionSeen
    | SelfTested
    | TestRequested
    | MediaConnected
    | MediaLost
    | MediaClosed
    | MediaSilent
    | TimePassed
    | StopRequested
    | WarningConfirmed
    | RulesConfirmed
)


# ---- effects -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open the WebSocket; SocketOpened or SocketLost follows."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the WebSocket; no fact is needed."""


@dataclass(frozen=True, slots=True)
class RunSelfTest:
    """Test the equipment; SelfTested follows."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class SendSelfTest:
    """Report the last result of the self-test to the session."""

    session: str


@dataclass(frozen=True, slots=True)
class StartMedia:
    """Start an attempt; MediaConnected and later MediaLost follow, or MediaLost at once. In a `drill` a made-up picture
    and tone are sent in place of the room's, and nothing that comes is played."""

    kind: MediaKind
    session: str
    side: Side
    attempt: int
    drill: bool = False


@dataclass(frozen=True, slots=True)
class StopMedia:
    """Stop an attempt; MediaClosed follows."""

    kind: MediaKind
    attempt: int


@dataclass(frozen=True, slots=True)
class SendAcknowledgement:
    """Acknowledge to the session that the room has confirmed the warning."""

    session: str
    warning: str


@dataclass(frozen=True, slots=True)
class SendRulesAcknowledgement:
    """Report to the session that the room has acknowledged the rules."""

    session: str
    language: str
    manner: Manner


Effect = (
    OpenSocket
    | CloseSocket
    | RunSelfTest
    | SendSelfTest
    | StartMedia
    | StopMedia
    | SendAcknowledgement
    | SendRulesAcknowledgement
)
Effects = tuple[Effect, ...]
