"""The recorder process: tap and command sockets, the sessions between them, recovery at the start, a drain at the end.
On SIGTERM, or when the parent process is gone (its end of our standard input closes), all files are finished and the
sessions are left to the next start, which continues or archives them: a visit outlives a restart."""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker.ipc import members
from broker.ipc.server import Connection, Server
from broker.kernel.clock import Clock, SystemClock
from broker.kernel.database import engine_for
from broker.kernel.errors import BadRequest, VisitError
from broker.kernel.tasks import Tasks
from config.settings import Settings
from recorder import start_order
from recorder.alarms import Alarms
from recorder.archive.catalog import ARCHIVED, Catalog
from recorder.archive.disk_space import Rules
from recorder.archiver import Archiver
from recorder.evidence.signing import installed
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.pipeline.tap_reader import Tap
from recorder.recording import Tell
from recorder.recovery import GRACE, Recovery
from recorder.retention.clock_trust import mark_clock
from recorder.retention.rules import clock_went_back
from recorder.sessions import RecordingSessions
from recorder.viewcopy.queue import ViewCopies
from recorder.viewcopy.worker import ViewCopyWorker

log = structlog.get_logger()
LOOK = 5.0  # seconds between looks at the disk
BEAT = 0.3  # seconds between signs of life: a recorder that hangs must be noticed well within two seconds
NOTE = 300.0  # seconds between notes of the clock
TAP, COMMANDS = "tap.sock", "recorder.sock"
Command = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Service:
    """The parts of one recorder process. `async with` starts it, and leaving drains it. Raises KeyProblem when it is
    made."""

    def __init__(self, settings: Settings, clock: Clock, grace: float = GRACE) -> None:
        self.settings, self._grace, self._clock = settings, grace, clock
        archive_dir, catalog = settings.archive_dir, Catalog(engine_for(settings.database_url))
        signer = installed(settings.keys_dir, archive_dir, settings.archive_signing)
        space = Rules(settings.disk_reserve_bytes, settings.session_bytes_per_second)
        self.catalog = catalog
        self.alarms = Alarms(archive_dir, space, catalog, clock, self._tell)
        self._archiver = Archiver(archive_dir, catalog, clock, signer, self.alarms, self._tell, settings.archive_sm3)
        self.sessions = RecordingSessions(archive_dir, space, catalog, clock, self._tell, self._archiver)
        self._recovery = Recovery(archive_dir, catalog, clock, self.alarms)
        self._view_copies = ViewCopyWorker(ViewCopies(catalog.engine), archive_dir, clock, settings.view_jobs, signer)
        self._making: asyncio.Task[None] | None = None
        handlers = commands(self.sessions, self.alarms)
        self._server = Server(settings.run_dir / COMMANDS, "recorder", handlers, self._greet, self._control_lost)
        self._tap = Tap(settings.run_dir / TAP, self.sessions.accept)
        self._tasks = Tasks()
        self._endless: list[asyncio.Task[None]] = []  # cancelled at the end, when all files are finished
        self._closing = False

    async def __aenter__(self) -> "Service":
        self.settings.archive_dir.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(placeholder_frame)
        await self._mark_clock()
        await self._recovery.recover(self.sessions.adopt)
        orphans = list(self.sessions.active)
        self._endless = [self._tasks.spawn(self.sessions.finish_orphans(orphans, self._grace))]
        self._endless += [self._tasks.spawn(self._watch_disk()), self._tasks.spawn(self._beat())]
        self._tap.start()
        await self._server.start()
        self._tasks.spawn(self._archiver.keep_heads())
        self._endless += [self._tasks.spawn(self._keep_marking_clock()), self._tasks.spawn(self._review())]
        log.info("recorder ready", orphans=len(orphans))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._tap.drain()
        await self.sessions.drain()
        self._tap.close()
        await self._server.close()
        for task in (*self._endless, self._making):
            if task is not None:
                task.cancel()
        await self._tasks.wait()
        await self.catalog.close()

    def _tell(self, fact: str, **facts: Any) -> None:
        self._server.tell(fact, **facts)
        if fact == ARCHIVED:
            self._tasks.spawn(self._queue_copy(facts["session"]))

    async def _mark_clock(self) -> None:
        """Note what both clocks say now, so that a wall clock set forward later makes nothing due. A clock that is
        behind the archive itself is wrong and gives no mark."""
        if not clock_went_back(self._clock.now().wall, await self.alarms.check_clock()):
            await mark_clock(self.catalog.engine, self._clock)

    async def _keep_marking_clock(self) -> None:
        """Note every NOTE seconds that the clock goes on: the next start compares its clock with the last note."""
        while True:
            await asyncio.sleep(NOTE)
            try:
                await self._mark_clock()
            except (VisitError, SQLAlchemyError, OSError) as error:
                log.error("clock not noted", why=type(error).__name__)

    async def _watch_disk(self) -> None:
        while True:
            self.alarms.check_disk(self.sessions.claims())
            await self._make_copies(not self.alarms.low)
            await asyncio.sleep(LOOK)

    async def _make_copies(self, room: bool) -> None:
        """Run the worker of view copies while there is room; what it is making is broken off when room gets short."""
        if room and self._making is None:
            self._making = self._tasks.spawn(self._view_copies.run())
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
        """Compare the whole archive with the catalog. What a missing database leaves out, the next start looks at."""
        try:
            found = await self._recovery.review()
            log.info("archive reviewed", differences=len(found))
        except (VisitError, OSError) as error:
            log.error("archive not reviewed", why=type(error).__name__)

    async def _queue_copy(self, session: str) -> None:
        try:
            await self._view_copies.want(session)
        except VisitError as error:
            log.warning("view copy not queued", session=session, why=error.code)

    def _greet(self, connection: Connection) -> None:
        self._tasks.spawn(self._announce(connection.tell))

    async def _announce(self, tell: Tell) -> None:
        """Send a control process that has just connected everything that holds, and then `ready`."""
        self.sessions.announce(tell)
        await self._archiver.announce(tell)
        self.alarms.announce(self.sessions.claims(), tell)
        tell("ready")

    def _control_lost(self) -> None:
        """Note in all timelines that the control process is gone. It alone reports the officers who watch, so that none
        counts as present until it is back. Nothing is noted when this process itself ends."""
        if not self._closing:
            self._tasks.spawn(self.sessions.note_all({"kind": "control", "there": False}))


