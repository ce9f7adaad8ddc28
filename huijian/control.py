"""The control process: store, journal, broker and HTTP server, nested so that they close in the opposite order."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import structlog
from aiohttp import web

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.errors import VisitError
from broker.kernel.lifeline import parent_gone
from config.logs import configure
from config.settings import Settings
from huijian.retention.purge_context import update_due_dates
from signaling.server.app import build_app

log = structlog.get_logger()
ADDRESS_FILE = "http.url"


async def control(settings: Settings) -> None:
    """Run the control process until SIGTERM, SIGINT or the end of its parent."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    lifeline = asyncio.create_task(parent_gone(stopping))
    clock = SystemClock()
    try:
        async with (
            Store(settings.database_url, clock) as store,
            Journal(store.engine, clock) as journal,
            _retention(store, journal),
            Broker(
                store,
                journal,
                clock,
                settings.run_dir,
                settings.relay_workers,
                settings.demo,
                settings.relay_worker_sessions,
            ) as broker,
        ):
            app = build_app(
                broker=broker,
                store=store,
                journal=journal,
                settings=settings,
                clock=clock,
                version=version("huijian"),
            )
            await _serve(app, settings, stopping)
    finally:
        lifeline.cancel()
        await asyncio.gather(lifeline, return_exceptions=True)


@asynccontextmanager
async def _retention(store: Store, journal: Journal) -> AsyncIterator[None]:
    """Write down first which due dates the policies have lengthened since the service ran last."""
    try:
        await update_due_dates(store, journal)
    except VisitError as error:  # the next start or the next purge sees the change too
        log.error("due dates not compared with the policies", why=error.code)
    yield


async def _serve(app: web.Application, settings: Settings, stopping: asyncio.Event) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        port = runner.addresses[0][1]
        host = f"[{settings.http_host}]" if ":" in settings.http_host else settings.http_host
        url = f"http://{host}:{port}"
        _publish(settings.run_dir / ADDRESS_FILE, url)
        log.info("ready", monitor=f"{url}/monitor")
        await stopping.wait()
    finally:
        (settings.run_dir / ADDRESS_FILE).unlink(missing_ok=True)
        await runner.cleanup()


def _publish(path: Path, url: str) -> None:
    """Write the URL of the server, for programs that let the system choose the port."""
    temporary = path.with_suffix(".new")
    temporary.write_text(url + "\n")
    temporary.replace(path)


if __name__ == "__main__":
    loaded = Settings.load()
    configure(loaded.log_level)
    asyncio.run(control(loaded))
