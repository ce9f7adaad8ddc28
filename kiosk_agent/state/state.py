"""What a terminal knows, and the numbers it lives by. The state is one frozen value; `terminal.py` changes it,
`orders.py` reads it."""

from dataclasses import dataclass, field, replace

from kiosk_agent.state.events import Leg, LegKind, Phase, Visit

FIRST_RETRY, LONGEST_RETRY = 0.5, 10.0
REFUSED_RETRY = 30.0
"""After a close code that says "not you" (4001 token, 4003 role, 4009 replaced by a newer socket): no hurry."""
STEADY = 10.0
"""A connection that lasted this long was good: the next failure begins again with the short wait."""
OFFLINE_GRACE = 60.0
"""Media outlives the WebSocket this long: the control process may be restarting while relay and recorder go on."""
SILENCE = 3.0
"""Seconds without a packet while LIVE; aioice notices a dead path only after about thirty."""
UNHEARD = 8.0
"""Seconds the server may say "no media from you" while our publication looks well, before it is made anew."""
TEST_FRESH, TEST_AGAIN, RESEND = 60.0, 15.0, 5.0
"""A result older than TEST_FRESH is not told as today's truth but taken again; a failed test is repeated after
TEST_AGAIN; a result that the server does not seem to know is told again after RESEND."""
SLATE = 10.0
"""How long "the visit has ended" stays on the screen."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Everything a terminal knows. Moments are seconds of one monotonic clock."""

    phase: Phase = Phase.OFFLINE
    room: str | None = None
    visits: tuple[Visit, ...] = ()
    """Sessions that are open as far as is known, the earliest first: the next one's check-in begins during this one."""
    synced: bool = False
    """Whether `visits` is what the server said on this very socket, not before."""
    send: Leg = field(default_factory=Leg)
    watch: Leg = field(default_factory=Leg)
    hear: Leg = field(default_factory=Leg)
    socket_at: float | None = 0.0
    """When to open the socket; None while it is open or opening."""
    socket_tries: int = 0
    online_at: float = 0.0
    offline_at: float = 0.0
    testing: bool = False
    tested_at: float | None = None
    passed: bool = False
    sent_at: float | None = None
    """When the last result was told to the present session."""
    live_at: float = 0.0
    ended_at: float | None = None
    """When the session on the screen ended; None when its slate is over."""
    confirms: bool = False
    """Whether warnings are confirmed at once by the terminal itself: a room without a screen has nobody to read."""
    confirmed: tuple[tuple[str, float | None], ...] = ()
    """Warnings confirmed here that the server still lists, each with when it was last told."""
    ended: str | None = None
    """Which session that was: its slate says why it ended."""
    stopping: bool = False
    down: bool = False
    """Everything is closed: the hands may go home."""

    @property
    def unread(self) -> tuple[str, ...]:
        """The warnings that still wait for somebody in the room; the newest last."""
        known = {warning for warning, _ in self.confirmed}
        return tuple(one for one in self.visit.warnings if one not in known) if self.visit is not None else ()

    def leg(self, kind: LegKind) -> Leg:
        """The leg of that kind."""
        return {LegKind.SEND: self.send, LegKind.WATCH: self.watch, LegKind.HEAR: self.hear}[kind]

    def with_leg(self, kind: LegKind, leg: Leg) -> "Terminal":
        """The same with that leg replaced."""
        match kind:
            case LegKind.SEND:
                return replace(self, send=leg)
            case LegKind.WATCH:
                return replace(self, watch=leg)
            case LegKind.HEAR:
                return replace(self, hear=leg)

    @property
    def visit(self) -> Visit | None:
        """The session this room's media may go into now: the earliest open one of its own room."""
        return next((visit for visit in self.visits if visit.room == self.room), None)

    @property
    def welcome(self) -> bool:
        """Whether the server has said who we are, on a socket that is still there."""
        return self.phase not in (Phase.OFFLINE, Phase.CONNECTED)


def backoff(tries: int, jitter: float, longest: float = LONGEST_RETRY) -> float:
    """Seconds to wait before attempt `tries` + 1: doubling, capped, and spread over its upper half by `jitter`."""
    wait = min(longest, FIRST_RETRY * 2.0 ** min(tries, 16))
    return wait * (0.5 + jitter / 2)
