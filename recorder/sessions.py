"""The sessions that this process records: which there are, where their parts are written, and to which recording each
tap record goes. A session outlives its parts: a relay worker that comes back, or a control process that starts again,
only begins the next part."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakValueDictionary

import structlog
from msgspec import to_builtins

from broker.ipc.recorder_messages import StartRecording
from broker.kernel import atomic_files
from broker.kernel.clock import Clock, Instant
from broker.kernel.errors import BadRequest, Conflict, NotFound, RecorderUnavailable
from broker.kernel.tasks import Tasks
from broker.media.tap_format import TapRecord
from recorder.archive import parts as parts_module
from recorder.archive import paths
from recorder.archive.catalog import DONE, FAILED, NOT_BEGUN
from recorder.archive.disk_space import MINUTES, Claim, Rules
from recorder.archive.manifest import RULES_ACKNOWLEDGED
from recorder.archive.paths import PLAN, TIMELINE
from recorder.archiver import end_fact
from recorder.recording import Recording, ReportFact

log = structlog.get_logger()
DROPPED_BY_RESTART = {"code": "recorder_lost"}


@dataclass
class Session:
    """A session that is being recorded: its work folder, the part that is being written, the tasks of all parts."""

    id: str
    folder: Path
    part: int = 0
    minutes: float = MINUTES
    earlier_bytes: int = 0  # in parts before the present one; if there are any, all will be joined
    recording: Recording | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    tap: int | None = None
    reason: dict[str, Any] | None = None
    closing: asyncio.Task[None] | None = None
    timeline_closed: bool = False  # it is being hashed
    timeline: asyncio.Lock = field(default_factory=asyncio.Lock)


class CatalogOfParts(Protocol):
    """What is written down of recordings while they are made (`recorder.archive.catalog`)."""

    async def intend(self, session: str, site: str, part: int, path: str, policy: str, at: datetime) -> None:
        """Write down that a part is about to be written."""

    async def parts(self, session: str) -> int:
        """Return the number of the last part that was intended for a session; 0 where there is none."""

    async def row(self, session: str) -> dict[str, Any] | None:
        """Return the row of a session, None where there is none."""

    async def set(self, session: str, **values: Any) -> None:
        """Change columns of a session's row."""


class Archives(Protocol):
    """Archives sessions whose parts are finished (`recorder.archiver`)."""

    async def archive(self, session: str, folder: Path, reason: dict[str, Any]) -> dict[str, Any] | None:
        """Archive a work folder and return what `finalise` returns; None where the process ends first."""

    def close(self) -> None:
        """Stop repeating failed steps: the process ends."""


