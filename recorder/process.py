"""The recorder process: tap and command sockets, the sessions between them, recovery at the start, a drain at the end.
On SIGTERM, or when the parent process is gone (its end of our standard input closes), all files are finished and the
sessions are left to the next start, which continues or archives them: a visit outlives a restart."""

import asyncio
import os
import signal
import stat
import sys
from contextlib import suppress
from datetime import datetime, time
from typing import Any

import structlog

from broker.ipc import recorder_messages as messages
from broker.ipc.messages import Command, Done, Handler
from broker.ipc.server import Connection, Server
from broker.kernel.clock import Clock, Instant, SystemClock, discipline, until_multiple
from broker.kernel.database import DATABASE_ERRORS, engine_for
from broker.kernel.errors import BadRequest, VisitError
from broker.kernel.tasks import Tasks
from broker.media.tap_format import TapRecord
from config.settings import Settings
from recorder.alarms import Alarms, Difference
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Rules
from recorder.archiver import Archiver
from recorder.drills import DrillArchiver, NoCatalog, remove_old, remove_unfinished
from recorder.evidence.chain_heads import ChainHeads
from recorder.evidence.signing import installed, trusted
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.pipeline.tap_reader import Tap
from recorder.recording import ReportFact
from recorder.recovery import GRACE, Recovery
from recorder.retention.clock_trust import mark_clock, marks
from recorder.retention.dating import date_recordings
from recorder.retention.hold_repair import repair
from recorder.retention.holds import Chains, Holds
from recorder.retention.rules import clock_leapt, clock_went_back
from recorder.sessions import RecordingSessions
from recorder.viewcopy.queue import ViewCopies
from recorder.viewcopy.worker import ViewCopyWorker
from recorder.witness.night import next_night, witness_heads

log = structlog.get_logger()
LOOK = 5.0  # seconds between looks at the disk
BEAT = 0.3  # seconds between signs of life: a recorder that hangs must be noticed well within two seconds
NOTE = 300.0  # seconds between notes of the clock
MINUTE = 60.0  # seconds between looks at whether the night's work is due
HOUR = 3600.0  # seconds between looks at old drills
TAP, COMMANDS = "tap.sock", "recorder.sock"


