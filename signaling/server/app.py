"""The aiohttp application, made from the table of routes and the neighbours handed in. Nothing is global: two
applications in one process share nothing, which is how the tests run them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any

from aiohttp import web

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import Clock
from broker.kernel.tasks import Tasks
from config.settings import Settings
from recorder.viewcopy.queue import ViewCopies
from signaling.api import extensions, metrics, recordings, sessions, sign_in, slots, suspensions
from signaling.auth import session_expiry
from signaling.auth.credentials import Credentials
from signaling.live import socket
from signaling.live.hub import Hub
from signaling.media import talkback, whep, whip
from signaling.media.resources import Resources
from signaling.server import errors, pages
from signaling.server.client_address import PROXIES, Proxies
from signaling.server.context import Context
from signaling.server.openapi import document
from signaling.server.routes import Route, serve
from signaling.views.names import Names
from signaling.views.recordings import Recordings

MAX_BODY = 256 * 1024
CONTEXT = web.AppKey("context", Context)
ROUTES: tuple[Route, ...] = tuple(
    chain.from_iterable(
        table.rows
        for table in (
            sign_in.table,
            slots.table,
            sessions.table,
            extensions.table,
            suspensions.table,
            recordings.table,
            metrics.table,
            metrics.service,
            talkback.table,  # before WHIP and WHEP, whose patterns match its paths, too
            whip.table,
            whep.table,
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
) -> web.Application:
    """Return the application with all routes. The caller runs it and closes broker, store and journal after it."""
    names, resources = Names(store, lambda: clock.now().mono), Resources()
    context = Context(
        broker=broker,
        store=store,
        settings=settings,
        clock=clock,
        journal=journal,
        recordings=Recordings(store.engine),
        views=ViewCopies(store.engine),
        version=version,
        credentials=Credentials(store, clock),
        names=names,
        resources=resources,
        hub=Hub(broker, names, clock, resources.forget_session),
        openapi=_document(version),
    )
    app = web.Application(middlewares=[errors.middleware], client_max_size=MAX_BODY)
    app[CONTEXT] = context
    app[PROXIES] = Proxies(settings.trusted_proxies)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, serve(route, context))
        if route.head:
            app.router.add_route("HEAD", route.path, serve(route, context))
    pages.add(app)
    app.on_response_prepare.append(pages.set_headers)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_close_sockets)
    return app


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
    }
    for event, listener in listeners.items():
        context.broker.bus.on(event, listener)
    tasks = Tasks()
    tasks.spawn(context.hub.pump())
    tasks.spawn(session_expiry.run(context))
    yield
    for event, listener in listeners.items():
        context.broker.bus.remove_listener(event, listener)
    with suppress(asyncio.CancelledError):
        await tasks.close()


async def _close_sockets(app: web.Application) -> None:
    """Close the sockets before the server waits for its requests: open ones would keep it for a minute
    (aiohttp#2200)."""
    await app[CONTEXT].hub.close()
