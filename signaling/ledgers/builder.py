"""The builder of ledgers in the control process: it reads the entries and has another process make the file."""

from collections.abc import AsyncIterator

import msgspec

from config.settings import Settings
from signaling.building.child_program import FAULT
from signaling.building.workshop import Kind, Workshop
from signaling.ledgers.entry import Entry, Head
from signaling.ledgers.order import FAILURES, Format, Line, Made, Order

KIND = Kind(
    prefix="ledger-",
    module="signaling.ledgers",
    seconds=600,  # a month of 5,000 visits takes a few per cent of it on an idle core
    waiting=("Other ledgers are being made; try again in a minute.", "正在生成其他台账，请一分钟后重试。"),
    slow=("The ledger took too long; ask for fewer days.", "生成台账超时，请缩短日期范围。"),
    failures=FAILURES,
)
SIZE = 64 << 20
"""Room for a ledger: one of a month of 5,000 visits has a few MiB in each of its formats."""


class LedgerBuilder:
    """Makes the ledgers of one installation, one after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workshop = Workshop(settings, KIND)

    async def build(self, head: Head, entries: AsyncIterator[Entry], format: Format) -> Made:
        """Make a ledger in another process. Raises Busy where it cannot be made now, and what reading the entries
        raises."""
        async with self._workshop.folder() as folder:
            order = Order(
                head=head,
                format=format,
                archive_dir=str(self._settings.archive_dir),
                keys_dir=str(self._settings.keys_dir),
                signing=self._settings.archive_signing,
                folder=str(folder),
            )
            return self._made(*await self._workshop.run(folder, SIZE, _lines(order, entries)))

    def _made(self, output: bytes, errors: bytes) -> Made:
        """Return what the process has made. Raises Busy with the reason of a failure."""
        first, _, data = output.partition(b"\n")
        try:
            line = msgspec.json.decode(first, type=Line)
        except msgspec.DecodeError:
            line = Line(failed=FAULT)
        if line.failed:
            raise self._workshop.failure(line.failed, errors)
        return Made(line.name, data, line.signature.encode(), line.visits)


async def _lines(order: Order, entries: AsyncIterator[Entry]) -> AsyncIterator[bytes]:
    encoder = msgspec.json.Encoder()
    yield encoder.encode(order) + b"\n"
    async for entry in entries:
        yield encoder.encode(entry) + b"\n"
