"""The worker that has approved packages built, each by a process of its own (`python -m recorder.export`) of the lowest
priority, and removes packages that have expired, also while another one is built. What it was building when it ended is
built anew by the next one."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from broker.booking.language import is_signed
from broker.booking.slot import Slot
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel import atomic_files
from broker.kernel.clock import Clock
from broker.kernel.errors import Conflict, NotFound, StorageUnavailable, VisitError
from broker.kernel.ids import Side
from broker.kernel.priority import set_session
from config.settings import Settings
from recorder.archive import paths
from recorder.archive.catalog import ARCHIVED, Catalog
from recorder.archive.disk_space import Claim, Rules
from recorder.archive.manifest_check import frozen_hash
from recorder.archive.paths import MANIFEST
from recorder.export.contents import Order, Packed, Participant, Person
from recorder.export.program import FAULT, HUNG, INTERRUPTED, NO_ROOM, Line
from recorder.export.queue import Exports, Row, State
from recorder.retention.removal import folder_of

log = structlog.get_logger()
PACKAGE = "package.zip"
LOOK = 5.0  # seconds between looks at the table, which commands fill, too
REPORT = 1.0  # seconds between two reports of progress
WATCH = 1.0  # seconds between looks at visits and the room on the disk while a package is built
BESIDE_VISITS, ALONE = 19, 5
"""Nice values of the session of the builder, as of view copies."""
BUILDER = ("-m", "recorder.export")
"""The program that builds, as arguments of Python."""
STUCK = 6 * 3600.0
"""Seconds after which a builder that reports nothing is ended. It reports each percent; beside visits it is slow."""
AUTHOR = "exports"
"""The author of what happens by itself, in the journal."""


def package_path(settings: Settings, id: str) -> Path:
    """Return where the package of a request lies while it is ready."""
    return settings.exports_dir / id / PACKAGE


class ExportWorker:
    """The builder and remover of packages. `run` runs until cancelled; `wake` is called when a request was
    decided, `name` returns the name of an account, `visits` tells whether any visit is under way, and `claims` returns
    the room on the disk that visits may yet need."""

    def __init__(
        self,
        exports: Exports,
        store: Store,
        journal: Journal,
        settings: Settings,
        clock: Clock,
        name: Callable[[str], Any],
        visits: Callable[[], bool],
        claims: Callable[[], Iterable[Claim]] = tuple,
    ) -> None:
        self.exports, self._store, self._journal = exports, store, journal
        self._settings, self._clock, self._name, self._visits = settings, clock, name, visits
        self._catalog, self._claims = Catalog(store.engine), claims
        self._space = Rules(settings.disk_reserve_bytes, settings.session_bytes_per_second)
        self._decided, self._expiring = asyncio.Event(), asyncio.Lock()
        self._building: tuple[str, asyncio.subprocess.Process] | None = None

    def wake(self) -> None:
        """Look at the table at once."""
        self._decided.set()

    async def run(self) -> None:
        """Build and remove until cancelled; a cancellation kills the process that builds."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._build_all())
            group.create_task(self._expire_all())

    async def _build_all(self) -> None:
        """Build what is approved, one package after another. After a failure of the database or the disk, what was
        being built begins anew."""
        begun = False
        while True:
            self._decided.clear()
            try:
                if not begun:
                    await self.exports.give_back(self._now())
                    await self._remove_leftovers()
                    begun = True
                if (row := await self.exports.take(self._now())) is not None:
                    await self._build(row)
                    continue
            except (VisitError, OSError) as error:
                begun = False
                log.warning("exports wait", why=_code(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._decided.wait(), LOOK)

    async def _expire_all(self) -> None:
        """Let expire what is over, also while a package is built."""
        while True:
            try:
                await self.expire()
            except (VisitError, OSError) as error:
                log.warning("exports do not expire", why=_code(error))
            await asyncio.sleep(LOOK)

    async def expire(self) -> None:
        """Let expire what is over, and remove its files. Each step is noted before its row says so: a worker that
        ends in between notes it twice rather than never."""
        now = self._now()
        async with self._expiring:
            for row in await self.exports.over(now):
                self._journal.note("ExportExpired", row["session"], AUTHOR, {"export": row["id"]})
                await self._journal.flush()
                await self.remove(row["id"])
                await self.exports.expired(row["id"], now)

    async def remove(self, id: str) -> None:
        """Remove the files of a request; a process that still builds them is ended first."""
        if self._building is not None and self._building[0] == id:
            process = self._building[1]
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        await asyncio.to_thread(shutil.rmtree, self._settings.exports_dir / id, ignore_errors=True)

    async def _remove_leftovers(self) -> None:
        """Remove the folders of requests that are not ready: of builders that died, of a database that was replaced."""
        folder = self._settings.exports_dir
        for path in list(folder.iterdir()) if folder.is_dir() else []:
            try:
                kept = (await self.exports.row(path.name))["state"] == State.READY
            except NotFound:
                kept = False
            if not kept:
                await self.remove(path.name)

    async def _build(self, row: Row) -> None:
        id, session = row["id"], row["session"]
        expires_at = self._now() + timedelta(days=self._settings.export_days)
        try:
            line = await self._run(id, await self._order(row, expires_at))
        except (OSError, ValueError, NotFound) as error:
            log.error("export not begun", export=id, why=type(error).__name__)
            line = Line(failed="no_recording" if isinstance(error, NotFound) else FAULT)
        if (await self.exports.row(id))["state"] != State.BUILDING:  # withdrawn
            await self.remove(id)
        elif line.packed is None:
            await self._fail(id, session, line.failed or INTERRUPTED)
        else:
            await self._offer(id, session, line.packed, expires_at)

    async def _offer(self, id: str, session: str, facts: Packed, expires_at: datetime) -> None:
        """Journal that a package is built and offer it; where its recording is deleted meanwhile it is removed."""
        data = {"export": id, "bytes": facts.bytes, "sha256": facts.sha256, "sound": facts.sound}
        self._journal.note("ExportBuilt", session, AUTHOR, data)
        await self._journal.flush()
        try:
            await self.exports.ready(id, msgspec.to_builtins(facts), expires_at, self._now())
        except Conflict:
            await self._fail(id, session, "no_recording")

    async def _fail(self, id: str, session: str, why: str) -> None:
        await self.remove(id)
        self._journal.note("ExportFailed", session, AUTHOR, {"export": id, "why": why})
        await self._journal.flush()
        with suppress(Conflict):  # withdrawn in between
            await self.exports.failed(id, why, self._now())

    async def _order(self, row: Row, expires_at: datetime) -> Order:
        """Return the order for the builder. Raises NotFound where the recording is gone, ValueError."""
        recording = await self._catalog.row(row["session"])
        if recording is None or recording["state"] != ARCHIVED or not recording["path"]:
            raise NotFound()
        settings, slot = self._settings, await self._slot(row["session"])
        folder = folder_of(recording["path"], row["session"])
        return Order(
            export=row["id"],
            session=row["session"],
            site=recording["site"],
            recording=str(folder),
            archive_dir=str(settings.archive_dir),
            keys_dir=str(settings.keys_dir),
            signing=settings.archive_signing,
            target=str(package_path(settings, row["id"])),
            reason=row["reason"],
            receiver=row["receiver"],
            requested_by=await self._person(row["by"]),
            approved_by=await self._person(row["decided_by"]),
            made_at=self._now().isoformat(),
            expires_at=expires_at.isoformat(),
            reserve=self._set_aside(),
            people=_participants(slot),
            signed=slot is not None and is_signed(slot.language),
            pack=await self._pack(settings.archive_dir / folder / MANIFEST),
        )

    async def _pack(self, manifest: Path) -> str:
        """Return the text of the policy pack whose hash a manifest names, empty where it names none."""
        found = await asyncio.to_thread(atomic_files.read_json, manifest)
        sha256 = frozen_hash(found or {})
        try:
            return await self._store.pack(sha256) if sha256 else ""
        except NotFound:
            return ""  # of a recording that was brought from elsewhere

    async def _person(self, id: str) -> Person:
        return Person(id, await self._name(id))

    async def _slot(self, session: str) -> Slot | None:
        try:
            return await self._store.slot_of_session(session)
        except NotFound:
            return None  # a recording that was brought from elsewhere

    async def _run(self, id: str, order: Order) -> Line:
        """Run the builder and return its last word, with progress until then."""
        folder = package_path(self._settings, id).parent
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *BUILDER),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env={name: value for name, value in os.environ.items() if name != "HUIJIAN_DATABASE_URL"},
            start_new_session=True,
        )
        self._building = (id, process)
        yielding = asyncio.create_task(self._give_way(process, folder))
        try:
            if (await self.exports.row(id))["state"] != State.BUILDING:  # withdrawn before there was a process to end
                return Line(failed=INTERRUPTED)
            last = await self._listen(process, id, order)
            ended = yielding.done() and yielding.exception() is None  # for the room that it takes
            return Line(failed=NO_ROOM) if last.packed is None and ended else last
        finally:
            yielding.cancel()
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._building = None

    async def _listen(self, process: asyncio.subprocess.Process, id: str, order: Order) -> Line:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        errors = asyncio.create_task(process.stderr.read())
        last, reported = Line(failed=INTERRUPTED), float("-inf")
        while text := await _line(process.stdout):
            line = msgspec.json.decode(text, type=Line)
            if line.packed is not None or line.failed:
                last = line
            elif (now := self._clock.now()).mono - reported >= REPORT:
                reported = now.mono
                with suppress(StorageUnavailable, ProcessLookupError):  # the next report may be kept
                    if not await self.exports.progress(id, line.done, now.wall):
                        process.kill()  # withdrawn
        if text is None:
            log.error("export not built", export=id, failure=HUNG)
            errors.cancel()
            return Line(failed=HUNG)
        error = (await errors).decode(errors="replace").strip().rpartition("\n")[2]
        if last.packed is None:
            log.error("export not built", export=id, failure=last.failed, why=error.partition(":")[0][:80])
        return last

    async def _give_way(self, builder: asyncio.subprocess.Process, folder: Path) -> None:
        """Keep the priority of the process that builds, until cancelled. Return after ending it where visits need the
        room on the disk: those that begin meanwhile, too."""
        kept: int | None = None
        while await asyncio.to_thread(paths.free_bytes, folder) >= self._set_aside():
            wanted = BESIDE_VISITS if self._visits() else ALONE
            if wanted != kept and set_session(builder.pid, wanted):
                kept = wanted
            await asyncio.sleep(WATCH)
        with suppress(ProcessLookupError):
            builder.kill()

    def _set_aside(self) -> int:
        """Return the free bytes that are not for packages: the reserve, the room that visits may yet need, and that of
        one more visit."""
        return self._space.missing(0, self._claims())

    def _now(self) -> datetime:
        return self._clock.now().wall


def _participants(slot: Slot | None) -> tuple[Participant, ...]:
    return tuple(
        Participant(str(person.id), person.name, str(person.side), person.relation)
        for person in (slot.people if slot is not None else ())
        if person.side in set(Side)
    )


async def _line(output: asyncio.StreamReader) -> bytes | None:
    """Return the next line of a builder, empty at its end, None where it is stuck."""
    try:
        async with asyncio.timeout(STUCK):
            return await output.readline()
    except TimeoutError:
        return None


def _code(error: VisitError | OSError) -> str:
    return error.code if isinstance(error, VisitError) else type(error).__name__
