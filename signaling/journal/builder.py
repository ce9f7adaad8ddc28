"""The builder of the journal's exports in the control process: it reads the entries and has another process make the
file, one at a time, in a private folder that is removed once the file was sent."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.errors import Busy
from config import private_files
from config.settings import Settings
from signaling.journal.order import FAILURES, FAULT, Made, Order
from signaling.journal.source import lines_of
from signaling.ledgers.child_program import run_program

log = structlog.get_logger()
PREFIX = "journal-"
TURN_SECONDS = 30
"""How long a request waits for the one before it."""
BUILD_SECONDS = 1800
"""An export that is not made by then is given up."""


class JournalExports:
    """Makes exports of the journal of one installation, one after another."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self._settings, self._engine = settings, engine
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def made(self, order: Order) -> AsyncIterator[Made]:
        """Make an export, which is there while the block is open; `order.folder` is chosen here. Raises Busy where it
        cannot be made now, and what reading the entries raises."""
        async with self._folder() as folder:
            async with self._my_turn():
                made = await self._make(msgspec.structs.replace(order, folder=str(folder)))
            yield made

    async def _make(self, order: Order) -> Made:
        try:
            async with asyncio.timeout(BUILD_SECONDS):
                return _made(*await run_program("signaling.journal", self._lines(order)))
        except TimeoutError:
            raise Busy("The export took too long; ask for fewer days.", "导出超时，请缩短日期范围。") from None

    async def _lines(self, order: Order) -> AsyncIterator[bytes]:
        yield msgspec.json.encode(order) + b"\n"
        async for line in lines_of(self._engine, order.first, order.last):
            yield line

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(
                "Another export is being made; try again in a minute.", "正在导出其他日志，请稍后重试。"
            ) from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """Make a private folder named by this process, and remove it with those that killed processes have left."""
        folder = await asyncio.to_thread(self._fresh_folder)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _fresh_folder(self) -> Path:
        run_dir = self._settings.run_dir
        private_files.close_folder(run_dir)
        for left in run_dir.glob(f"{PREFIX}*-*"):
            if not Path("/proc", left.name.split("-")[1]).exists():
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=run_dir))


def _made(output: bytes, errors: bytes) -> Made:
    """Return what the process has made. Raises Busy with the reason of a failure."""
    try:
        made = msgspec.json.decode(output, type=Made)
    except msgspec.DecodeError:
        made = Made(failed=FAULT)
    if made.failed:
        log.error("journal not exported", failure=made.failed, why=errors.decode(errors="replace").strip()[-80:])
        raise Busy(*FAILURES.get(made.failed, FAILURES[FAULT]))
    return made
