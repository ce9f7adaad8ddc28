"""The aiohttp application, made from the table of addresses and the neighbours handed in. Nothing is global: two
applications in one process share nothing, which is how the tests run them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any

from aiohttp import web

from broker.control.store.store import Store
from broker.kernel.clock import Clock
from config.settings import Settings
from recorder.viewcopy.queue import ViewCopies
from signaling.api import extensions, meta, metrics, recordings, sessions, sign_in, slots, suspensions
from signaling.auth import session_expiry
from signaling.auth.credentials import Credentials
from signaling.live import socket
from signaling.media import talkback, whep, whip
from signaling.server import errors, pages
from signaling.server.client_address import PROXIES, Proxies
from signaling.server.context import Context
from signaling.server.openapi import document
from signaling.server.ports import Broker, Journal
from signaling.server.routes import Route, serve
from signaling.views.names import Names
from signaling.views.recordings import Recordings

MAX_BODY = 256 * 1024
HOUSE = web.AppKey("house", Context)
ROUTES: tuple[Route, ...] = tuple(
    chain.from_iterable(
        part.table.rows
        for part in (
            sign_in,
            slots,
            sessions,
            extensions,
            suspensions,
            recordings,
            metrics,
            meta,
            talkback,
            whip,
            whep,
            socket,
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
    """The whole front door. The caller runs it and closes broker, store and journal after it."""
    house = Context(
        broker=broker,
        store=store,
        settings=settings,
        clock=clock,
        journal=journal,
        recordings=Recordings(store.engine),
        views=ViewCopies(store.engine),
        version=version,
        door=Credentials(store, clock),
        names=Names(store, lambda: clock.now().mono),
        openapi=_document(version),
    )
    app = web.Application(middlewares=[errors.middleware], client_max_size=MAX_BODY)
    app[HOUSE] = house
    app[PROXIES] = Proxies(settings.trusted_proxies)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, serve(route, house))
        if route.head:
            app.router.add_route("HEAD", route.path, serve(route, house))
    pages.add(app)
    app.on_response_prepare.append(pages.set_headers)
    app.cleanup_ctx.append(_running)
    app.on_shutdown.append(_close_sockets)
    return app


@cache
def _document(version: str) -> dict[str, Any]:
    return document(ROUTES, version)


async def _running(app: web.Application) -> AsyncIterator[None]:
    """What lives as long as the application: listening to the broker, telling, and checking credentials."""
    house = app[HOUSE]
    bus = house.broker.bus
    bus.on("session", house.hub.session_changed)
    bus.on("quality", house.hub.quality)
    bus.on("gone", house.desk.forget)
    bus.on("standing", house.hub.standing)
    tasks = [asyncio.create_task(house.hub.pump()), asyncio.create_task(session_expiry.walk(house))]
    yield
    bus.remove_listener("session", house.hub.session_changed)
    bus.remove_listener("quality", house.hub.quality)
    bus.remove_listener("gone", house.desk.forget)
    bus.remove_listener("standing", house.hub.standing)
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close_sockets(app: web.Application) -> None:
    """Before the server waits for its requests: open sockets would keep it for a minute (aiohttp#2200)."""
    await app[HOUSE].hub.close()
