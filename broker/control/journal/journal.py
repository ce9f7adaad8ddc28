"""The writing end of the journal.

`note` never waits: it freezes an entry at once, and one task writes in one transaction what has gathered. The broker
opens gates only while `healthy` is true, because a visit that cannot be journaled must stop. The database refuses
changes by triggers; `reader.verify` finds changes that were made past it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.control.journal import reader
from broker.control.journal.entry import Entry, digest_of
from broker.control.store.tables import journal
from broker.kernel.canonical_json import sorted_ascii
from broker.kernel.clock import Clock
from broker.kernel.database import DATABASE_ERRORS, writing
from broker.kernel.errors import StorageUnavailable
from broker.kernel.hash_chain import GENESIS

OLDEST = 2.0  # seconds that an entry may wait for the disk before the journal counts as unhealthy
CAPACITY = 10_000  # entries in memory: hours of a silent database, and still only megabytes
_RETRY = 0.5  # seconds between attempts while the database does not answer
_BATCH = 500  # entries of one transaction, because other writers need the lock too
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Noted:
    """An entry that waits for its place in the chain; `mono` is when it was noted."""

    at: str
    mono: float
    session: str | None
    kind: str
    author: str
    data: str


class Journal:
    """The journal of one process; several processes may append to one database.

    Used as `async with Journal(engine, clock) as journal`; leaving the block writes what is left.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock, capacity: int = CAPACITY) -> None:
        self._engine = engine
        self._clock = clock
        self._capacity = capacity
        self._waiting: deque[_Noted] = deque()
        self._noted = self._written = self._lost = 0
        self._failed = self._closing = False
        self._work = asyncio.Event()
        self._attempt = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_on(), name="journal")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left, then stop. Raises StorageUnavailable where it cannot be written."""
        self._closing = True
        self._work.set()
        if self._writer is not None:
            await self._writer  # ends by itself; cancelling it could break a connection in the middle of a transaction
        if self._waiting:
            raise StorageUnavailable(f"{len(self._waiting)} journal entries were not written.")

    def note(self, kind: str, session: str | None, author: str, data: Mapping[str, Any] | None = None) -> None:
        """Freeze an entry and return at once. Raises TypeError where `canonical_json.sorted_ascii` refuses `data`.

        While `capacity` entries are unwritten, the entry is counted as lost instead, and the journal is unhealthy until
        the loss itself is written.
        """
        if len(self._waiting) >= self._capacity:
            self._lost += 1
        else:
            self._add(kind, session, author, data or {})

    def healthy(self, now_mono: float) -> bool:
        """Whether all entries that were noted OLDEST seconds before `now_mono` or earlier are on disk."""
        if self._writer is None or self._writer.done() or self._failed or self._lost:
            return False
        return not self._waiting or now_mono - self._waiting[0].mono <= OLDEST

    @property
    def backlog(self) -> int:
        """The number of entries that are not on disk, including those that were lost."""
        return len(self._waiting) + self._lost

    async def flush(self) -> None:
        """Return when all entries noted so far are on disk. Raises StorageUnavailable where they cannot be written."""
        target = self._noted
        while self._written < target:
            if self._writer is None or self._writer.done():
                raise StorageUnavailable("The journal is not running.")
            await self._attempt.wait()
            if self._failed:
                raise StorageUnavailable("The journal cannot be written.")

    async def verify(self) -> int | None:
        """Return the seq of the first entry that breaks the chain, or None. Raises StorageUnavailable."""
        return await reader.verify(self._engine)

    async def entries(self, session: str | None = None, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return written entries in order, of one session or of all. Raises StorageUnavailable."""
        return await reader.entries(self._engine, session, after, limit)

    def _add(self, kind: str, session: str | None, author: str, data: Mapping[str, Any]) -> None:
        now = self._clock.now()
        at = now.wall.isoformat(timespec="microseconds")
        about = None if session is None else _clean(session, 40)
        frozen = sorted_ascii(data)
        self._waiting.append(_Noted(at, now.mono, about, _clean(kind, 63), _clean(author, 200), frozen))
        self._noted += 1
        self._work.set()

    async def _write_on(self) -> None:
        """Write entries as they gather; while the database does not answer, try again unless the journal is closing."""
        while await self._work.wait() and (self._waiting or not self._closing):
            try:
                await self._write_some()
                self._failed = False
            except DATABASE_ERRORS as error:
                _log.error("journal not written: %s", type(error).__name__)
                self._failed = True
            finally:
                self._attempt.set()  # wakes all callers of flush
                self._attempt = asyncio.Event()
            if self._failed and self._closing:
                return
            if self._failed:
                await asyncio.sleep(_RETRY)

    async def _write_some(self) -> None:
        batch = list(islice(self._waiting, _BATCH))
        async with writing(self._engine) as db:
            await _append(db, batch)
        for _ in batch:
            self._waiting.popleft()
        self._written += len(batch)
        if self._lost:
            lost, self._lost = self._lost, 0
            self._add("journal_lost", None, "journal", {"entries": lost})
        if not self._waiting and not self._closing:
            self._work.clear()


async def _append(db: AsyncConnection, batch: list[_Noted]) -> None:
    """Chain the entries to the last one, which is read and not remembered: another process may have appended too."""
    last = select(journal.c.seq, journal.c.hash).order_by(journal.c.seq.desc()).limit(1)
    row = (await db.execute(last)).first()
    before, hash_ = (row.seq, row.hash) if row is not None else (0, GENESIS)
    rows = []
    for seq, noted in enumerate(batch, before + 1):
        entry = Entry(seq, noted.at, noted.session, noted.kind, noted.author, noted.data, hash_, "")
        hash_ = digest_of(entry)
        rows.append({**entry.columns(), "hash": hash_})
    await db.execute(insert(journal), rows)


def _clean(text: str, longest: int) -> str:
    """Return `text` as every database can store it. A hostile URL must not make the journal unwritable."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:longest]
