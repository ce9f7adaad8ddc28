"""The reading end of the journal: entries, the head of the chain, and a check of the whole chain."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.control.journal.comparison import Comparison, Result
from broker.control.journal.entry import Entry
from broker.control.journal.spill import CAUGHT_UP
from broker.control.store.tables import journal
from broker.kernel.database import SQL_ERRORS, reading, storage_errors
from broker.kernel.hash_chain import GENESIS

_BATCH = 500


async def verify(engine: AsyncEngine) -> int | None:
    """Walk along the whole chain and return the seq of the first entry that does not fit, or None.

    It finds changed, inserted and removed entries. A removed end leaves no trace in the chain, and neither does a chain
    whose hashes were made anew; they show only against checkpoints, see `compare`. Raises StorageUnavailable.
    """
    result = await compare(engine, Comparison())
    return min((found.first for found in result.findings), default=None)


async def compare(engine: AsyncEngine, comparison: Comparison, after: int = 0, batch: int = _BATCH) -> Result:
    """Give every entry behind `after` to a comparison, in order, and return its outcome. Raises StorageUnavailable."""
    with storage_errors("The journal cannot be read."):
        while True:
            async with reading(engine) as db:  # anew for each batch: a long view keeps the database from tidying up
                entries = await _legible_after(db, after, batch)
                if entries is None:
                    after = await _next_seq(db, after)
                    comparison.take_illegible(after)
                    continue
            if not entries:
                return comparison.finish()
            for entry in entries:
                comparison.take(entry)
            after = entries[-1].seq
            await asyncio.sleep(0)  # a walk beside a running service must not hold up its loop


async def hashes(engine: AsyncEngine, seqs: Sequence[int]) -> dict[int, str]:
    """Return the stored hashes of some entries, by seq. Raises StorageUnavailable."""
    found: dict[int, str] = {}
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            for start in range(0, len(seqs), _BATCH):
                some = seqs[start : start + _BATCH]
                query = select(journal.c.seq, journal.c.hash).where(journal.c.seq.in_(some))
                found.update({row.seq: row.hash for row in await db.execute(query)})
    return found


async def kinds(engine: AsyncEngine, after: int, limit: int = 1000) -> list[str]:
    """Return the kinds of the entries behind `after`, in order. Raises StorageUnavailable."""
    query = select(journal.c.kind).where(journal.c.seq > after).order_by(journal.c.seq).limit(limit)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            return list((await db.execute(query)).scalars())


async def entries(
    engine: AsyncEngine, session: str | None = None, after: int = 0, limit: int = 1000, kind: str | None = None
) -> list[Entry]:
    """Return written entries with a seq above `after`, in order. Raises StorageUnavailable."""
    query = select(journal).where(journal.c.seq > after).order_by(journal.c.seq).limit(limit)
    if session is not None:
        query = query.where(journal.c.session == session)
    if kind is not None:
        query = query.where(journal.c.kind == kind)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            return [Entry(*row) for row in await db.execute(query)]


async def head(engine: AsyncEngine) -> tuple[int, str]:
    """Return seq and hash of the last entry; (0, GENESIS) where there is none. Raises StorageUnavailable."""
    query = select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            row = (await db.execute(query)).first()
    return (row.seq, row.hash) if row is not None else (0, GENESIS)


async def first(engine: AsyncEngine) -> Entry | None:
    """Return the first entry that is there, None where there is none. Raises StorageUnavailable."""
    return next(iter(await entries(engine, limit=1)), None)


async def between(engine: AsyncEngine, start: str, end: str) -> tuple[int, int]:
    """Return the first and the last seq of what was noted from `start` to before `end`, which are spelled as the column
    `at`; (0, 0) where there is nothing. Raises StorageUnavailable."""
    query = select(func.min(journal.c.seq), func.max(journal.c.seq)).where(journal.c.at >= start, journal.c.at < end)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            first, last = (await db.execute(query)).one()
    return int(first or 0), int(last or 0)


async def last_entry(engine: AsyncEngine, kind: str) -> Entry | None:
    """Return the last entry of a kind, or None. Raises StorageUnavailable."""
    query = select(journal).where(journal.c.kind == kind).order_by(journal.c.seq.desc()).limit(1)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            row = (await db.execute(query)).first()
    return None if row is None else Entry(*row)


async def last_of_kind(engine: AsyncEngine, kind: str) -> dict[str, Any] | None:
    """Return the data of the last entry of a kind, or None. Raises StorageUnavailable."""
    entry = await last_entry(engine, kind)
    return None if entry is None else dict(json.loads(entry.data))


async def caught_up(engine: AsyncEngine, file: str) -> int:
    """Return how many entries of a file of waiting entries are in the chain. Raises StorageUnavailable."""
    data = await last_of_kind(engine, CAUGHT_UP)
    return int(data["lines"]) if data is not None and data.get("file") == file else 0


async def last_by(engine: AsyncEngine, author: str) -> datetime | None:
    """Return when an author's last entry was written, or None. Raises StorageUnavailable."""
    query = select(journal.c.at).where(journal.c.author == author).order_by(journal.c.seq.desc()).limit(1)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            text = (await db.execute(query)).scalar()
    return None if text is None else datetime.fromisoformat(text)


async def last_before(engine: AsyncEngine, moment: datetime) -> datetime | None:
    """Return when the last entry before `moment` (aware) was written, or None. Raises StorageUnavailable."""
    at = moment.astimezone(UTC).isoformat(timespec="microseconds")  # spelled as in the journal, so that texts compare
    query = select(journal.c.at).where(journal.c.at < at).order_by(journal.c.seq.desc()).limit(1)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            text = (await db.execute(query)).scalar()
    return None if text is None else datetime.fromisoformat(text)


async def _next_seq(db: AsyncConnection, seq: int) -> int:
    query = select(journal.c.seq).where(journal.c.seq > seq).order_by(journal.c.seq).limit(1)
    return int((await db.execute(query)).scalar() or seq + 1)


async def _legible_after(db: AsyncConnection, seq: int, most: int) -> list[Entry] | None:
    """Return the next entries; None where the next one cannot even be decoded as text."""
    query = select(journal).where(journal.c.seq > seq).order_by(journal.c.seq)
    try:
        return [Entry(*row) for row in await db.execute(query.limit(most))]
    except SQL_ERRORS:
        # One entry of the batch is damaged: go on entry by entry, unless the database itself is gone.
        await db.execute(select(journal.c.seq).limit(1))
    try:
        return [Entry(*row) for row in await db.execute(query.limit(1))]
    except SQL_ERRORS:
        return None
