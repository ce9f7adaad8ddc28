"""The aiohttp application, made from the table of routes and the neighbours handed in. Nothing is global: two
applications in one process share nothing, which is how the tests run them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from datetime import time
from functools import cache, partial
from itertools import chain
from math import ceil
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from broker.control.broker import Broker
from broker.control.drills.conductor import Conductor
from broker.control.drills.morning import Daily, Morning
from broker.control.drills.tools import Tools
from broker.control.journal.journal import Journal
from broker.control.store.secrets import challenge_key, device_key, factor_key, identity_key
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.errors import VisitError
from broker.kernel.ids import RoomId
from broker.kernel.tasks import Tasks
from broker.session.parts.extension import granted
from config.settings import Settings
from recorder.archive.disk_space import Claim
from recorder.export.queue import Exports
from recorder.viewcopy.queue import ViewCopies
from signaling.api import (
    absences,
    announcements,
    extensions,
    holds,
    metrics,
    rebookings,
    recordings,
    sessions,
    sign_in,
    slots,
    suspensions,
)
from signaling.api.accounts import changes, factors, invitations, oidc, security_keys
from signaling.api.accounts import sessions as own_sessions
from signaling.api.administration import enrolment, health, keys, packs, rooms, sites, users
from signaling.api.audit import detail, journal, ledgers, marks, relisten, verification, visits
from signaling.api.drills import routes as drills
from signaling.api.duty import handovers
from signaling.api.exports import routes as exports
from signaling.api.inspections import routes as inspections
from signaling.api.purge import routes as purge
from signaling.api.rooms import equipment_tests
from signaling.api.terminals import routes as terminals
from signaling.api.terminals.view import MEETING
from signaling.auth import session_expiry
from signaling.auth.credentials import Credentials
from signaling.auth.factors.checks import FactorChecks
from signaling.auth.oidc.provider import Provider
from signaling.auth.scope import Caller
from signaling.auth.sign_ins import SignIns
from signaling.budgets.allowance import Allowance
from signaling.budgets.charging import charging
from signaling.budgets.payers import Payers
from signaling.budgets.streams import Streams
from signaling.exports.worker import ExportWorker
from signaling.history.keeper import HistoryKeeper, follow_history, running_session
from signaling.history.sources import Sources
from signaling.history.verifications import Verifications, note_verification
from signaling.identity import routes as identity
from signaling.identity.sign_ins import TerminalSignIns
from signaling.journal.builder import JournalExports
from signaling.ledgers.builder import LedgerBuilder
from signaling.live import socket
from signaling.live.fleet import Fleet
from signaling.live.hub import Hub
from signaling.live.order_ids import OrderIds
from signaling.media import line_tests, talkback, whep, whip
from signaling.media.resources import Resources
from signaling.server import errors, pages
from signaling.server.client_address import PROXIES, Proxies
from signaling.server.context import Context
from signaling.server.encoded import Encoded
from signaling.server.errors import Handler
from signaling.server.openapi import document
from signaling.server.routes import Route, serve
from signaling.server.taken_connection import close_refused
from signaling.views.names import Names
from signaling.views.recordings import Recordings

MAX_BODY = 256 * 1024
ExpectHandler = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
CONTEXT = web.AppKey("context", Context)
ROUTES: tuple[Route, ...] = tuple(
    chain.from_iterable(
        table.rows
        for table in (
            sign_in.table,
            identity.table,
            slots.table,
            sessions.table,
            extensions.table,
            suspensions.table,
            rebookings.table,
            absences.table,
            announcements.table,
            handovers.table,
            recordings.table,
            holds.table,
            purge.table,
            visits.table,
            ledgers.table,
            journal.table,
            exports.table,
            detail.table,
            marks.table,
            relisten.table,
            verification.table,
            changes.table,
            factors.table,
            security_keys.table,
            oidc.table,
            own_sessions.table,
            invitations.table,
            drills.table,
            inspections.table,
            terminals.table,
            sites.table,
            rooms.table,
            users.table,
            keys.table,
            enrolment.table,
            packs.table,
            health.table,
            metrics.table,
            metrics.service,
            talkback.table,  # before WHIP and WHEP, whose patterns match its paths, too
            whip.table,
            whep.table,
            line_tests.table,
            equipment_tests.table,
            socket.table,
        )
    )
)


def build_app(
    *,
    broker: Broker,
    store: Store,
    journal: Journal,
    settings: Settings,
    clock: Clock,
    version: str,
    drill_tools: Callable[[Callable[[RoomId], bool]], Tools] | None = None,
) -> web.Application:
    """Return the application with all routes. The caller runs it and closes broker, store and journal after it.
    `drill_tools` makes the tools of drills, given what tells whether a room's terminal is connected."""
    context = build_context(
        broker=broker,
        store=store,
        journal=journal,
        settings=settings,
        clock=clock,
        version=version,
        credentials=Credentials(store),
    )
    if drill_tools is not None:
        context.drills = _drills(context, drill_tools(context.hub.has_terminal_of))
    context.packages = ExportWorker(
        context.exports,
        store,
        journal,
        settings,
        clock,
        context.names.user,
        lambda: _meeting(broker),
        lambda: _claims(broker, settings.session_bytes_per_second),
    )
    app = application(ROUTES, context, charged=True)
    app.on_response_prepare.append(close_refused)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_close_sockets)
    return app


