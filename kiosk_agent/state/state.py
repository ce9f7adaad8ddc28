"""State of a terminal, one frozen value, and the intervals of its behaviour. `terminal.py` replaces it, `effects.py`
derives effects from it."""

from dataclasses import dataclass, field, replace

from config.articles.equipment import Cause
from config.check_in import Manner
from kiosk_agent.state.events import MediaKind, MediaState, Phase, Visit

FIRST_RETRY, LONGEST_RETRY = 0.5, 10.0
VISIT_SOCKET_RETRY, VISIT_MEDIA_RETRY = 1.0, 4.0
"""Seconds of the longest wait while a visit is live or held: people are to see each other again soon after the line is
back. The server takes sixty offers a minute of a terminal, which has three connections. A socket that opens again shows
that the line is back: media that waits is tried at once."""
REFUSED_RETRY = 30.0
"""Seconds to wait after a close code that refuses this terminal (4001 token, 4003 role, 4009 replaced by a newer
socket): trying again soon would change nothing."""
STEADY = 10.0
"""Seconds after which a connection counts as good: the next failure begins again with the short wait."""
OFFLINE_GRACE = 60.0
"""Seconds for which media outlives the WebSocket: the control process may be restarting while relay and recorder go
on."""
SILENCE = 8.0
"""Seconds without a packet while LIVE, after which the far room is subscribed to anew. A line that is cut has lost the
socket by then (`HEARTBEAT` and its half), and is no reason."""
NOT_ARRIVING = 8.0
"""Seconds for which the server may report no media from this room although the publication is connected, before it is
made anew."""
NOT_RECEIVING = 3.0
"""Seconds for which the server may know nothing of the subscription although it is connected, likewise."""
CUT = 20.0
"""Seconds that take the place of both while people meet. A path that was cut comes back by itself, in a fraction of the
time that a new connection takes: libwebrtc keeps it for about fifteen seconds, aioice and the relay for thirty. That a
relay worker died is told by the visit's reason, and its connections are made anew at once."""
TEST_FRESH, TEST_AGAIN, RESEND = 60.0, 15.0, 5.0
"""Seconds after which a result is too old to be reported and the test runs again; after which a failed test is
repeated; after which a report that the server has not taken up is sent again."""
ENDED_SCREEN = 10.0
"""Seconds for which the screen says that the visit has ended."""


@dataclass(frozen=True, slots=True)
class RulesConfirmation:
    """What the room has confirmed of the rules of one session, and when that was last sent to the server."""

    session: str
    language: str
    manner: Manner
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Terminal:
    """Everything that a terminal knows. Moments are seconds of one monotonic clock."""

    phase: Phase = Phase.OFFLINE
    room: str | None = None
    visits: tuple[Visit, ...] = ()
    """Sessions believed open, the earliest first: the check-in of the next begins during the present one."""
    synced: bool = False
    """Whether `visits` came over the present socket, not over an earlier one."""
    publication: MediaState = field(default_factory=MediaState)
    subscription: MediaState = field(default_factory=MediaState)
    talkback: MediaState = field(default_factory=MediaState)
    socket_at: float | None = 0.0
    """Moment to open the socket; None while it is open or opening."""
    socket_tries: int = 0
    online_at: float = 0.0
    offline_at: float = 0.0
    testing: bool = False
    requested: Cause | None = None
    """Why a test was asked for that has not begun yet; None where none was."""
    tested_at: float | None = None
    passed: bool = False
    test: str = ""
    """Id of the last test, "" before the first."""
    sent_at: float | None = None
    """Moment at which the last result was sent to the present session."""
    live_at: float = 0.0
    unarrived_at: float | None = None
    """Moment from which on the server has reported that no media of this room arrive; None while they do."""
    unreceived_at: float | None = None
    """Moment from which on the server has reported that the subscription does not stand there; None while it does."""
    ended_at: float | None = None
    """Moment at which the session on the screen ended; None once ENDED_SCREEN is over."""
    confirms: bool = False
    """Whether the terminal confirms warnings itself, at once, because the room has no screen to read them from."""
    acknowledges: bool = False
    """Whether the terminal acknowledges the rules itself, because there are no people in the room (drills, tests)."""
    rules: RulesConfirmation | None = None
    """What was confirmed here and the server does not report yet; None where nothing was, or the server has it."""
    confirmed: tuple[tuple[str, float | None], ...] = ()
    """Warnings confirmed here that the server still lists, each with the moment of the last acknowledgement."""
    ended: str | None = None
    """Id of the session that ended, whose reason the screen shows."""
    stopping: bool = False
    down: bool = False
    """Whether everything is closed, so that the program may end."""

    @property
    def unread(self) -> tuple[str, ...]:
        """Ids of the warnings that the room still has to confirm, the newest last."""
        if self.visit is None:
            return ()
        confirmed = {warning for warning, _ in self.confirmed}
        return tuple(warning for warning in self.visit.warnings if warning not in confirmed)

    @property
    def to_tell(self) -> bool:
        """Whether the room has still to confirm the rules of the present visit."""
        return self.visit is not None and self.visit.to_tell and self.rules is None

    def media(self, kind: MediaKind) -> MediaState:
        """Return the state of the media connection of that kind."""
        match kind:
            case MediaKind.PUBLICATION:
                return self.publication
            case MediaKind.SUBSCRIPTION:
                return self.subscription
            case MediaKind.TALKBACK:
                return self.talkback

    def with_media(self, kind: MediaKind, media: MediaState) -> "Terminal":
        """Return the terminal with the media connection of that kind replaced."""
        match kind:
            case MediaKind.PUBLICATION:
                return replace(self, publication=media)
            case MediaKind.SUBSCRIPTION:
                return replace(self, subscription=media)
            case MediaKind.TALKBACK:
                return replace(self, talkback=media)

    @property
    def visit(self) -> Visit | None:
        """The session that this room's media may go into now: the earliest open one of its own room."""
        return next((visit for visit in self.visits if visit.room == self.room), None)

    @property
    def meeting(self) -> bool:
        """Whether people meet in this room now, or wait for their visit to go on."""
        return self.visit is not None and self.visit.state in ("live", "held")

    @property
    def welcome(self) -> bool:
        """Whether the server has welcomed this terminal on a socket that is still open."""
        return self.phase not in (Phase.OFFLINE, Phase.CONNECTED)


def backoff(tries: int, jitter: float, longest: float = LONGEST_RETRY) -> float:
    """Return the seconds to wait before attempt `tries` + 1: doubling, capped, spread over its upper half by
    `jitter`."""
    wait = min(longest, FIRST_RETRY * 2.0 ** min(tries, 16))
    return wait * (0.5 + jitter / 2)
