"""Everything that a request may need, in one place that `app.py` fills once."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from broker.control.store.store import Store
from broker.kernel.clock import Clock, Instant
from broker.kernel.errors import NoSlot, NotFound, TooMany, VisitError
from broker.kernel.ids import SessionId, Side
from config.settings import Settings
from recorder.viewcopy.queue import ViewCopies
from signaling.api.fields import ID_PATTERN
from signaling.auth.credentials import Credentials
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Terminal, Who, author
from signaling.live.hub import Hub
from signaling.media.resources import Resources
from signaling.server.client_address import TRIED, address
from signaling.server.ports import Broker, Journal, Live
from signaling.views.names import Names
from signaling.views.recordings import Recordings
from signaling.views.session import Scene

_ID = re.compile(ID_PATTERN)
log = structlog.get_logger("signaling")


@dataclass(slots=True)
class Context:
    """The neighbours, and signaling's own memory: who is signed in where, with which media and sockets."""

    broker: Broker
    store: Store
    settings: Settings
    clock: Clock
    journal: Journal
    recordings: Recordings
    views: ViewCopies
    version: str
    door: Credentials
    names: Names
    desk: Resources = field(default_factory=Resources)
    openapi: Mapping[str, Any] = field(default_factory=dict)
    hub: Hub = field(init=False)
    findings: Limit = field(default_factory=lambda: Limit(burst=20, per_minute=30))
    """What terminals find in their rooms, by terminal: it changes seldom, and each change is written down."""
    plays: Limit = field(default_factory=lambda: Limit(burst=1, per_minute=1))
    _notes: Limit = field(default_factory=lambda: Limit(burst=30, per_minute=30))
    _left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.hub = Hub(self)

    def now(self) -> Instant:
        """This moment."""
        return self.clock.now()

    def mono(self) -> float:
        """Monotonic seconds."""
        return self.clock.now().mono

    def live(self, session: SessionId) -> Live:
        """A session by id. Raises NoSlot: a session exists because a slot was approved, and only then."""
        try:
            return self.broker.live(session)
        except NotFound:
            raise NoSlot() from None

    def scene(self, live: Live) -> Scene:
        """A session at this moment, ready to be shown."""
        return Scene(live.session, live.recording, live.policy, self.now(), live.at_risk)

    def note_skipped(self) -> None:
        """Journal how many refusals were left out of the journal since the last time."""
        left_out, self._left_out = self._left_out, Counter()
        for (kind, name), count in left_out.items():
            self.journal.note("RefusalsSkipped", None, name, {"kind": kind, "count": count})

    def note_order(self, who: Who, order: str, session: str | None, error: VisitError) -> None:
        """Journal that an order over the socket was refused; the row's own words over REST are the same."""
        if self._may_note("OrderRefused", author(who), author(who)):
            self.journal.note("OrderRefused", session, author(who), {"order": order, "code": error.code})

    def _may_note(self, kind: str, name: str, whence: str) -> bool:
        """Whether a refusal is written down; `whence` is a name or an address, and stays here."""
        try:
            self._notes.take(f"{kind} {whence}", self.mono())
        except TooMany:
            self._left_out[kind, name] += 1
            return False
        return True

    def note_refusal(self, kind: str, request: web.Request, who: Who | None, error: VisitError) -> None:
        """Journal who was refused what and why: ids only. A flood of refusals leaves a sample, not a flood."""
        name = author(who) if who is not None else "unknown"
        if not self._may_note(kind, name, name if who is not None else address(request)):
            return
        data: dict[str, Any] = {"code": error.code, "status": error.http_status}
        if isinstance(who, Terminal):
            data["room"] = who.room
        if request.get(TRIED):
            data["user"] = request[TRIED]
        if request.match_info.get("side") in set(Side):
            data["side"] = request.match_info["side"]
        session = request.match_info.get("session", "")
        self.journal.note(kind, session if _ID.fullmatch(session) else None, name, data)
