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
from recorder.viewcopy.queue import Views
from signaling import errors, pages, sockets, voice, watchman, whep, whip
from signaling.api import extensions, meta, recordings, sessions, sign_in, slots, suspensions, watching
from signaling.catalog import Recordings
from signaling.door import Door
from signaling.house import House
from signaling.names import Names
from signaling.openapi import document
from signaling.ports import Broker, Journal
from signaling.routes import Route, serve
from signaling.whence import PROXIES, Proxies

MAX_BODY = 256 * 1024
HOUSE = web.AppKey("house", House)
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
            watching,
            meta,
            voice,
            whip,
            whep,
            sockets,
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
    house = House(
        broker=broker,
        store=store,
        settings=settings,
        clock=clock,
        journal=journal,
        recordings=Recordings(store.engine),
        views=Views(store.engine),
        version=version,
        door=Door(store, clock),
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
    tasks = [asyncio.create_task(house.hub.pump()), asyncio.create_task(watchman.walk(house))]
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