class Service:
    """The parts of one recorder process. `async with` starts it, and leaving drains it. Raises KeyProblem when it is
    made."""

    def __init__(self, settings: Settings, clock: Clock, grace: float = GRACE) -> None:
        self.settings, self._grace, self._clock = settings, grace, clock
        archive_dir, catalog = settings.archive_dir, Catalog(engine_for(settings.database_url))
        signer = installed(settings.keys_dir, archive_dir, settings.archive_signing)
        keys = trusted(settings.keys_dir, settings.archive_signing)
        self._signer = signer
        self._chains = Chains(archive_dir, signer, keys)
        space = Rules(settings.disk_reserve_bytes, settings.session_bytes_per_second)
        self.catalog = catalog
        self.alarms = Alarms(archive_dir, space, catalog, clock, self._report_fact)
        self._archiver = Archiver(
            archive_dir, catalog, clock, signer, self.alarms, self._report_fact, settings.archive_sm3
        )
        self.sessions = RecordingSessions(archive_dir, space, catalog, clock, self._report_fact, self._archiver)
        drills_dir = settings.drills_dir
        sealing = DrillArchiver(drills_dir, clock, signer, self._report_fact, settings.archive_sm3)
        self.drills = RecordingSessions(drills_dir, space, NoCatalog(), clock, self._report_fact, sealing)
        self._recovery = Recovery(archive_dir, catalog, clock, self.alarms)
        views, active = ViewCopies(catalog.engine), self.sessions.active
        self._view_copies = ViewCopyWorker(views, archive_dir, clock, settings.view_jobs, signer, lambda: bool(active))
        self._making: asyncio.Task[None] | None = None
        handlers = Commands(self.sessions, self.drills, self.alarms).handlers()
        self._server = Server(settings.run_dir / COMMANDS, messages.RECORDER, handlers, self._greet, self._control_lost)
        self._tap = Tap(settings.run_dir / TAP, self._accept)
        self._tasks = Tasks()
        self._endless: list[asyncio.Task[None]] = []  # cancelled at the end, when all files are finished
        self._closing = False

    async def __aenter__(self) -> "Service":
        self.settings.archive_dir.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(placeholder_frame)
        await asyncio.to_thread(self._prepare_drills)
        await self._mark_clock()
        await self._recovery.recover(self.sessions.adopt)
        orphans = list(self.sessions.active)
        self._endless = [self._tasks.spawn(self.sessions.finish_orphans(orphans, self._grace))]
        self._endless += [self._tasks.spawn(self._watch_disk()), self._tasks.spawn(self._beat())]
        self._tap.start()
        await self._server.start()
        self._tasks.spawn(self._archiver.keep_heads())
        self._endless += [self._tasks.spawn(self._keep_marking_clock()), self._tasks.spawn(self._review())]
        self._endless.append(self._tasks.spawn(self._remove_old_drills()))
        if self.settings.witness_time != "never":
            at = time.fromisoformat(self.settings.witness_time)
            self._endless.append(self._tasks.spawn(self._witness_heads(at)))
        self._tasks.spawn(self._repair_holds())
        log.info("recorder ready", orphans=len(orphans))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing = True
        self._tap.drain()
        await self.drills.drain()
        await self.sessions.drain()
        self._tap.close()
        await self._server.close()
        for task in (*self._endless, self._making):
            if task is not None:
                task.cancel()
        await self._tasks.wait()
        await self.catalog.close()

    async def _witness_heads(self, at: time) -> None:
        """Have the sites witness each other's heads each night (`recorder.witness`)."""
        due = next_night(self._clock.now().wall, at)
        while True:
            await asyncio.sleep(MINUTE)
            if (now := self._clock.now().wall) < due:
                continue
            due = next_night(now, at)
            try:
                root, keys_dir = self.settings.archive_dir, self.settings.keys_dir
                written = await asyncio.to_thread(witness_heads, root, keys_dir, self._signer, now)
                for site in written:
                    await ChainHeads(self.catalog.engine).advance(root, site, now)
                log.info("heads witnessed", sites=len(written))
            except Exception as error:  # whatever a file made it raise: the next night is not lost
                log.error("heads not witnessed", why=type(error).__name__)

    def _accept(self, record: TapRecord) -> None:
        (self.drills if self.drills.takes(record.tap) else self.sessions).accept(record)

    def _prepare_drills(self) -> None:
        """Make the folder of drills ready, with the keys by which they can be verified; remove what was not
        finished."""
        root = self.settings.drills_dir
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        installed(self.settings.keys_dir, root, self.settings.archive_signing)
        remove_unfinished(root)

    async def _remove_old_drills(self) -> None:
        """Remove the recordings of drills after their days, which are not those of visits."""
        while True:
            try:
                await asyncio.to_thread(
                    remove_old, self.settings.drills_dir, self._clock.now().wall, self.settings.drill_days
                )
            except OSError as error:
                log.error("old drills not removed", why=type(error).__name__)
            await asyncio.sleep(HOUR)

    def _report_fact(self, fact: messages.RecorderFact) -> None:
        self._server.report(fact)
        if isinstance(fact, messages.RecordingArchived) and fact.session not in self.drills.active:
            self._tasks.spawn(self._queue_copy(fact.session))

    async def _mark_clock(self) -> None:
        """Note what both clocks say now, so that a wall clock set forward later makes nothing due. A clock that is
        behind the archive itself is wrong and gives no mark."""
        if not clock_went_back(self._clock.now().wall, await self.alarms.check_clock()):
            await mark_clock(self.catalog.engine, self._clock)

    async def _keep_marking_clock(self) -> None:
        """Note every NOTE seconds that the clock goes on: the next start compares its clock with the last note."""
        self.alarms.wrong_clock = True  # an earlier run may have left recordings that were made with one
        while True:
            try:
                await self._date_recordings()
                await asyncio.sleep(NOTE)
                await self._mark_clock()
            except (VisitError, *DATABASE_ERRORS) as error:
                log.error("clock not noted", why=type(error).__name__)

    async def _date_recordings(self) -> None:
        """Date the recordings that were made with a wrong clock, once it is right."""
        engine, now = self.catalog.engine, self._clock.now()
        own = (await marks(engine, now)).own
        if self.alarms.wrong_clock or (own and clock_leapt([own], now.wall, now.mono) is not None):
            self.alarms.wrong_clock = False
            if dated := await date_recordings(engine, self._chains, now, discipline()):
                log.warning("recordings made with a wrong clock were dated", count=len(dated))

    async def _repair_holds(self) -> None:
        """Bring the legal holds in the database and in the chains into agreement, and report where they differed."""
        try:
            engine = self.catalog.engine
            for found in await repair(engine, Holds(engine, self._chains), self._clock.now().wall):
                self.alarms.differ(Difference(found.kind, found.session))
        except VisitError as error:
            log.error("holds not compared", why=error.code)

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
            self._server.report(messages.RecorderAlive())
            await asyncio.sleep(until_multiple(BEAT, self._clock.now().mono))

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

    def _greet(self, connection: Connection[messages.RecorderFact]) -> None:
        self._tasks.spawn(self._announce(connection.report))

    async def _announce(self, report_fact: ReportFact) -> None:
        """Send a control process that has just connected everything that holds, and then RecorderReady."""
        self.sessions.announce(report_fact)
        self.drills.announce(report_fact)
        await self._archiver.announce(report_fact)
        self.alarms.announce(self.sessions.claims(), report_fact)
        report_fact(messages.RecorderReady())

    def _control_lost(self) -> None:
        """Note in all timelines that the control process is gone. It alone reports the officers who watch, so that none
        counts as present until it is back. Nothing is noted when this process itself ends."""
        if not self._closing:
            for sessions in (self.sessions, self.drills):
                self._tasks.spawn(sessions.note_all({"kind": "control", "there": False}))


