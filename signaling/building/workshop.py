"""The place where files are made for requests: one at a time, in a private folder of `run_dir` that is removed when the
file was sent, by a process of its own, so that no lease waits for a month of visits, and only where there is room."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import structlog

from broker.kernel.errors import Busy
from config import private_files
from config.settings import Settings
from recorder.archive.room import NoRoom, need_room
from signaling.building.child_program import FAULT, run_program

log = structlog.get_logger()
TURN_SECONDS = 30
"""How long a request waits for those before it."""
Words = tuple[str, str]


class Kind(NamedTuple):
    """A kind of file: the prefix of its folders, the module of the program that makes it, the seconds after which one
    is given up, and in English and Chinese that others are made, that one took too long, and what failures mean."""

    prefix: str
    module: str
    seconds: float
    waiting: Words
    slow: Words
    failures: Mapping[str, Words]


NO_ROOM = (
    "There is no room on the disk for this file beside what visits need; tell the administrator.",
    "磁盘剩余空间须留给会见录像，不足以生成此文件，请系统管理员处理。",
)


class Workshop:
    """Makes the files of one kind in one installation, one after another."""

    def __init__(self, settings: Settings, kind: Kind) -> None:
        self._settings, self._kind = settings, kind
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """Make a private folder named by this process, and remove it with those that killed processes have left."""
        folder = await asyncio.to_thread(self._fresh_folder)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def run(self, folder: Path, size: int, lines: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
        """Have the program make a file from these lines; return its output and its errors. `size`: all bytes that it
        writes meanwhile. Raises Busy where it cannot be made now, and what reading the lines raises."""
        async with self._my_turn():
            await asyncio.to_thread(self._check_room, folder, size)
            try:
                async with asyncio.timeout(self._kind.seconds):
                    return await run_program(self._kind.module, lines)
            except TimeoutError:
                raise Busy(*self._kind.slow) from None

    def failure(self, code: str, errors: bytes) -> Busy:
        """Return the refusal for a failure of the program, which is logged with the last it has said."""
        why = errors.decode(errors="replace").strip()[-80:]
        log.error("file not made", program=self._kind.module, failure=code, why=why)
        return Busy(*self._kind.failures.get(code, self._kind.failures[FAULT]))

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(*self._kind.waiting) from None
        try:
            yield
        finally:
            self._turn.release()

    def _check_room(self, folder: Path, size: int) -> None:
        """Check that there is room. Raises Busy."""
        try:
            need_room(folder, size + self._reserve(folder))
        except NoRoom:
            log.error("file not made", program=self._kind.module, failure="no_room")
            raise Busy(*NO_ROOM) from None

    def _reserve(self, folder: Path) -> int:
        """Return the bytes that are left to recordings, where those are on the same disk."""
        archive = self._settings.archive_dir
        while not archive.exists():
            archive = archive.parent
        same = archive.stat().st_dev == folder.stat().st_dev
        return self._settings.disk_reserve_bytes if same else 0

    def _fresh_folder(self) -> Path:
        run_dir, prefix = self._settings.run_dir, self._kind.prefix
        private_files.close_folder(run_dir)
        for left in run_dir.glob(f"{prefix}*"):
            if not Path("/proc", left.name.split("-")[1]).exists():
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=run_dir))
