"""The recorder process: tap and command sockets, the desk between them, recovery at the start, a drain at the end.
When it is told to stop, or the process that started it is gone (its end of our standard input closes), the files are
finished and the sessions are left to the next start, which continues or archives them: a visit outlives a restart."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker.ipc import members
from broker.ipc.server import Connection, Server
from broker.kernel.clock import Clock, SystemClock
from broker.kernel.database import engine_for
from broker.kernel.errors import BadRequest, StorageUnavailable, VisitError
from config.settings import Settings
from recorder import start_order
from recorder.archive.catalog import ARCHIVED, Catalog
from recorder.archive.disk_space import Rules
from recorder.archive.recover import GRACE, finish_orphans, recover, review
from recorder.evidence.chain_heads import Heads
from recorder.evidence.signing import installed
from recorder.mp4.placeholder_frame import slate
from recorder.pipeline.tap_reader import Tap
from recorder.retention.clock_trust import mark_clock
from recorder.retention.rules import clock_went_back
from recorder.sessions import RecordingSessions
from recorder.viewcopy.queue import Views
from recorder.viewcopy.worker import ViewCopyWorker

log = structlog.get_logger()
LOOK = 5.0  # seconds between looks at the disk
BEAT = 0.3  # seconds between signs of life: who hangs must be known to hang well within two seconds
NOTE = 300.0  # seconds between notes of the clock
TAP, COMMANDS = "tap.sock", "recorder.sock"
Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Service:
    """Everything of one recorder process. `async with` starts it; leaving drains it. Raises KeyProblem when made."""

    def __init__(self, settings: Settings, clock: Clock, grace: float = GRACE) -> None:
        self.settings, self._grace = settings, grace
        catalog = Catalog(engine_for(settings.database_url))
        signer = installed(settings.keys_dir, settings.archive_dir, settings.archive_signing)
        space, sm3 = Rules(settings.disk_reserve_bytes, settings.session_bytes_per_second), settings.archive_sm3
        self.desk = RecordingSessions(settings.archive_dir, space, catalog, clock, self._tell, signer, sm3)
        self._maker = ViewCopyWorker(Views(catalog.engine), settings.archive_dir, clock, settings.view_jobs, signer)
        self._making: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._noting: asyncio.Task[None] | None = None
        self._server = Server(settings.run_dir / COMMANDS, "recorder", commands(self.desk), self._greet, self._alone)
        self._tap = Tap(settings.run_dir / TAP, self.desk.take)
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving = False
        self._orphans: asyncio.Task[None] | None = None
        self._reviewing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Service":
        self.settings.archive_dir.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(slate)
        await self._mark_clock()
        await recover(self.desk)
        self._orphans = self._spawn(finish_orphans(self.desk, list(self.desk.visits), self._grace))
        self._looking, self._beating = self._spawn(self._look()), self._spawn(self._beat())
        self._tap.start()
        await self._server.start()
        self._spawn(self._keep_heads())
        self._noting = self._spawn(self._go_on())
        self._reviewing = self._spawn(self._review())
        log.info("recorder ready", orphans=len(self.desk.visits))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        self._tap.drain()
        await self.desk.drain()
        self._tap.close()
        await self._server.close()
        for task in (self._orphans, self._making, self._looking, self._beating, self._noting, self._reviewing):
            if task is not None:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.desk.catalog.close()

    def _tell(self, fact: str, **facts: Any) -> None:
        self._server.tell(fact, **facts)
        if fact == ARCHIVED:
            self._spawn(self._copy(facts["session"]))

    async def _mark_clock(self) -> None:
        """Remember what both clocks say now, so that a wall clock set forward later makes nothing due. A clock that
        is behind the archive itself has yet to be set right: it is no mark."""
        engine, clock = self.desk.catalog.engine, self.desk.clock
        if not clock_went_back(clock.now().wall, await self.desk.look_at_clock()):
            await mark_clock(engine, clock)

    async def _go_on(self) -> None:
        """Note again and again that the clock goes on: the last note is what the next start compares its clock with."""
        while True:
            await asyncio.sleep(NOTE)
            try:
                await self._mark_clock()
            except (VisitError, SQLAlchemyError, OSError) as error:
                log.error("clock not noted", why=type(error).__name__)

    async def _keep_heads(self) -> None:
        """Where the sites' chains end must be where the database remembers, or behind it."""
        desk, now = self.desk, self.desk.clock.now().wall
        try:
            for site in await Heads(desk.catalog.engine).advance_all(desk.archive_dir, now):
                desk.alarm("chain_cut", site)
        except StorageUnavailable as error:
            log.error("heads of the chains not compared", why=str(error))

    async def _look(self) -> None:
        while True:
            self.desk.look_at_disk()
            await self._make_copies(not self.desk.low)
            await asyncio.sleep(LOOK)

    async def _make_copies(self, room: bool) -> None:
        """Copies are made while there is room; those in the making are broken off when it gets short."""
        if room and self._making is None:
            self._making = self._spawn(self._maker.run())
        elif not room and self._making is not None:
            making, self._making = self._making, None
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            log.warning("view copies wait for room")

    async def _beat(self) -> None:
        while True:
            self._server.tell("alive")
            await asyncio.sleep(BEAT)

    async def _review(self) -> None:
        """The whole archive against the catalog; what a database that went away leaves out the next start looks at."""
        try:
            found = await review(self.desk)
            log.info("archive reviewed", differences=len(found))
        except (VisitError, OSError) as error:
            log.error("archive not reviewed", why=type(error).__name__)

    async def _copy(self, session: str) -> None:
        try:
            await self._maker.want(session)
        except VisitError as error:
            log.warning("view copy not queued", session=session, why=error.code)

    def _greet(self, connection: Connection) -> None:
        self._spawn(self.desk.announce(connection.tell))

    def _alone(self) -> None:
        """The control process is gone, and with it everybody's word on who watches: no officer is taken to be there
        until there is one again, which says who is. Not so when it is we who go."""
        if not self._leaving:
            self._spawn(self.desk.note_all({"kind": "control", "there": False}))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def commands(desk: RecordingSessions) -> dict[str, Command]:
    """What the control process may ask for."""

    async def start(with_: dict[str, Any]) -> dict[str, Any]:
        return await desk.start(with_)

    async def deadline(with_: dict[str, Any]) -> dict[str, Any]:
        await desk.deadline(_session(with_), with_.get("deadline_mono"))
        return {}

    async def extend(with_: dict[str, Any]) -> dict[str, Any]:
        made, moment, minutes = (members.number(with_, name) for name in ("made", "deadline_mono", "minutes"))
        await desk.extend(_session(with_), made, moment, minutes)
        return {}

    async def note(with_: dict[str, Any]) -> dict[str, Any]:
        await desk.note(_session(with_), dict(with_.get("event") or {}), start_order.moment(with_))
        return {}

    async def finish(with_: dict[str, Any]) -> dict[str, Any]:
        await desk.finish(_session(with_), dict(with_.get("reason") or {}))
        return {}

    async def acknowledge(with_: dict[str, Any]) -> dict[str, Any]:
        await desk.acknowledge(_session(with_))
        return {}

    async def differences(_: dict[str, Any]) -> dict[str, Any]:
        return {"differences": desk.differences.first()}

    async def noted(with_: dict[str, Any]) -> dict[str, Any]:
        desk.differences.noted(_whole(with_, "up_to"))
        return {}

    async def status(_: dict[str, Any]) -> dict[str, Any]:
        return desk.status()

    handlers: list[Command] = [start, deadline, extend, note, finish, acknowledge, differences, noted, status]
    return {handler.__name__: handler for handler in handlers}


async def main(settings: Settings, grace: float = GRACE) -> None:
    """Run until SIGTERM, SIGINT, or until the process that started us is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline():
        loop.add_reader(sys.stdin.fileno(), _listen, stop)
    async with Service(settings, SystemClock(), grace):
        await stop.wait()
        log.info("recorder stops")


def lifeline() -> bool:
    """Whether standard input is a pipe or socket whose other end tells us that our parent lives."""
    with suppress(OSError, ValueError):
        mode = os.fstat(sys.stdin.fileno()).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    return False


def _listen(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _session(with_: dict[str, Any]) -> str:
    session = with_.get("session")
    if not isinstance(session, str):
        raise BadRequest("session is missing")
    return session


def _whole(with_: dict[str, Any], name: str) -> int:
    value = with_.get(name)
    if not isinstance(value, int):
        raise BadRequest(f"{name} is missing")
    return value