class RecordingSessions:
    """Starts, extends and ends recordings. `report_fact` sends a fact to every connected control process."""

    def __init__(
        self,
        archive_dir: Path,
        space: Rules,
        catalog: CatalogOfParts,
        clock: Clock,
        report_fact: ReportFact,
        archiver: Archives,
    ) -> None:
        self.archive_dir, self.catalog, self.clock = archive_dir, catalog, clock
        self.active: dict[str, Session] = {}
        self.stray_records = 0  # tap records that belong to no session
        self._space, self._report_fact, self._archiver = space, report_fact, archiver
        self._taps: dict[int, Recording] = {}
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks = Tasks()

    def takes(self, tap: int) -> bool:
        """Whether the records of this tap are for one of these sessions."""
        return tap in self._taps

    def accept(self, record: TapRecord) -> None:
        """Hand a tap record of a relay worker to the recording of its tap, or count it as stray."""
        recording = self._taps.get(record.tap)
        if recording is None:
            self.stray_records += 1
        else:
            recording.accept(record)

    async def start(self, order: StartRecording) -> int:
        """Begin the next part of a session and return its number. An order that had to wait while another one began a
        part is content with that one. Raises RecorderUnavailable, Conflict, StorageUnavailable or BadRequest."""
        before = self._part(order.session)
        async with self._order(order.session):
            joined = self._part(order.session) != before and self._joins(order)
            return self._part(order.session) if joined else await self._start(order)

    async def _start(self, order: StartRecording) -> int:
        id, now = order.session, self.clock.now()
        self._check_room(order)
        session = await self._session_to_start(id)
        # The plan is written before the intent: after a crash in between, the next start finds what it needs.
        session.earlier_bytes, last = await asyncio.to_thread(_prepare, session.folder, plan_of(order, now))
        part = max(await self.catalog.parts(id), last) + 1
        target = str((session.folder / f"part-{part}.mp4").relative_to(self.archive_dir))
        policy = f"{order.policy.name} {order.policy.version}".strip()
        if session.closing is not None:
            raise Conflict("the recording of this session is finished")
        await self.catalog.intend(id, order.site, part, target, policy, now.wall)
        self._record(session, part, order)
        await self.note(id, {"kind": "part", "part": part})
        # Who is there before the first packet, and what the rooms have acknowledged: neither is told again.
        await self.note(id, {**order.people, "kind": "people"})
        for acknowledged in order.rules:
            await self.note(id, {**acknowledged, "kind": RULES_ACKNOWLEDGED})
        return part

    async def deadline(self, session: str, moment: float) -> None:
        """Set the server second at which the recording ends without any further command. The earliest one counts."""
        recording = self._session(session).recording
        if recording is not None:
            _limit(recording, moment)

    async def extend(self, session: str, made: float, moment: float, minutes: float) -> None:
        """Put the deadline off to `moment` by an approval that was `made` before it, and claim room on the disk for
        the `minutes` of the whole visit."""
        found = self._session(session)
        if found.recording is not None and found.recording.extend(made, moment):
            found.minutes = max(found.minutes, minutes)

    async def note(self, session: str, event: dict[str, Any], moment: Instant | None = None) -> None:
        """Append an event to the session's timeline. `moment` defaults to now. Raises Conflict, RecorderUnavailable."""
        found, moment = self._session(session), moment or self.clock.now()
        entry = {"at": moment.wall.isoformat(), "mono": round(moment.mono, 3), "event": event}
        async with found.timeline:
            if found.timeline_closed:
                raise Conflict("the timeline of this session is closed")
            try:
                await asyncio.to_thread(atomic_files.append_lines, found.folder / TIMELINE, [entry])
            except OSError as error:
                raise RecorderUnavailable("the timeline cannot be written") from error

    async def note_all(self, event: dict[str, Any]) -> None:
        """Append an event of now to the timeline of every session that is being recorded."""
        moment = self.clock.now()
        for session in [one for one in self.active.values() if one.recording is not None and not one.timeline_closed]:
            with suppress(Conflict, RecorderUnavailable):  # closed meanwhile, or a disk that has an alarm of its own
                await self.note(session.id, event, moment)

    async def finish(self, session: str, reason: dict[str, Any]) -> None:
        """End a session as `end` does; a session that is archived already is left as it is. Raises NotFound."""
        async with self._order(session):
            if session in self.active:
                self.end(session, reason)
            elif await self.catalog.row(session) is None:
                raise NotFound("no such recording")

    def end(self, session: str, reason: dict[str, Any]) -> None:
        """Close, hash, archive and catalog a session in the background. The first reason counts. Raises NotFound."""
        found = self._session(session)
        if found.reason is None:
            found.reason = reason
        if found.recording is not None:
            found.recording.end(self.clock.now().mono)
        if found.closing is None:
            found.closing = self._tasks.spawn(self._close(found))

    async def acknowledge(self, session: str) -> None:
        """Note that the control process has stored the end of this recording."""
        await self.catalog.set(session, announced=True)

    def announce(self, report_fact: ReportFact) -> None:
        """Send the sessions that are being written to a control process that has just connected."""
        for session in self.active.values():
            if session.closing is None and session.recording is not None:
                session.recording.announce(report_fact)

    def adopt(self, session: str) -> None:
        """Take over a session that another process left unfinished; `start` or `finish` may follow."""
        if session not in self.active:
            added = self._add(session)
            added.earlier_bytes = parts_module.weight(added.folder)

    async def finish_orphans(self, sessions: list[str], grace: float) -> None:
        """Archive the sessions of a list that the control process has not continued within `grace` seconds."""
        await asyncio.sleep(grace)
        for id in sessions:
            session = self.active.get(id)
            if session is not None and session.recording is None and session.closing is None:
                self.end(id, DROPPED_BY_RESTART)

    async def drain(self) -> None:
        """End all parts and return when their files are finished and what was being archived is archived."""
        now = self.clock.now().mono
        self._archiver.close()
        for session in list(self.active.values()):
            if session.recording is not None:
                session.recording.end(now)
        tasks = [task for session in self.active.values() for task in session.tasks]
        closings = [session.closing for session in self.active.values() if session.closing is not None]
        await asyncio.gather(*tasks, *closings, return_exceptions=True)

    def claims(self, without: str = "") -> Iterator[Claim]:
        """The room on the disk that each session may yet need, except that of session `without`."""
        for session in self.active.values():
            if session.id != without:
                progress = session.recording.progress if session.recording is not None else None
                goes_on = session.recording is not None and session.closing is None
                minutes = session.minutes if goes_on else 0
                yield Claim(minutes, progress.bytes if progress else 0, session.earlier_bytes)

    def _part(self, id: str) -> int:
        return self.active[id].part if id in self.active else 0

    def _joins(self, order: StartRecording) -> bool:
        """Whether the part that is being written is what the order asks for; then it takes over the deadline."""
        session = self.active.get(order.session)
        if session is None or session.closing is not None or session.tap != order.tap:
            return False
        recording = session.recording
        if recording is None or recording.failed:
            return False
        if order.deadline_mono is not None:
            _limit(recording, order.deadline_mono)
        recording.announce(self._report_fact)
        return True

    def _order(self, id: str) -> asyncio.Lock:
        """Return what lets one order after another begin or end parts of a session. On a slow disk a control process
        asks again while its first order is still waiting: without it both would write the same part."""
        return self._orders.setdefault(id, asyncio.Lock())

    def _check_room(self, order: StartRecording) -> None:
        """Raise RecorderUnavailable without room for all admitted sessions and this one. A session that goes on is
        admitted already."""
        free, claims = paths.free_bytes(self.archive_dir), self.claims(without=order.session)
        missing = self._space.missing(free, claims, order.slot.minutes)
        if missing > 0:
            raise RecorderUnavailable("not enough room on the archive's disk", free=free, missing=missing)

    async def _session_to_start(self, id: str) -> Session:
        """The session whose next part may begin. Raises Conflict where its recording is over, BadRequest."""
        row, session = await self.catalog.row(id), self.active.get(id)
        if (row is not None and _over(row)) or (session is not None and session.closing is not None):
            raise Conflict("the recording of this session is finished")
        if row is None and await asyncio.to_thread(paths.find, self.archive_dir, id) is not None:
            raise Conflict("the recording of this session is archived")
        return session or self._add(id)

    def _add(self, id: str) -> Session:
        try:
            session = Session(id, paths.work_folder(self.archive_dir, id))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        self.active[id] = session
        return session

    def _session(self, id: str) -> Session:
        if id not in self.active:
            raise NotFound("no such recording")
        return self.active[id]

    def _record(self, session: Session, part: int, order: StartRecording) -> None:
        if session.recording is not None:
            session.recording.end(self.clock.now().mono)
        recording = Recording(session.id, session.folder, part, self.clock, self._report_fact, self._space)
        session.minutes = order.slot.minutes
        recording.deadline = order.deadline_mono
        if session.tap is not None:
            self._taps.pop(session.tap, None)
        session.part, session.recording, session.tap = part, recording, order.tap
        self._taps[session.tap] = recording
        session.tasks.append(self._tasks.spawn(self._run(session, recording)))

    async def _run(self, session: Session, recording: Recording) -> None:
        await recording.run()
        open_ = session.recording is recording and not recording.failed and session.closing is None
        if open_ and recording.deadline is not None and self.clock.now().mono >= recording.deadline:
            # No command ended it, so the control process may be gone: the limit holds all the same.
            self.end(session.id, {"code": "time_limit", "by": "recorder"})

    async def _close(self, session: Session) -> None:
        async with self._order(session.id):  # a part that was about to begin has begun, and ends
            if session.recording is not None:
                session.recording.end(self.clock.now().mono)
        await asyncio.gather(*session.tasks, return_exceptions=True)
        if session.tap is not None and self._taps.get(session.tap) is session.recording:  # no later session's
            del self._taps[session.tap]
        async with session.timeline:
            session.timeline_closed = True
        done = await self._archiver.archive(session.id, session.folder, session.reason or {})
        if done is not None:
            self._report_fact(end_fact(done))
            self.active.pop(session.id, None)


def _limit(recording: Recording, moment: float) -> None:
    recording.deadline = moment if recording.deadline is None else min(recording.deadline, moment)


def _over(row: dict[str, Any]) -> bool:
    """Whether a recording has ended. A recording of which no file was ever found has not begun."""
    return row["state"] in DONE and not (row["state"] == FAILED and row["reason"] in NOT_BEGUN)


def plan_of(order: StartRecording, now: Instant) -> dict[str, Any]:
    """Return plan.json: the order as it came, and when its first part began."""
    plan = to_builtins(order)
    del plan["type"]
    return {**plan, "started_at": now.wall.isoformat()}


def _prepare(folder: Path, plan: dict[str, Any]) -> tuple[int, int]:
    """Write the plan unless there is one; return the bytes of the parts that exist, and the number of the last."""
    atomic_files.make_folder(folder)
    if atomic_files.read_json(folder / PLAN) is None:
        atomic_files.write_json(folder / PLAN, plan)
    return parts_module.weight(folder), parts_module.last(folder)
