"""What the handlers of all requests share, in one object that `app.py` fills once."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from aiohttp import web

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.control.store.store import Store
from broker.kernel.clock import SHANGHAI, Clock, Instant, in_shanghai
from broker.kernel.errors import BadRequest, NoSlot, NotFound, TooMany, VisitError
from broker.kernel.ids import SessionId, Side
from config.settings import Settings
from recorder.viewcopy.queue import ViewCopies
from signaling.api.messages.fields import ID_PATTERN
from signaling.auth.credentials import Credentials
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Caller, Terminal, author
from signaling.live.hub import Hub
from signaling.media.resources import Resources
from signaling.server.client_address import TRIED, address
from signaling.views.names import Names
from signaling.views.recordings import Recordings

_ID = re.compile(ID_PATTERN)


@dataclass(slots=True)
class Context:
    """The neighbours of signaling, and its own memory: sign-ins, media resources, sockets and rate limits."""

    broker: Broker
    store: Store
    settings: Settings
    clock: Clock
    journal: Journal
    recordings: Recordings
    views: ViewCopies
    version: str
    credentials: Credentials
    names: Names
    resources: Resources
    hub: Hub
    openapi: Mapping[str, Any]
    findings: Limit = field(default_factory=lambda: Limit(burst=20, per_minute=30))
    """What terminals find in their rooms, by terminal: it changes seldom, and each change is written down."""
    plays: Limit = field(default_factory=lambda: Limit(burst=1, per_minute=1))
    """Journal entries about one viewer who plays one recording."""
    _notes: Limit = field(default_factory=lambda: Limit(burst=30, per_minute=30))
    _left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def now(self) -> Instant:
        """Return the current moment, wall and monotonic."""
        return self.clock.now()

    def mono(self) -> float:
        """Return the current monotonic second."""
        return self.clock.now().mono

    def day_bounds(self, day: date | None) -> tuple[datetime, datetime]:
        """First and first-after moment of a day in Asia/Shanghai (today when None), in UTC. Raises BadRequest for other
        centuries."""
        day = day or in_shanghai(self.now().wall).date()
        if not 2000 <= day.year < 2100:
            raise BadRequest("The year must be between 2000 and 2099.", "年份应在 2000 至 2099 之间。")
        start = datetime.combine(day, time.min, tzinfo=SHANGHAI)
        end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=SHANGHAI)
        return start.astimezone(UTC), end.astimezone(UTC)

    def live(self, session: SessionId) -> SessionRunner:
        """Return a session by its id. Raises NoSlot: a session exists only because a slot was approved."""
        try:
            return self.broker.live(session)
        except NotFound:
            raise NoSlot() from None

    # ---- refusals in the journal -----------------------------------------------------------------------------

    def note_skipped(self) -> None:
        """Journal how many refusals were left out of the journal since the last time."""
        left_out, self._left_out = self._left_out, Counter()
        for (kind, name), count in left_out.items():
            self.journal.note("RefusalsSkipped", None, name, {"kind": kind, "count": count})

    def note_order(self, kind: str, caller: Caller, order: str, session: str | None, error: VisitError) -> None:
        """Journal that an order on the WebSocket was refused; `note_refusal` does so for REST."""
        name = author(caller)
        if self._may_note(kind, name, name):
            self.journal.note(kind, session, name, {"order": order, "code": error.code})

    def _may_note(self, kind: str, name: str, origin: str) -> bool:
        """Whether a refusal is written down. `origin` is a name or an address, and is not written."""
        try:
            self._notes.take(f"{kind} {origin}", self.mono())
        except TooMany:
            self._left_out[kind, name] += 1
            return False
        return True

    def note_refusal(self, kind: str, request: web.Request, caller: Caller | None, error: VisitError) -> None:
        """Journal a refusal with its caller and reason: ids only. A flood of refusals leaves a sample, not a flood."""
        name = author(caller) if caller is not None else "unknown"
        if not self._may_note(kind, name, name if caller is not None else address(request)):
            return
        data: dict[str, Any] = {"code": error.code, "status": error.http_status}
        if isinstance(caller, Terminal):
            data["room"] = caller.room
        if request.get(TRIED):
            data["user"] = request[TRIED]
        if request.match_info.get("side") in set(Side):
            data["side"] = request.match_info["side"]
        session = request.match_info.get("session", "")
        self.journal.note(kind, session if _ID.fullmatch(session) else None, name, data)