class Commands:
    """Answers what the control process asks of the recordings."""

    def __init__(self, sessions: RecordingSessions, drills: RecordingSessions, alarms: Alarms) -> None:
        self._sessions, self._drills, self._alarms = sessions, drills, alarms

    def _of(self, session: str) -> RecordingSessions:
        """Return the drills where this is one that is recorded, else the visits."""
        return self._drills if session in self._drills.active else self._sessions

    def handlers(self) -> dict[type[Command[Any]], Handler]:
        """Return the method for each command of the recorder."""
        return dict(
            (
                messages.StartRecording.handled_by(self.handle_start_recording),
                messages.SetRecordingDeadline.handled_by(self.handle_set_recording_deadline),
                messages.ExtendRecording.handled_by(self.handle_extend_recording),
                messages.AddEvent.handled_by(self.handle_add_event),
                messages.FinishRecording.handled_by(self.handle_finish_recording),
                messages.AcknowledgeRecording.handled_by(self.handle_acknowledge_recording),
                messages.GetDifferences.handled_by(self.handle_get_differences),
                messages.AcknowledgeDifferences.handled_by(self.handle_acknowledge_differences),
            )
        )

    async def handle_start_recording(self, command: messages.StartRecording) -> messages.StartReply:
        sessions = self._drills if command.drill else self._sessions
        return messages.StartReply(part=await sessions.start(command))

    async def handle_set_recording_deadline(self, command: messages.SetRecordingDeadline) -> Done:
        await self._of(command.session).deadline(command.session, command.deadline_mono)
        return Done()

    async def handle_extend_recording(self, command: messages.ExtendRecording) -> Done:
        await self._of(command.session).extend(command.session, command.made, command.deadline_mono, command.minutes)
        return Done()

    async def handle_add_event(self, command: messages.AddEvent) -> Done:
        try:
            moment = Instant(datetime.fromisoformat(command.at), command.mono)
        except ValueError as error:
            raise BadRequest("at is not a moment") from error
        await self._of(command.session).note(command.session, command.event, moment)
        return Done()

    async def handle_finish_recording(self, command: messages.FinishRecording) -> Done:
        await self._of(command.session).finish(command.session, command.reason)
        return Done()

    async def handle_acknowledge_recording(self, command: messages.AcknowledgeRecording) -> Done:
        await self._of(command.session).acknowledge(command.session)
        return Done()

    async def handle_get_differences(self, command: messages.GetDifferences) -> messages.DifferencesReply:
        return messages.DifferencesReply(differences=self._alarms.differences.first())

    async def handle_acknowledge_differences(self, command: messages.AcknowledgeDifferences) -> Done:
        self._alarms.differences.noted(command.up_to)
        return Done()


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
