"""The worker that has view copies made, a bounded number at a time, each by a process of its own
(`python -m recorder.viewcopy`). It ends with the recorder; the next one makes what was being made again."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from broker.kernel.clock import Clock
from broker.kernel.errors import NotFound, StorageUnavailable
from broker.kernel.priority import set_session
from recorder.archive import paths
from recorder.archive.manifest import file_facts
from recorder.evidence import derived_copies
from recorder.evidence.signing import Signer
from recorder.retention import removal
from recorder.viewcopy import activity, poster
from recorder.viewcopy.queue import READY, ViewCopies

log = structlog.get_logger()
NAME, MADE = "view.mp4", ".view.made.mp4"
LOOK = 5.0  # seconds between looks at the queue, which other processes fill through the database
REPORT = 2.0  # seconds between two reports of progress
BESIDE_VISITS, ALONE = 19, 5
"""Nice values of the sessions of the processes that make copies. Beside a visit they are as good as paused where
processor time is short; when no visit is under way, copies get made."""
WATCH = 1.0  # seconds between looks at whether a visit is under way


def view_path(root: Path, session: str) -> Path:
    """Return the path of a session's view copy. Raises ValueError for an invalid id."""
    return removal.derived_folder(root, session) / NAME


def _beside(made: Path) -> dict[str, Path]:
    """Return what is made with a view copy and lies beside it, by the name that it gets."""
    return {poster.NAME: made.with_name(poster.MADE), activity.NAME: made.with_name(activity.MADE)}


class ViewCopyWorker:
    """Makes the queued copies of one archive. `run` runs until cancelled; `wake` is called when a copy was queued, and
    `visits` tells whether any visit is under way."""

    def __init__(
        self, views: ViewCopies, root: Path, clock: Clock, jobs: int, signer: Signer, visits: Callable[[], bool]
    ) -> None:
        self.views, self._root, self._clock, self._jobs = views, root, clock, jobs
        self._signer, self._visits = signer, visits
        self._queued = asyncio.Event()

    def wake(self) -> None:
        """Look at the queue at once."""
        self._queued.set()

    async def want(self, session: str) -> None:
        """Queue the copy of a recording that was just archived, unless no copies are made."""
        if self._jobs:
            await self.views.want(session, self._clock.now().wall)
            self.wake()

    async def run(self) -> None:
        """Make copies until cancelled; a cancellation kills the processes that make them."""
        with suppress(StorageUnavailable):
            await self.views.give_back()
            await self._seal_old()
        if not self._jobs:
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(self._jobs):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                taken = await self.views.take(self._clock.now().wall)
                if taken is not None:
                    await self._make(*taken)
                    continue
            except StorageUnavailable as error:
                log.warning("view copies wait for the database", why=error)
            self._queued.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._queued.wait(), LOOK)

    async def _make(self, session: str, path: str) -> None:
        folder = self._root / removal.folder_of(path, session)
        made = view_path(self._root, session).with_name(MADE)
        process: asyncio.subprocess.Process | None = None
        yielding: asyncio.Task[None] | None = None
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "recorder.viewcopy", str(folder), str(made)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=Path(__file__).parents[2],
                env={name: value for name, value in os.environ.items() if name != "HUIJIAN_DATABASE_URL"},
                start_new_session=True,  # in the recorder's it would have a share of what that does not use
            )
            yielding = asyncio.create_task(self._give_way(process.pid))
            await self._listen(process, session)
            error = (await self._rest(process)).strip().rpartition("\n")[2]
            code = await process.wait()
        except asyncio.CancelledError:
            if process is not None:
                await self._stop(process)
            for left in (made, removal.unfinished(made), *_beside(made).values()):
                left.unlink(missing_ok=True)
            with suppress(StorageUnavailable):
                await self.views.give_back(session)
            raise
        finally:
            if yielding is not None:
                yielding.cancel()
        now = self._clock.now().wall
        if code == 0:
            try:
                facts = await asyncio.to_thread(
                    derived_copies.seal, folder, made, NAME, now, self._signer, _beside(made)
                )
            except OSError as failure:
                code, error = 1, f"{type(failure).__name__}: {failure}"
        if code == 0:
            await self.views.ready(session, facts, now)
            log.info("view copy ready", session=session)
        else:
            log.error("view copy not made", session=session, code=code, why=error[:200])
            await self.views.failed(session, error[:200] or f"exit code {code}", now)

    async def _give_way(self, maker: int) -> None:
        """Keep the priority of a process that makes a copy, until cancelled."""
        kept: int | None = None
        while True:
            wanted = BESIDE_VISITS if self._visits() else ALONE
            if wanted != kept and set_session(maker, wanted):
                kept = wanted
            await asyncio.sleep(WATCH)

    async def _seal_old(self) -> None:
        """Seal the copies of a version that made no seals, where their hash is that of the database; queue the others
        to be made again."""
        for folder in await asyncio.to_thread(derived_copies.folders, self._root):
            copy, session = folder / NAME, folder.name
            if not copy.exists() or derived_copies.sealed(self._root, session, NAME):
                continue
            row, now = await self.views.row(session), self._clock.now().wall
            try:
                facts = await asyncio.to_thread(file_facts, copy)
                recording = await asyncio.to_thread(paths.find, self._root, session)
                same = row is not None and row["state"] == READY and row["sha256"] == facts["sha256"]
                if same and recording is not None:
                    await asyncio.to_thread(derived_copies.seal, recording, copy, NAME, now, self._signer)
                else:
                    await self.views.want(session, now)
            except (NotFound, OSError) as error:
                log.error("view copy not sealed", session=session, why=type(error).__name__)

    async def _listen(self, process: asyncio.subprocess.Process, session: str) -> None:
        assert process.stdout is not None
        reported = float("-inf")
        while line := await process.stdout.readline():
            now = self._clock.now()
            if now.mono - reported >= REPORT:
                reported = now.mono
                await self.views.progress(session, float(json.loads(line)["done"]), now.wall)

    async def _rest(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None
        return (await process.stderr.read(1 << 16)).decode(errors="replace")

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
