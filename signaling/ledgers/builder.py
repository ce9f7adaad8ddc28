"""The builder of ledgers in the control process. It reads the entries and has another process make the file, so that no
lease waits for a month of visits. One ledger is made at a time; the others wait in turn."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import structlog

from broker.kernel.errors import Busy
from config import private_files
from config.settings import Settings
from signaling.ledgers.child_program import run_program
from signaling.ledgers.entry import Entry, Head
from signaling.ledgers.order import FAILURES, FAULT, Format, Line, Made, Order

log = structlog.get_logger()
PREFIX = "ledger-"
TURN_SECONDS = 30
"""How long a request waits for those before it."""
BUILD_SECONDS = 600
"""A ledger that is not made by then is given up: a month of 5,000 visits takes a few per cent of it on an idle core."""


class LedgerBuilder:
    """Makes the ledgers of one installation, one after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()

    async def build(self, head: Head, entries: AsyncIterator[Entry], format: Format) -> Made:
        """Make a ledger in another process. Raises Busy where it cannot be made now, and what reading the entries
        raises."""
        async with self._my_turn(), self._folder() as folder:
            order = Order(
                head=head,
                format=format,
                archive_dir=str(self._settings.archive_dir),
                keys_dir=str(self._settings.keys_dir),
                signing=self._settings.archive_signing,
                folder=str(folder),
            )
            try:
                async with asyncio.timeout(BUILD_SECONDS):
                    return await _run(order, entries)
            except TimeoutError:
                raise Busy("The ledger took too long; ask for fewer days.", "生成台账超时，请缩短日期范围。") from None

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise Busy(
                "Other ledgers are being made; try again in a minute.", "正在生成其他台账，请一分钟后重试。"
            ) from None
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _folder(self) -> AsyncIterator[Path]:
        """Make a private folder, and remove it with those that killed processes have left."""
        folder = await asyncio.to_thread(self._fresh_folder)
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _fresh_folder(self) -> Path:
        run_dir = self._settings.run_dir
        private_files.close_folder(run_dir)
        for left in run_dir.glob(f"{PREFIX}*"):  # only one ledger is made at a time
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=run_dir))


async def _run(order: Order, entries: AsyncIterator[Entry]) -> Made:
    return _made(*await run_program("signaling.ledgers", _lines(order, entries)))


async def _lines(order: Order, entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    yield encoder.encode(order) + b"\n"
    async for entry in entries:
        yield encoder.encode(entry) + b"\n"


def _made(output: bytes, errors: bytes) -> Made:
    """Return what the process has made. Raises Busy with the reason of a failure."""
    first, _, data = output.partition(b"\n")
    try:
        line = msgspec.json.decode(first, type=Line)
    except msgspec.DecodeError:
        line = Line(failed=FAULT)
    if line.failed:
        log.error("ledger not made", failure=line.failed, why=errors.decode(errors="replace").strip()[-80:])
        raise Busy(*FAILURES.get(line.failed, FAILURES[FAULT]))
    return Made(line.name, data, line.signature.encode(), line.visits)
