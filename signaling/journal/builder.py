"""The builder of the journal's exports in the control process: it reads the entries and has another process make the
file. The file is there until it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from signaling.building.child_program import FAULT
from signaling.building.workshop import Kind, Workshop
from signaling.journal.order import FAILURES, Made, Order
from signaling.journal.source import lines_of

KIND = Kind(
    prefix="journal-",
    module="signaling.journal",
    seconds=1800,
    waiting=("Another export is being made; try again in a minute.", "正在导出其他日志，请稍后重试。"),
    slow=("The export took too long; ask for fewer days.", "导出超时，请缩短日期范围。"),
    failures=FAILURES,
)
ENTRY_BYTES = 4096
"""Room for one entry: some 500 bytes as JSON, twice, and its row of the workbook before and after it is packed."""


class JournalExports:
    """Makes exports of the journal of one installation, one after another."""

    def __init__(self, settings: Settings, engine: AsyncEngine) -> None:
        self._engine = engine
        self._workshop = Workshop(settings, KIND)

    @asynccontextmanager
    async def made(self, order: Order) -> AsyncIterator[Made]:
        """Make an export, which is there while the block is open; `order.folder` is chosen here. Raises Busy where it
        cannot be made now, and what reading the entries raises."""
        async with self._workshop.folder() as folder:
            size = (order.last - order.first + 1) * ENTRY_BYTES
            lines = self._lines(msgspec.structs.replace(order, folder=str(folder)))
            yield self._made(*await self._workshop.run(folder, size, lines))

    async def _lines(self, order: Order) -> AsyncIterator[bytes]:
        yield msgspec.json.encode(order) + b"\n"
        async for line in lines_of(self._engine, order.first, order.last):
            yield line

    def _made(self, output: bytes, errors: bytes) -> Made:
        """Return what the process has made. Raises Busy with the reason of a failure."""
        try:
            made = msgspec.json.decode(output, type=Made)
        except msgspec.DecodeError:
            made = Made(failed=FAULT)
        if made.failed:
            raise self._workshop.failure(made.failed, errors)
        return made
