"""Has view copies made, a bounded number at a time, each by a process of its own (`recorder.viewcopy`). Ends with the
recorder; what was being made is made by the next one."""

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path

import structlog

from broker.clock import Clock
from broker.errors import StorageUnavailable
from recorder import removal
from recorder.manifest import file_facts
from recorder.views import Views

log = structlog.get_logger()
NAME = "view.mp4"
LOOK = 5.0  # seconds between looks for orders that came through the database
TELL = 2.0  # seconds between two notes of progress


def view_path(root: Path, session: str) -> Path:
    """Where the view copy of a session lies. Raises ValueError."""
    return removal.derived_folder(root, session) / NAME


class ViewMaker:
    """`run` until cancelled; `stir` when something was queued."""

    def __init__(self, views: Views, root: Path, clock: Clock, jobs: int) -> None:
        self.views, self._root, self._clock, self._jobs = views, root, clock, jobs
        self._something = asyncio.Event()

    def stir(self) -> None:
        """Look at once."""
        self._something.set()

    async def want(self, session: str) -> None:
        """Queue the copy of a recording that was just archived."""
        if self._jobs:
            await self.views.want(session, self._clock.now().wall)
            self.stir()

    async def run(self) -> None:
        """Make copies until cancelled, which kills the makers."""
        if not self._jobs:
            return
        with suppress(StorageUnavailable):
            await self.views.give_back()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._jobs):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            try:
                taken = await self.views.take(self._clock.now().wall)
                if taken is not None:
                    await self._one(*taken)
                    continue
            except StorageUnavailable as error:
                log.warning("view copies wait for the database", why=str(error))
            self._something.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._something.wait(), LOOK)

    async def _one(self, session: str, path: str) -> None:
        folder = self._root / removal.folder_of(path, session)
        target = view_path(self._root, session)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "recorder.viewcopy", str(folder), str(target)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[1],
        )
        try:
            await self._listen(process, session)
            error = (await self._rest(process)).strip().rpartition("\n")[2]
            code = await process.wait()
        except asyncio.CancelledError:
            await self._stop(process)
            removal.unfinished(target).unlink(missing_ok=True)
            with suppress(StorageUnavailable):
                await self.views.give_back(session)
            raise
        if code == 0:
            await self.views.ready(session, await asyncio.to_thread(file_facts, target), self._clock.now().wall)
            log.info("view copy ready", session=session)
        else:
            log.error("view copy not made", session=session, code=code, why=error[:200])
            await self.views.failed(session, error[:200] or f"exit code {code}", self._clock.now().wall)

    async def _listen(self, process: asyncio.subprocess.Process, session: str) -> None:
        assert process.stdout is not None
        told = float("-inf")
        while line := await process.stdout.readline():
            now = self._clock.now()
            if now.mono - told >= TELL:
                told = now.mono
                await self.views.progress(session, float(json.loads(line)["done"]), now.wall)

    async def _rest(self, process: asyncio.subprocess.Process) -> str:
        assert process.stderr is not None
        return (await process.stderr.read(1 << 16)).decode(errors="replace")

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
