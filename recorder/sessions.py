"""All recordings of this process: takes the commands of the control process, routes what the tap brings, and carries
every session from its first part to the archive. A session outlives its parts: a relay that comes back, or a control
process that starts again, only begins the next part."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files
from broker.kernel.clock import Clock, Instant
from broker.kernel.errors import BadRequest, Conflict, NotFound, RecorderUnavailable, StorageUnavailable
from broker.media.tap_format import TapRecord
from recorder import start_order
from recorder.archive import parts as parts_module
from recorder.archive import paths
from recorder.archive.catalog import ANEW, DONE, FAILED, FINALIZING, Catalog
from recorder.archive.catalog_rows import columns, tell_end
from recorder.archive.differences import Difference, Differences
from recorder.archive.disk_space import MINUTES, Claim, Rules
from recorder.archive.finalize import finalise
from recorder.archive.paths import PLAN, TIMELINE
from recorder.evidence.chain_heads import Heads
from recorder.evidence.signing import Signer
from recorder.evidence.site_chain import BrokenSiteChain
from recorder.recording import Recording, Tell
from recorder.retention.plan import newest
from recorder.retention.rules import clock_went_back

log = structlog.get_logger()
RETRY_ARCHIVE, RETRY_CATALOG = 20.0, 2.0
DROPPED_BY_RESTART = {"code": "recorder_lost"}


@dataclass
class Visit:
    """One session: its folder, the part that is being written, the tasks of all parts."""

    session: str
    folder: Path
    part: int = 0
    minutes: float = MINUTES
    parts: int = 0  # bytes in parts before the present one; if there are any, all will be joined
    recording: Recording | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    tap: int | None = None
    reason: dict[str, Any] | None = None
    closing: asyncio.Task[None] | None = None
    closed: bool = False  # the timeline takes nothing more: it is being hashed
    timeline: asyncio.Lock = field(default_factory=asyncio.Lock)


class RecordingSessions:
    """Commands in, facts out. `archive_dir` and `space` are the service's."""

    def __init__(
        self,
        archive_dir: Path,
        space: Rules,
        catalog: Catalog,
        clock: Clock,
        tell: Tell,
        signer: Signer,
        sm3: bool = False,
    ) -> None:
        self.archive_dir, self.space, self.signer, self._sm3 = archive_dir, space, signer, sm3
        self.catalog, self.clock, self.tell = catalog, clock, tell
        self.visits: dict[str, Visit] = {}
        self.low = False  # whether another visit of the usual length would find no room
        self.differences = Differences()
        self.strays = 0  # records of taps that no session owns
        self.alarms: dict[tuple[str, str], dict[str, Any]] = {}  # what somebody has to look into, by kind and site
        self._taps: dict[int, Recording] = {}
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, record: TapRecord) -> None:
        """One record from a relay."""
        recording = self._taps.get(record.tap)
        if recording is None:
            self.strays += 1
        else:
            recording.accept(record)

    async def start(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Begin the next part of a session. Raises RecorderUnavailable, Conflict, StorageUnavailable, BadRequest."""
        session, now = start_order.text(plan, "session"), self.clock.now()
        if not isinstance(plan.get("tap"), int):
            raise BadRequest("tap is missing")
        self._admit(plan)
        row = await self.catalog.row(session)
        visit = self.visits.get(session)
        if (row is not None and _over(row)) or (visit is not None and visit.closing is not None):
            raise Conflict("the recording of this session is finished")
        if row is None and await asyncio.to_thread(paths.find, self.archive_dir, session) is not None:
            raise Conflict("the recording of this session is archived")
        visit = visit or self._visit(session)
        # Plan before intent: whatever dies in between, the next start finds what it needs to go on.
        begun = {**plan, "started_at": now.wall.isoformat()}
        visit.parts, last = await asyncio.to_thread(_prepare, visit.folder, begun)
        part = max(await self.catalog.parts(session), last) + 1
        target = str((visit.folder / f"part-{part}.mp4").relative_to(self.archive_dir))
        await self.catalog.intend(
            session, start_order.text(plan, "site"), part, target, start_order.policy(plan), now.wall
        )
        self._record(visit, part, plan)
        await self.note(session, {"kind": "part", "part": part})
        if isinstance(plan.get("people"), dict):  # who is there before the first packet: nobody tells it again
            await self.note(session, {**plan["people"], "kind": "people"})
        return {"part": part}

    async def deadline(self, session: str, moment: float | None) -> None:
        """Set the server second at which the recording ends whoever says what; the earliest that was said counts."""
        recording = self._of(session).recording
        if recording is not None and moment is not None:
            recording.deadline = moment if recording.deadline is None else min(recording.deadline, moment)

    async def extend(self, session: str, made: float, moment: float, minutes: float) -> None:
        """An approval that was `made` before the deadline puts it off to `moment`; the visit's whole `minutes` need
        their room on the disk."""
        visit = self._of(session)
        if visit.recording is not None and visit.recording.extend(made, moment):
            visit.minutes = max(visit.minutes, minutes)

    async def note(self, session: str, event: dict[str, Any], moment: Instant | None = None) -> None:
        """Add an event of `moment` (now, where it is not given) to the session's timeline."""
        visit, moment = self._of(session), moment or self.clock.now()
        entry = {"at": moment.wall.isoformat(), "mono": round(moment.mono, 3), "event": event}
        async with visit.timeline:
            if visit.closed:
                raise Conflict("the timeline of this session is closed")
            try:
                await asyncio.to_thread(atomic_files.append_lines, visit.folder / TIMELINE, [entry])
            except OSError as error:
                raise RecorderUnavailable("the timeline cannot be written") from error

    async def note_all(self, event: dict[str, Any]) -> None:
        """Add an event of now to the timeline of every session that is being recorded."""
        moment = self.clock.now()
        for visit in [visit for visit in self.visits.values() if visit.recording is not None and not visit.closed]:
            with suppress(Conflict, RecorderUnavailable):  # closed meanwhile, or a disk that has an alarm of its own
                await self.note(visit.session, event, moment)

    async def finish(self, session: str, reason: dict[str, Any]) -> None:
        """As `end`; also right for a session that is archived already. Raises NotFound."""
        if session in self.visits:
            self.end(session, reason)
        elif await self.catalog.row(session) is None:
            raise NotFound("no such recording")

    def end(self, session: str, reason: dict[str, Any]) -> None:
        """Close, hash, archive and catalog a session, in the background."""
        visit = self._of(session)
        if visit.reason is None:
            visit.reason = reason
        if visit.recording is not None:
            visit.recording.end(self.clock.now().mono)
        if visit.closing is None:
            visit.closing = self._spawn(self._close(visit))

    async def acknowledge(self, session: str) -> None:
        """The control process has stored that the session is archived."""
        await self.catalog.set(session, announced=True)

    async def announce(self, tell: Tell) -> None:
        """Tell a control process that has just connected what holds: who is being written, what it has not
        acknowledged; then that all is said (`ready`)."""
        for visit in self.visits.values():
            if visit.closing is None and visit.recording is not None and visit.recording.writing:
                tell("flushed", session=visit.session, part=visit.part, mono=self.clock.now().mono)
        for row in await self.catalog.unannounced():
            tell_end(tell, row)
        if self.differences:
            tell("differ")
        self.look_at_disk(tell)
        for (kind, _), facts in self.alarms.items():
            tell("alarm", kind=kind, **facts)
        tell("ready")

    def differ(self, difference: Difference) -> None:
        """Say that intents, files and catalog do not agree on something, until it is journaled."""
        log.error("recordings differ", kind=difference.kind, session=difference.session)
        if not self.differences:
            self.tell("differ")
        self.differences.add(difference)

    def status(self) -> dict[str, Any]:
        """For the control process and for people."""
        return {
            "sessions": [_status(visit) for visit in self.visits.values()],
            "free_bytes": paths.free_bytes(self.archive_dir),
            "reserve_bytes": self.space.reserve,
            "claimed_bytes": self.space.claimed(self._claims()),
            "low": self.low,
            "stray_records": self.strays,
        }

    def adopt(self, session: str) -> None:
        """Take over a session that another process left unfinished; `start` or `finish` may follow."""
        if session not in self.visits:
            visit = self._visit(session)
            visit.parts = parts_module.weight(visit.folder)

    async def drain(self) -> None:
        """End all parts cleanly and let those that are being archived finish. Returns when all files are finished."""
        now = self.clock.now().mono
        self._stop.set()
        for visit in list(self.visits.values()):
            if visit.recording is not None:
                visit.recording.end(now)
        tasks = [task for visit in self.visits.values() for task in visit.tasks]
        closings = [visit.closing for visit in self.visits.values() if visit.closing is not None]
        await asyncio.gather(*tasks, *closings, return_exceptions=True)

    def alarm(self, kind: str, site: str = "", **facts: Any) -> None:
        """Say aloud that the archive is not as it should be, now and to every control process that connects."""
        log.error("archive alarm", kind=kind, site=site, **facts)
        self.alarms[kind, site] = {"site": site, **facts}
        self.tell("alarm", kind=kind, site=site, **facts)

    async def look_at_clock(self) -> datetime | None:
        """The latest end of a recording (None where there is none, or nobody can say); an alarm where this machine's
        clock has yet to reach it."""
        try:
            witnessed = await newest(self.catalog.engine)
        except StorageUnavailable:
            return None
        now = self.clock.now().wall
        if not clock_went_back(now, witnessed):
            self.alarms.pop(("clock_behind", ""), None)
        elif witnessed is not None:
            self.alarm("clock_behind", seconds=round((witnessed - now).total_seconds()))
        return witnessed

    def look_at_disk(self, tell: Tell | None = None) -> None:
        """Say so when room becomes short and when there is enough again; with `tell`, how it is now."""
        free, claims = paths.free_bytes(self.archive_dir), list(self._claims())
        low = self.space.missing(free, claims) > 0
        if low != self.low or tell is not None:
            said = tell or self.tell
            said("disk", low=low, free=free, reserve=self.space.reserve, claimed=self.space.claimed(claims))
        if low != self.low:
            log.log(40 if low else 20, "disk", low=low, free=free)
        self.low = low

    def _admit(self, plan: dict[str, Any]) -> None:
        """Room for all that is admitted, and for this one. A session that goes on was admitted already."""
        free, claims = paths.free_bytes(self.archive_dir), self._claims(but=str(plan.get("session")))
        missing = self.space.missing(free, claims, start_order.minutes(plan))
        if missing > 0:
            raise RecorderUnavailable("not enough room on the archive's disk", free=free, missing=missing)

    def _claims(self, but: str = "") -> Iterator[Claim]:
        for visit in self.visits.values():
            if visit.session != but:
                progress = visit.recording.progress if visit.recording is not None else None
                goes_on = visit.recording is not None and visit.closing is None
                yield Claim(visit.minutes if goes_on else 0, progress.bytes if progress else 0, visit.parts)

    def _visit(self, session: str) -> Visit:
        try:
            visit = Visit(session, paths.work_folder(self.archive_dir, session))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        self.visits[session] = visit
        return visit

    def _of(self, session: str) -> Visit:
        if session not in self.visits:
            raise NotFound("no such recording")
        return self.visits[session]

    def _record(self, visit: Visit, part: int, plan: dict[str, Any]) -> None:
        if visit.recording is not None:
            visit.recording.end(self.clock.now().mono)
        recording = Recording(visit.session, visit.folder, part, self.clock, self.tell, self.space)
        visit.minutes = start_order.minutes(plan)
        recording.deadline = plan.get("deadline_mono")
        if visit.tap is not None:
            self._taps.pop(visit.tap, None)
        visit.part, visit.recording, visit.tap = part, recording, plan["tap"]
        self._taps[visit.tap] = recording
        visit.tasks.append(self._spawn(self._run(visit, recording)))

    async def _run(self, visit: Visit, recording: Recording) -> None:
        await recording.run()
        if visit.recording is recording and not recording.failed and visit.closing is None:
            limit = recording.deadline is not None and self.clock.now().mono >= recording.deadline
            if limit:  # nobody told us, so the control process may be gone: the limit holds all the same
                self.end(visit.session, {"code": "time_limit", "by": "recorder"})

    async def _close(self, visit: Visit) -> None:
        await asyncio.gather(*visit.tasks, return_exceptions=True)
        if visit.tap is not None:
            self._taps.pop(visit.tap, None)
        async with visit.timeline:
            visit.closed = True
        with suppress(StorageUnavailable):
            await self.catalog.set(visit.session, state=FINALIZING)
        done = await self._archive(visit)
        if done is not None and await self._catalogue(done):
            await self._keep_head(done["site"])
            self.visits.pop(visit.session, None)
            tell_end(self.tell, done)

    async def _archive(self, visit: Visit) -> dict[str, Any] | None:
        """Try until it succeeds or the process ends; then the next start tries again."""
        while True:
            ended, witnessed = self.clock.now().wall, await self.look_at_clock()
            try:
                reason = visit.reason or {}
                return await asyncio.to_thread(
                    finalise, visit.folder, self.archive_dir, reason, ended, self.signer, self._sm3, witnessed
                )
            except Exception as error:
                log.exception("archiving failed", session=visit.session)
                self.tell("archive_failed", session=visit.session, reason=type(error).__name__)
            if await self._stopping(RETRY_ARCHIVE):
                return None

    async def _catalogue(self, done: dict[str, Any]) -> bool:
        """The file is safe; the row follows as soon as the database answers, at the latest at the next start."""
        while True:
            try:
                await self.catalog.set(done["session"], **columns(done))
                return True
            except StorageUnavailable as error:
                log.error("catalog does not answer", session=done["session"], why=str(error))
            if await self._stopping(RETRY_CATALOG):
                return False

    async def _keep_head(self, site: str) -> None:
        """Remember in the database where the site's chain ends now; what fails here is made good at the next start."""
        try:
            if not await Heads(self.catalog.engine).advance(self.archive_dir, site, self.clock.now().wall):
                self.alarm("chain_cut", site)
        except (StorageUnavailable, BrokenSiteChain, OSError) as error:
            log.error("head of the chain not kept", site=site, why=type(error).__name__)

    async def _stopping(self, within: float) -> bool:
        """Whether the process ends within so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), within)
        return self._stop.is_set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _over(row: dict[str, Any]) -> bool:
    """Whether a recording has had its end. One of which no file was ever found has not even begun."""
    return row["state"] in DONE and not (row["state"] == FAILED and row["reason"] in ANEW)


def _prepare(folder: Path, plan: dict[str, Any]) -> tuple[int, int]:
    """Have the plan on the disk; the bytes of the parts that are there already, and the number of the last."""
    atomic_files.make_folder(folder)
    if atomic_files.read_json(folder / PLAN) is None:
        atomic_files.write_json(folder / PLAN, plan)
    return parts_module.weight(folder), parts_module.last(folder)


def _status(visit: Visit) -> dict[str, Any]:
    progress = visit.recording.progress if visit.recording else None
    facts = {"seconds": progress.seconds, "bytes": progress.bytes, "flushed": progress.flushed} if progress else {}
    return {"session": visit.session, "part": visit.part, "finishing": visit.closing is not None, **facts}
