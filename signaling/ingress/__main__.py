"""`python -m signaling.ingress`: run the ingress process. `huijian serve` starts it; its settings come from the
environment."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import structlog
from aiohttp import web

from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import SystemClock
from broker.kernel.lifeline import parent_gone
from broker.kernel.priority import give_way
from broker.kernel.tasks import Tasks
from config.logs import configure
from config.settings import ADDRESS_FILE, Settings
from signaling.auth.credentials import Credentials
from signaling.ingress.admission import Admission, Limits
from signaling.ingress.anonymous_app import build_anonymous_app
from signaling.ingress.anonymous_server import AnonymousServer
from signaling.ingress.control_link import ControlLink
from signaling.ingress.counters import Counters
from signaling.ingress.dispatch import Dispatch
from signaling.ingress.head_reader import TICK_SECONDS
from signaling.ingress.known_tokens import KnownTokens
from signaling.ingress.listener import Listener
from signaling.server.app import CONTEXT
from signaling.server.context import Context
from signaling.server.handed_over import raise_descriptor_limit

log = structlog.get_logger()
NICENESS = 2
"""Strangers' work gives way to leases and media where cores are short, with two thirds of their share; hashes give way
to that (`signaling/auth/hashing.py`). With less, officers could not sign in on a machine that does other work, too."""
SPARE = 512  # descriptors for the database, for requests in flight and for answers that are read


async def ingress(settings: Settings) -> None:
    """Run until SIGTERM, SIGINT or the end of the parent."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    lifeline = asyncio.create_task(parent_gone(stopping))
    clock = AgreedClock(SystemClock())
    try:
        async with Store(settings.database_url, clock) as store, Journal(store.engine, clock) as journal:
            await _run(settings, store, journal, clock, stopping)
    finally:
        lifeline.cancel()
        await asyncio.gather(lifeline, return_exceptions=True)


async def _run(settings: Settings, store: Store, journal: Journal, clock: AgreedClock, stopping: asyncio.Event) -> None:
    """Serve from the moment at which control takes connections until `stopping` is set."""
    async with front_door(settings, store, journal, clock, limits(settings)) as door:
        await _until(door.link.until_ready(), stopping)
        if not stopping.is_set():
            with _published(settings, await door.listener.open(settings.http_host, settings.http_port)):
                await stopping.wait()


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """The parts of a running ingress."""

    listener: Listener
    link: ControlLink
    dispatch: Dispatch
    counters: Counters
    tokens: KnownTokens


@asynccontextmanager
async def front_door(
    settings: Settings, store: Store, journal: Journal, clock: AgreedClock, limits: Limits
) -> AsyncIterator[FrontDoor]:
    """Put the parts together; the caller opens the listener. At the end all is closed that was not handed over."""
    admission, counters = Admission(limits), Counters()
    link = ControlLink(settings.run_dir, admission, clock.agree)
    tokens = KnownTokens(store, Credentials(store))
    app = build_anonymous_app(store, journal, settings, clock, version("huijian"), link, tokens.learn)
    async with _serving(app) as server, _background() as tasks:
        strangers = AnonymousServer(server, counters)
        dispatch = Dispatch(settings, admission, counters, tokens, link, strangers)
        listener = Listener(dispatch.accept, lambda: counters.count("refused_no_descriptor"))
        await tokens.refresh()
        tasks.spawn(link.run())
        tasks.spawn(tokens.run())
        tasks.spawn(_tick(dispatch, strangers, link, admission, counters, app[CONTEXT]))
        try:
            yield FrontDoor(listener, link, dispatch, counters, tokens)
        finally:
            listener.close()
            await dispatch.close()


def limits(settings: Settings) -> Limits:
    """Return the limits under these settings and the descriptors that this process may open."""
    room = max(128, raise_descriptor_limit() - SPARE)
    return Limits(
        waiting=min(Limits.waiting, room // 2),
        terminal_connections=settings.terminal_connections,
        user_connections=settings.user_connections,
    )


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[web.Server]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        assert runner.server is not None
        yield runner.server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _background() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    try:
        yield tasks
    finally:
        await tasks.close()


async def _until(ready: Coroutine[Any, Any, None], stopping: asyncio.Event) -> None:
    """Wait for the first of the two."""
    waiting = [asyncio.create_task(ready), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _tick(
    dispatch: Dispatch,
    strangers: AnonymousServer,
    link: ControlLink,
    admission: Admission,
    counters: Counters,
    context: Context,
) -> None:
    """Close what is too slow, and report the counters, twice a second until cancelled."""
    loop = asyncio.get_running_loop()

    def levels() -> dict[str, int]:
        return {
            "waiting": len(dispatch.reader),
            "queued": strangers.queued,
            "in_flight": strangers.in_flight,
            "reading": strangers.reading,
            "open": admission.open,
        }

    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = loop.time()
        dispatch.reader.tick(now)
        strangers.tick(now)
        signing_in = context.sign_ins.counters() | context.terminal_sign_ins.counters()
        link.report(counters.report(levels()) | signing_in)
        counters.log_line(now, levels)


@contextmanager
def _published(settings: Settings, port: int) -> Iterator[None]:
    """Write the URL of the server to a file, for programs that let the system choose the port, as long as it
    listens."""
    host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
    url, file = f"http://{host}:{port}", settings.run_dir / ADDRESS_FILE
    temporary = file.with_suffix(".new")
    temporary.write_text(url + "\n", encoding="ascii")
    temporary.replace(file)
    monitor = f"{url}/monitor"
    log.info("ready", monitor=monitor)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    os.umask(0o077)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))  # before anything can fail with a text of the settings
    give_way(NICENESS)
    loaded = Settings.load()
    configure(loaded.log_level)
    gc.freeze()  # modules live as long as the process: the collector need not visit them
    asyncio.run(ingress(loaded))
