"""What the handlers of all requests share, in one object that `app.py` fills once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from aiohttp import hdrs, web

from broker.authority.slot_acts import Relation
from broker.control.broker import Broker
from broker.control.drills.morning import Morning
from broker.control.journal.journal import Journal
from broker.control.session_runner import SessionRunner
from broker.control.store.store import Store
from broker.kernel.clock import SHANGHAI, Clock, Instant, in_shanghai
from broker.kernel.errors import BadRequest, NoSlot, NotFound, VisitError
from broker.kernel.ids import SessionId, Side, TerminalId
from config.settings import Settings
from recorder.export.queue import Exports
from recorder.viewcopy.queue import ViewCopies
from signaling.api.messages.fields import ID_PATTERN
from signaling.auth.credentials import Credentials
from signaling.auth.oidc.provider import Provider
from signaling.auth.rate_limit import Limit
from signaling.auth.scope import Caller, Terminal, User, author, relation_to
from signaling.auth.seen_session import seen_session
from signaling.auth.sign_ins import SignIns
from signaling.budgets.allowance import Allowance
from signaling.budgets.payers import Payers
from signaling.budgets.streams import Streams
from signaling.exports.worker import ExportWorker
from signaling.history.keeper import HistoryKeeper
from signaling.history.verifications import Verifications
from signaling.identity.sign_ins import TerminalSignIns
from signaling.ingress.fairness import prefix_of
from signaling.journal.builder import JournalExports
from signaling.ledgers.builder import LedgerBuilder
from signaling.live.fleet import Fleet
from signaling.live.hub import Hub
from signaling.live.order_ids import OrderIds
from signaling.media.resources import Resources
from signaling.retention.purge_run import PurgeRuns
from signaling.server.client_address import address
from signaling.server.encoded import Encoded
from signaling.views.names import Names
from signaling.views.recordings import Recordings

_ID = re.compile(ID_PATTERN)
BACKGROUND = "Huijian-Background"
"""A header of requests that a page makes by itself: they keep no sign-in from ending that is not used."""


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
    history: HistoryKeeper
    verifications: Verifications
    exports: Exports
    ledgers: LedgerBuilder
    journal_exports: JournalExports
    version: str
    credentials: Credentials
    sign_ins: SignIns
    terminal_sign_ins: TerminalSignIns
    names: Names
    resources: Resources
    hub: Hub
    fleet: Fleet
    order_ids: OrderIds
    allowance: Allowance
    payers: Payers
    streams: Streams
    openapi: Mapping[str, Any]
    openapi_file: Encoded
    identity_key: bytes = field(repr=False)
    provider: Provider | None = None
    """The identity service by which officers may sign in; None where there is none."""
    drills: Morning | None = None
    """The drills; None in the ingress process, which makes none."""
    packages: ExportWorker | None = None
    """The worker that builds and removes packages; None in the ingress process."""
    findings: Limit = field(default_factory=lambda: Limit(burst=20, per_minute=30))
    """What terminals find in their rooms, by terminal: it changes seldom, and each change is written down."""
    changes: Limit = field(default_factory=lambda: Limit(burst=120, per_minute=120))
    """Orders of an author that change something: a hand gives no more, and each is written down and sent to all."""
    terminal_changes: Limit = field(default_factory=lambda: Limit(burst=20, per_minute=30))
    """Those of a terminal: a new result of its self-test, a warning that was read."""
    terminal_reports: Limit = field(default_factory=lambda: Limit(burst=12, per_minute=12))
    """What terminals report of themselves: once a minute, and at changes."""
    line_tests: Limit = field(default_factory=lambda: Limit(burst=6, per_minute=2))
    """Tests of a terminal's line: each takes a tenth of a visit's packets for nine seconds."""
    plays: Limit = field(default_factory=lambda: Limit(burst=1, per_minute=1))
    """Journal entries about one viewer who plays one recording."""
    purges: PurgeRuns = field(default_factory=PurgeRuns)
    """The purge that officers have ordered."""
    meetings: set[TerminalId] = field(default_factory=set)
    """Terminals of which a running program is being admitted (`signaling/identity/admission.py`)."""
    used: set[str] = field(default_factory=set, repr=False)
    """Tokens of officers that were used since it was last noted (`session_expiry`)."""
    ingress: dict[str, float] = field(default_factory=dict)
    """The latest counters of the ingress process (`signaling/ingress/counters.py`)."""

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

    def live(self, session: SessionId, caller: Caller) -> SessionRunner:
        """Return a session for media. Raises NoSlot: a session exists only because a slot was approved, and for other
        sites not at all."""
        try:
            live = self.broker.live(session)
        except NotFound:
            raise NoSlot() from None
        if relation_to(caller, live.session.slot) is Relation.FOREIGN:
            raise NoSlot()
        return live

    def seen(self, session: SessionId, caller: Caller) -> SessionRunner:
        """Return a session that exists for this caller. Raises NotFound, in the same words for those of others."""
        return seen_session(self.broker, session, caller)

    async def identify(self, request: web.Request) -> Caller | None:
        """Return the sender of a request, None where it carries no credential. Raises NotSignedIn or Forbidden."""
        caller = await self.credentials.caller_or_none(request)
        if caller is not None:
            self.payers.learn(caller.token, author(caller))
            if BACKGROUND not in request.headers and hdrs.UPGRADE not in request.headers:
                self.note_use(caller)  # a page connects anew by itself, too
        return caller

    def note_use(self, caller: Caller) -> None:
        """Note that an officer uses a sign-in now, by a request or an order."""
        if isinstance(caller, User):
            self.used.add(caller.token)

    def wake_exports(self) -> None:
        """Have the worker look at the requests for packages at once."""
        if self.packages is not None:
            self.packages.wake()

    async def remove_export(self, id: str) -> None:
        """Remove the files of a request for a package."""
        if self.packages is not None:
            await self.packages.remove(id)

    # ---- refusals in the journal -----------------------------------------------------------------------------

    def note_order(self, kind: str, caller: Caller, order: str, session: str | None, error: VisitError) -> None:
        """Journal that an order on the WebSocket was refused; `note_refusal` does so for REST."""
        self.journal.note_request(kind, session, author(caller), {"order": order, "code": error.code})

    def note_refusal(self, kind: str, request: web.Request, caller: Caller | None, error: VisitError) -> None:
        """Journal a refusal with its caller and reason: ids only. Refusals of a client without a credential are
        counted; each caller who has one leaves a few rows a minute, and the rest is counted, too."""
        if caller is None:
            self.journal.count_refusal(kind, error.code, prefix_of(address(request)))
            return
        data: dict[str, Any] = {"code": error.code, "status": error.http_status}
        if isinstance(caller, Terminal):
            data["room"] = caller.room
        if request.match_info.get("side") in set(Side):
            data["side"] = request.match_info["side"]
        session = request.match_info.get("session", "")
        self.journal.note_request(kind, session if _ID.fullmatch(session) else None, author(caller), data)
