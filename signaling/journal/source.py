"""The entries of an export as they are read: which ones belong to some days, and their lines. They are read in pages,
so that a year needs no more memory than a day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from broker.control.journal import reader
from broker.control.journal.entry import Entry
from broker.kernel import canonical_json
from broker.kernel.clock import SHANGHAI
from broker.kernel.errors import BadRequest, NotFound
from signaling.journal.order import MOST_DAYS, MOST_ENTRIES

PAGE = 500


async def numbers_of(engine: AsyncEngine, since: date, until: date) -> tuple[int, int]:
    """Return the first and the last entry of these days, of which the last counts. Entries between the two that were
    noted a moment before or after are among them, as a chain has no gaps. Raises BadRequest, NotFound."""
    if not 2000 <= since.year <= until.year < 2100 or until < since or (until - since).days >= MOST_DAYS:
        raise BadRequest(
            f"Give a first and a last day, at most {MOST_DAYS} days.", f"请给出起止日期，最多 {MOST_DAYS} 天。"
        )
    first, last = await reader.between(engine, _midnight(since), _midnight(until + timedelta(days=1)))
    if not first or last < first:
        raise NotFound("The journal has no entry of these days.", "该日期范围内没有日志。")
    if last - first >= MOST_ENTRIES:
        raise BadRequest(
            f"These days have more than {MOST_ENTRIES} entries: ask for fewer days.",
            f"该日期范围内的日志超过 {MOST_ENTRIES} 条，请缩短日期范围。",
        )
    return first, last


async def lines_of(engine: AsyncEngine, first: int, last: int) -> AsyncIterator[bytes]:
    """Yield the lines of the entries `first` to `last`. Raises StorageUnavailable."""
    after = first - 1
    while after < last and (entries := await reader.entries(engine, after=after, limit=min(PAGE, last - after))):
        for entry in entries:
            yield line_of(entry)
        after = entries[-1].seq
        await asyncio.sleep(0)  # leases must not wait for it


def line_of(entry: Entry) -> bytes:
    """Return the line of an entry: all its columns, so that its hash can be computed again."""
    return canonical_json.sorted_utf8(entry.columns()) + b"\n"


def _midnight(day: date) -> str:
    """Return the first moment of a day in Asia/Shanghai, spelled as in the journal, so that texts compare."""
    return datetime.combine(day, time(0), SHANGHAI).astimezone(UTC).isoformat(timespec="microseconds")
