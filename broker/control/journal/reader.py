"""The reading end of the journal: entries, the head of the chain, and a check of the whole chain."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.control.journal.entry import Entry, digest_of
from broker.control.store.tables import journal
from broker.kernel.database import SQL_ERRORS, reading, storage_errors
from broker.kernel.hash_chain import GENESIS

_BATCH = 500


async def verify(engine: AsyncEngine) -> int | None:
    """Walk along the whole chain and return the seq of the first entry that does not fit, or None.

    It finds changed, inserted and removed entries. A removed end leaves no trace in the chain; it shows only where
    `head` was kept elsewhere. Raises StorageUnavailable.
    """
    seq, hash_ = 0, GENESIS
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            while True:
                batch = await _legible_after(db, seq)
                if batch is None:
                    return seq + 1
                if not batch:
                    return None
                for entry in batch:
                    seq += 1
                    fits = (entry.seq, entry.prev_hash, entry.hash) == (seq, hash_, digest_of(entry))
                    if not fits:
                        return seq
                    hash_ = entry.hash


async def entries(engine: AsyncEngine, session: str | None = None, after: int = 0, limit: int = 1000) -> list[Entry]:
    """Return written entries with a seq above `after`, in order. Raises StorageUnavailable."""
    query = select(journal).where(journal.c.seq > after).order_by(journal.c.seq).limit(limit)
    if session is not None:
        query = query.where(journal.c.session == session)
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


async def last_before(engine: AsyncEngine, moment: datetime) -> datetime | None:
    """Return when the last entry before `moment` (aware) was written, or None. Raises StorageUnavailable."""
    at = moment.astimezone(UTC).isoformat(timespec="microseconds")  # spelled as in the journal, so that texts compare
    query = select(journal.c.at).where(journal.c.at < at).order_by(journal.c.seq.desc()).limit(1)
    with storage_errors("The journal cannot be read."):
        async with reading(engine) as db:
            text = (await db.execute(query)).scalar()
    return None if text is None else datetime.fromisoformat(text)


async def _legible_after(db: AsyncConnection, seq: int) -> list[Entry] | None:
    """Return the next entries; None where the next one cannot even be decoded as text."""
    query = select(journal).where(journal.c.seq > seq).order_by(journal.c.seq)
    try:
        return [Entry(*row) for row in await db.execute(query.limit(_BATCH))]
    except SQL_ERRORS:
        # One entry of the batch is damaged: go on entry by entry, unless the database itself is gone.
        await db.execute(select(journal.c.seq).limit(1))
    try:
        return [Entry(*row) for row in await db.execute(query.limit(1))]
    except SQL_ERRORS:
        return None