def _drills(context: Context, tools: Tools) -> Morning:
    broker, store, journal, clock = context.broker, context.store, context.journal, context.clock
    conductor, settings = Conductor(broker, store, journal, clock, tools), context.settings
    at = time.fromisoformat(settings.drill_time) if settings.drill_time else None
    daily = Daily(at, settings.drill_blocks, settings.drill_days)
    return Morning(conductor, broker, store, journal, clock, daily)


def _meeting(broker: Broker) -> bool:
    """Whether any visit is under way, which nothing in the background may delay."""
    return any(runner.session.state in MEETING for runner in broker.sessions())


def _claims(broker: Broker, rate: int) -> Iterator[Claim]:
    """Return the room on the disk that the recordings of visits may yet need, with what approvals have added to them;
    one that is being finished may be written a second time. `rate`: bytes a second that a visit may need."""
    for runner in broker.sessions():
        recording, session = runner.recording, runner.session
        minutes = session.slot.minutes + ceil(granted(session.extensions, runner.policy).total_seconds() / 60)
        if recording.state not in ("none", "archived", "failed"):
            finishing = recording.state == "finalizing"
            yield Claim(minutes, 0 if finishing else min(int(recording.seconds), minutes * 60) * rate)


def build_context(
    *,
    broker: Broker,
    store: Store,
    journal: Journal,
    settings: Settings,
    clock: Clock,
    version: str,
    credentials: Credentials,
    issued: Callable[[Caller], None] = lambda caller: None,
) -> Context:
    """Return what the handlers of an application share. `issued` is called with each user and terminal
    that has signed in."""
    names, resources, allowance = Names(store, lambda: clock.now().mono), Resources(), Allowance()
    checks = FactorChecks(store, journal, clock, factor_key(settings.keys_dir))
    hub = Hub(broker, names, clock, resources.forget_session, allowance)
    recordings_read = Recordings(store.engine)
    sources = Sources(store, recordings_read, settings.archive_dir, running_session(broker))
    return Context(
        broker=broker,
        store=store,
        settings=settings,
        clock=clock,
        journal=journal,
        recordings=recordings_read,
        views=ViewCopies(store.engine),
        history=HistoryKeeper(sources, store, journal, clock, settings),
        verifications=Verifications(settings, clock, store, partial(note_verification, store, journal)),
        exports=Exports(store.engine),
        ledgers=LedgerBuilder(settings),
        journal_exports=JournalExports(settings, store.engine),
        version=version,
        credentials=credentials,
        allowance=allowance,
        payers=Payers(),
        streams=Streams(lambda: clock.now().mono),
        sign_ins=SignIns(store, journal, clock, device_key(settings.keys_dir), checks, settings, issued=issued),
        terminal_sign_ins=TerminalSignIns(store, journal, clock, challenge_key(settings.keys_dir), issued),
        names=names,
        resources=resources,
        hub=hub,
        fleet=Fleet(store, journal, clock, hub),
        order_ids=OrderIds(clock),
        openapi=_document(version),
        openapi_file=_document_file(version),
        identity_key=identity_key(settings.keys_dir),
        provider=Provider(settings.sign_in.oidc, clock) if settings.sign_in.oidc is not None else None,
    )