def commands(sessions: RecordingSessions, alarms: Alarms) -> dict[str, Command]:
    """The handlers of the control process's commands, by name."""

    async def start(with_: dict[str, Any]) -> dict[str, Any]:
        return await sessions.start(with_)

    async def deadline(with_: dict[str, Any]) -> dict[str, Any]:
        await sessions.deadline(_session(with_), with_.get("deadline_mono"))
        return {}

    async def extend(with_: dict[str, Any]) -> dict[str, Any]:
        made, moment, minutes = (members.number(with_, name) for name in ("made", "deadline_mono", "minutes"))
        await sessions.extend(_session(with_), made, moment, minutes)
        return {}

    async def note(with_: dict[str, Any]) -> dict[str, Any]:
        await sessions.note(_session(with_), dict(with_.get("event") or {}), start_order.moment(with_))
        return {}

    async def finish(with_: dict[str, Any]) -> dict[str, Any]:
        await sessions.finish(_session(with_), dict(with_.get("reason") or {}))
        return {}

    async def acknowledge(with_: dict[str, Any]) -> dict[str, Any]:
        await sessions.acknowledge(_session(with_))
        return {}

    async def differences(_: dict[str, Any]) -> dict[str, Any]:
        return {"differences": alarms.differences.first()}

    async def noted(with_: dict[str, Any]) -> dict[str, Any]:
        alarms.differences.noted(_whole(with_, "up_to"))
        return {}

    async def status(_: dict[str, Any]) -> dict[str, Any]:
        return {**sessions.status(), "low": alarms.low}

    handlers: list[Command] = [start, deadline, extend, note, finish, acknowledge, differences, noted, status]
    return {handler.__name__: handler for handler in handlers}


async def main(settings: Settings, grace: float = GRACE) -> None:
    """Run until SIGTERM, SIGINT, or until the parent process is gone."""
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
    """Whether standard input is a pipe or socket whose other end the parent process holds open while it lives."""
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
