"""The control process: store, journal, broker and the server of handed-over connections, nested so that they close in
the opposite order."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from aiohttp import web

from broker.control.broker import Broker
from broker.control.capacity.machine_cost import kept
from broker.control.capacity.session_cost import UNMEASURED
from broker.control.journal.checkpointer import Checkpointer, Interval
from broker.control.journal.journal import Journal
from broker.control.journal.spill import NAME as SPILL
from broker.control.journal.spill import Spill
from broker.control.store.store import Store
from broker.kernel.agreed_time import AgreedClock
from broker.kernel.clock import Clock, SystemClock
from broker.kernel.errors import VisitError
from broker.kernel.lifeline import parent_gone
from config.logs import configure
from config.settings import Settings
from huijian.drills.tools import DrillTools
from recorder.evidence.checkpoint_copies import copies
from recorder.evidence.checkpoints import CheckpointChain
from recorder.evidence.signing import KeyProblem, installed
from signaling.api.metrics import check_health
from signaling.retention.purge_context import update_due_dates
from signaling.server.app import CONTEXT, build_app
from signaling.server.handed_over import HandedOverConnections, raise_descriptor_limit

log = structlog.get_logger()


async def control(settings: Settings) -> None:
    """Run the control process until SIGTERM, SIGINT or the end of its parent."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    lifeline = asyncio.create_task(parent_gone(stopping))
    clock = AgreedClock(SystemClock())
    try:
        async with (
            Store(settings.database_url, clock) as store,
            Journal(store.engine, clock, Spill(settings.data_dir / SPILL)) as journal,
            _checkpoints(settings, journal, clock),
            _retention(store, journal),
            Broker(
                store,
                journal,
                clock,
                settings.run_dir,
                settings.relay_workers,
                settings.demo,
                settings.relay_worker_sessions,
                _session_cost(settings),
            ) as broker,
        ):
            app = build_app(
                broker=broker,
                store=store,
                journal=journal,
                settings=settings,
                clock=clock,
                version=version("huijian"),
                drill_tools=partial(DrillTools, settings),
            )
            gc.freeze()  # what is there now stays: the collector, which holds up leases, need not visit it
            await _serve(app, settings, stopping)
    finally:
        lifeline.cancel()
        await asyncio.gather(lifeline, return_exceptions=True)


def _session_cost(settings: Settings) -> float:
    """Return what `huijian serve` has found a session to cost here, in cores."""
    found = kept(settings.data_dir)
    return UNMEASURED if found is None else found.cores


@asynccontextmanager
async def _checkpoints(settings: Settings, journal: Journal, clock: Clock) -> AsyncIterator[None]:
    """Have the head of the journal signed as it grows. Without the key the service runs on, and operators are told."""

    def made() -> Checkpointer:
        signer = installed(settings.keys_dir, settings.archive_dir, settings.archive_signing)
        chain = CheckpointChain(settings.archive_dir, settings.keys_dir, signer)
        interval = Interval(settings.journal_checkpoint_entries, settings.journal_checkpoint_minutes * 60)
        places = copies(settings.journal_copies, chain, clock)
        return Checkpointer(journal, chain, clock, interval, places, settings.journal_accepted_checkpoint)

    try:
        checkpointer = await asyncio.to_thread(made)
    except (KeyProblem, OSError) as error:
        log.error("no checkpoints of the journal", why=error)
        journal.checkpoints.failing = type(error).__name__
        yield
        return
    async with checkpointer:
        yield


@asynccontextmanager
async def _retention(store: Store, journal: Journal) -> AsyncIterator[None]:
    """Write down first which packs are in force, and which due dates they have lengthened since the service ran
    last."""
    try:
        await store.keep_in_force(site.policy for site in await store.sites())
        await update_due_dates(store, journal)
    except VisitError as error:  # the next start or the next purge sees the change too
        log.error("packs not kept, or due dates not compared with them", why=error.code)
    yield


async def _serve(app: web.Application, settings: Settings, stopping: asyncio.Event) -> None:
    """Serve the connections that the ingress process hands over; this process listens at no port."""
    raise_descriptor_limit()
    context = app[CONTEXT]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        assert runner.server is not None
        async with HandedOverConnections(
            settings.run_dir,
            runner.server,
            check_health=lambda: check_health(context),
            on_counts=context.ingress.update,
            clock=context.clock,
        ):
            log.info("control ready")
            await stopping.wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    os.umask(0o077)
    configure(os.environ.get("HUIJIAN_LOG_LEVEL", "info"))  # before anything can fail with a text of the settings
    loaded = Settings.load()
    configure(loaded.log_level)
    asyncio.run(control(loaded))