def application(
    rows: Iterable[Route], context: Context, expect: ExpectHandler | None = None, charged: bool = False
) -> web.Application:
    """Return an application with these rows and the pages. `expect` answers `Expect: 100-continue`, by default with
    that. `charged`: requests are paid for by their authors (`charging.py`)."""
    handlers = [(route, serve(route, context)) for route in rows]
    middlewares: list[Middleware] = [errors.middleware]
    if charged:
        middlewares.append(charging(context, {handler: route for route, handler in handlers}))
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
    app[CONTEXT] = context
    app[PROXIES] = Proxies(context.settings.trusted_proxies)
    for route, handler in handlers:
        app.router.add_route(route.method, route.path, handler, expect_handler=expect)
        if route.head:
            app.router.add_route("HEAD", route.path, handler, expect_handler=expect)
    for path, refuse in _other_methods(route for route, _ in handlers):
        app.router.add_route("*", path, refuse, expect_handler=expect)
    pages.add(app)
    app.on_response_prepare.append(pages.set_headers)
    if context.settings.hsts_seconds:
        app.on_response_prepare.append(pages.strict_transport(context.settings.hsts_seconds))
    return app


def _other_methods(rows: Iterable[Route]) -> Iterator[tuple[str, Handler]]:
    """Yield each address without an id, with the handler that refuses the methods it does not have. Without one, the
    framework would take the last word of such an address for an id where a neighbour has one there."""
    allowed: dict[str, set[str]] = {}
    for row in rows:
        if "{" not in row.path:
            allowed.setdefault(row.path, set()).update({row.method, "HEAD"} if row.head else {row.method})
    for path, methods in allowed.items():
        yield path, _refusing(sorted(methods))


def _refusing(allow: list[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise errors.MethodNotAllowed(allow=allow)

    return refuse


@cache
def _document_file(version: str) -> Encoded:
    """The document as it is sent: making the text anew takes milliseconds."""
    return Encoded(json.dumps(_document(version)).encode(), "application/json; charset=utf-8")


@cache
def _document(version: str) -> dict[str, Any]:
    return document(ROUTES, version)


async def _running(app: web.Application) -> AsyncIterator[None]:
    """Listen to the broker, send views, and check credentials, for as long as the application runs."""
    context = app[CONTEXT]
    listeners: dict[str, Callable[..., Any]] = {
        "session": context.hub.session_changed,
        "quality": context.hub.quality,
        "gone": context.resources.forget,
        "standing": context.hub.standing,
        "handover": context.hub.handover,
        "archived": context.history.want,
    }
    follow = partial(follow_history, context.broker, context.history)
    context.broker.bus.on("session", follow)
    for event, listener in listeners.items():
        context.broker.bus.on(event, listener)
    tasks = Tasks()
    tasks.spawn(context.hub.pump())
    tasks.spawn(session_expiry.run(context))
    tasks.spawn(context.sign_ins.watch_attacks())
    tasks.spawn(context.fleet.run())
    tasks.spawn(context.history.run())
    tasks.spawn(context.verifications.run())
    if context.packages is not None:
        tasks.spawn(context.packages.run())
    async with AsyncExitStack() as drills:
        if context.drills is not None:
            await drills.enter_async_context(context.drills.conductor)
            tasks.spawn(context.drills.run())
        yield
    for event, listener in listeners.items():
        context.broker.bus.remove_listener(event, listener)
    context.broker.bus.remove_listener("session", follow)
    with suppress(asyncio.CancelledError):
        await tasks.close()
        await context.purges.close()
    with suppress(VisitError):  # what is lost are minutes of the time at which a terminal was last seen
        await context.fleet.write(everything=True)
    context.sign_ins.close()


async def _close_sockets(app: web.Application) -> None:
    """Close the sockets before the server waits for its requests: open ones would keep it for a minute
    (aiohttp#2200)."""
    await app[CONTEXT].hub.close()
