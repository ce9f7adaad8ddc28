"""`python -m signaling.ingress`: run the ingress process. `huijian serve` starts it; its settings come from the
environment."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
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
from signaling.tls.intake import TlsIntake
from signaling.tls.redirect import RedirectPort

log = structlog.get_logger()
NICENESS = 2
"""Strangers' work gives way to leases and media where cores are short, with two thirds of their share; hashes give way
to that (`signaling/auth/hashing.py`). With less, officers could not sign in on a machine that does other work, too."""
LOCAL_HOST = "127.0.0.1"
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
            with _published(settings, await _listen(settings, door)):
                await stopping.wait()


async def _listen(settings: Settings, door: "FrontDoor") -> int:
    """Listen; return the port of plain HTTP. Where TLS is built in, that is for programs of this machine alone: the
    TLS process listens at the service's own port, once it finds this process."""
    if not settings.tls:
        return await door.listener.open(settings.http_host, settings.http_port)
    port = await door.listener.open(LOCAL_HOST, settings.local_port)
    if settings.http_redirect_port:
        await door.redirect_listener.open(settings.http_host, settings.http_redirect_port)
    door.intake.open()
    return port


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """The parts of a running ingress."""

    listener: Listener
    redirect_listener: Listener
    intake: TlsIntake
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
        redirects = RedirectPort(admission, counters, settings.http_port)
        redirect_listener = Listener(redirects.accept, lambda: counters.count("refused_no_descriptor"))
        intake = TlsIntake(settings.run_dir, partial(dispatch.accept, secure=True), tokens.addresses_since)
        await tokens.refresh()
        tasks.spawn(link.run())
        tasks.spawn(tokens.run())
        tasks.spawn(_tick(dispatch, strangers, link, admission, counters, app[CONTEXT], redirects, intake))
        try:
            yield FrontDoor(listener, redirect_listener, intake, link, dispatch, counters, tokens)
        finally:
            intake.close()
            listener.close()
            redirect_listener.close()
            redirects.close()
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
    redirects: RedirectPort,
    intake: TlsIntake,
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
        redirects.tick(now)
        intake.tick(now)
        signing_in = context.sign_ins.counters() | context.terminal_sign_ins.counters()
        context.ingress.update(intake.counts)  # for the health that this process tells itself
        link.report(counters.report(levels()) | signing_in | intake.counts)
        counters.log_line(now, levels)


@contextmanager
def _published(settings: Settings, port: int) -> Iterator[None]:
    """Write the URL for programs on this machine to a file, as long as this process listens."""
    name = LOCAL_HOST if settings.tls else settings.http_host
    host = f"[{name}]" if ":" in name else name
    url, file = f"http://{host}:{port}", settings.run_dir / ADDRESS_FILE
    temporary = file.with_suffix(".new")
    temporary.write_text(url + "\n", encoding="ascii")
    temporary.replace(file)
    monitor = f"{url}/monitor"
    if not settings.tls:
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
