"""The application for senders without a credential: the same table of rows as that of control, so that its refusals are
the same documents, but with no broker behind it. Rows that need a credential refuse; open rows are answered from the
store and from memory; what only control could answer is handed over before it gets here."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import NoReturn, cast

from aiohttp import web

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import ControlUnavailable, NotSignedIn
from broker.kernel.tasks import Tasks
from config.settings import Settings
from signaling.api.messages.sign_in import Health
from signaling.api.metrics import health
from signaling.auth.credentials import Credentials
from signaling.auth.scope import Caller
from signaling.ingress.control_link import ControlLink
from signaling.live.client import close_socket
from signaling.live.socket import check_upgrade
from signaling.server.app import CONTEXT, ROUTES, application, build_context
from signaling.server.context import Context
from signaling.server.routes import Call, Verb
from signaling.server.taken_connection import close_after, taken

SOCKET, METRICS, DOCUMENT = "/api/v1/ws", "/metrics", "/api/v1/openapi.json"
SIGN_INS = frozenset(
    {
        "/api/v1/sign-in",
        "/api/v1/sign-in/challenge",
        "/api/v1/sign-in/factor",
        "/api/v1/invitations/redeem",
    }
)
"""The steps of a sign-in, which are answered in this process."""


class AnonymousCredentials(Credentials):
    """Sign-in as everywhere, and no valid token: what is valid was handed over before."""

    async def holder(self, token: str) -> Caller:
        """Refuse every token without asking the database. Raises NotSignedIn."""
        raise NotSignedIn()


class NoBroker:
    """The place of the broker in a process that has none. Whatever is asked of it raises ControlUnavailable."""

    def __getattr__(self, name: str) -> NoReturn:
        raise ControlUnavailable(retry_after=2)


def build_anonymous_app(
    store: Store,
    journal: Journal,
    settings: Settings,
    clock: Clock,
    version: str,
    link: ControlLink,
    issued: Callable[[Caller], None],
) -> web.Application:
    """Return the application for strangers. Each answer is the last one of its connection; `issued` is called with each
    user and terminal that has signed in."""
    context = build_context(
        broker=cast(Broker, NoBroker()),
        store=store,
        journal=journal,
        settings=settings,
        clock=clock,
        version=version,
        credentials=AnonymousCredentials(store),
        issued=issued,
    )
    own = _own_verbs(context, link)
    rows = [replace(row, verb=own.get(row.path, row.verb)) for row in ROUTES]
    app = application(rows, context, _already_told)
    app.on_response_prepare.append(_close)
    app.cleanup_ctx.append(_watching)
    return app


async def _watching(app: web.Application) -> AsyncIterator[None]:
    """Write down attacks on accounts, for as long as the application runs."""
    sign_ins, tasks = app[CONTEXT].sign_ins, Tasks()
    tasks.spawn(sign_ins.watch_attacks())
    yield
    await tasks.close()
    sign_ins.close()


def _own_verbs(context: Context, link: ControlLink) -> dict[str, Verb]:
    async def healthz(call: Call) -> Health:
        _hold_no_turn(call)
        await link.check_health()
        return health(context)

    return {"/healthz": healthz, SOCKET: _refuse_socket}


async def _refuse_socket(call: Call) -> web.StreamResponse:
    """Upgrade and close with the code for a credential that is not valid, as control does: browsers tell a page nothing
    else of a refusal."""
    ws = check_upgrade(call.request)
    await ws.prepare(call.request)
    _hold_no_turn(call)
    refusal = NotSignedIn()
    call.context.note_refusal("SocketRefused", call.request, None, refusal)
    await close_socket(ws, call.request, refusal.close_code, refusal.code.encode())
    return ws


def _hold_no_turn(call: Call) -> None:
    """Let the next request begin: what this one still waits for is another process, or its sender."""
    connection = taken(call.request)
    if connection is not None:
        connection.answered()


async def _already_told(request: web.Request) -> None:
    """Say nothing to `Expect: 100-continue`: the body is here, or is not needed."""


async def _close(request: web.BaseRequest, answer: web.StreamResponse) -> None:
    if answer.status != 101:
        close_after(answer)
