"""The writing end of the journal.

`note` never waits: it freezes an entry at once, and one task writes in one transaction what has gathered. The broker
opens gates only while `healthy` is true, because a visit that cannot be journaled must stop. The database refuses
changes by triggers; `reader.verify` finds changes that were made past it.

What the system does by itself (`note`) is never dropped. It has no capacity, because gates are shut while the database
is silent, and where a `Spill` is given, what waits then goes to its file. What people ask for (`note_request`,
`note_access`, `count_refusal`) waits in another queue, bounded by author, that delays the first by one small batch at
most, and its backlog never makes the journal unhealthy.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Self

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.control.journal import reader
from broker.control.journal.checkpoint_status import CheckpointStatus
from broker.control.journal.entry import Entry, Noted, digest_of
from broker.control.journal.requests import RefusalCounts, RequestQueue
from broker.control.journal.spill import CAUGHT_UP, Spill
from broker.control.store.tables import journal
from broker.kernel.canonical_json import sorted_ascii
from broker.kernel.clock import Clock
from broker.kernel.database import DATABASE_ERRORS, writing
from broker.kernel.errors import StorageUnavailable, TooMany
from broker.kernel.hash_chain import GENESIS

OLDEST = 2.0  # seconds that an entry of the system may wait for the disk before the journal counts as unhealthy
MINUTE = 60.0  # seconds between entries with counts
ACCESSES = 60  # viewings by one person, and sign-ins, that are rows: at once, and a minute
_RETRY = 0.5  # seconds between attempts while the database does not answer
_BATCH = 500  # entries of one transaction, because other writers need the lock too
_REQUESTS = 50  # entries about requests of one transaction: some milliseconds of the lock
_PACE = 0.05  # seconds without a transaction after one with requests while more of them wait: others get the lock
_log = logging.getLogger(__name__)


class Journal:
    """The journal of one process; several processes may append to one database. `checkpoints`: what is known of them.

    Used as `async with Journal(engine, clock) as journal`; leaving the block writes what is left.
    """

    def __init__(
        self, engine: AsyncEngine, clock: Clock, spill: Spill | None = None, requests: RequestQueue | None = None
    ) -> None:
        self.engine, self.checkpoints = engine, CheckpointStatus()
        self._clock, self._spill = clock, spill
        self._own: deque[Noted] = deque()
        self._requests = RequestQueue() if requests is None else requests
        self._refusals = RefusalCounts()
        self._noted = 0  # number of the last entry that was noted
        self._written = 0
        self._failed = self._closing = False
        self._work, self._own_work = asyncio.Event(), asyncio.Event()
        self._attempt = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._spill is not None and self._spill.waiting:
            self._wake()
        self._writer = asyncio.create_task(self._write_on(), name="journal")
        self._counting = asyncio.create_task(self._count_on(), name="journal counts")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is left, then stop. Raises StorageUnavailable where entries are neither written nor in the
        file."""
        self.note_counts()
        self._closing = True
        self._wake()
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.gather(self._counting, return_exceptions=True)
        if self._writer is not None:
            await self._writer  # ends by itself; cancelling it could break a connection in the middle of a transaction
        if self._spill is not None and self._spill.waiting:
            _log.error(
                "journal entries are left in the file beside the database", extra={"entries": self._spill.waiting}
            )
        if self._own or len(self._requests):
            left = len(self._own) + len(self._requests)
            raise StorageUnavailable(f"{left} journal entries were not written.", f"有 {left} 条日志未能写入。")

    # --- noting --------------------------------------------------------------------------------------------------

    def note(self, kind: str, session: str | None, author: str, data: Mapping[str, Any] | None = None) -> None:
        """Freeze an entry of the system, or of an order that took effect, and return at once. It is never dropped.
        Raises TypeError where `canonical_json.sorted_ascii` refuses `data`."""
        self._own.append(self._freeze(kind, session, author, data or {}))
        self._wake()

    def note_request(self, kind: str, session: str | None, author: str, data: Mapping[str, Any] | None = None) -> bool:
        """Freeze an entry about what `author` asked for without effect, such as a refused order, and return at once.

        False where the author has used up the rows of a minute, or too many entries wait: then it is counted."""
        if not self._requests.allows(kind, author, self._clock.now().mono):
            self._requests.count(kind, author)
            return False
        return self._add_request(kind, session, author, data or {})

    def note_access(self, kind: str, session: str | None, author: str, data: Mapping[str, Any] | None = None) -> None:
        """Freeze an entry about what `author` is about to see. Raises TooMany where it cannot be written as a row:
        what is not journaled is not shown."""
        mono = self._clock.now().mono
        allowed = self._requests.allows(kind, author, mono, ACCESSES, ACCESSES)
        if not allowed or not self._add_request(kind, session, author, data or {}):
            raise TooMany(
                "Try again in a minute: each access is journaled.", "操作过于频繁，请一分钟后再试。", retry_after=60
            )

    def count_refusal(self, kind: str, code: str, origin: str, account: str = "") -> None:
        """Count a refusal of a client without a credential; one entry a minute has the counts. `origin`: its network,
        which is not written; `account`: the id of an account that it tried."""
        self._refusals.add(kind, code, origin, account)

    def note_counts(self) -> None:
        """Freeze entries with what was only counted since the last time, and with what was lost."""
        for author, kinds in self._requests.take_counts().items():
            self.note("RequestsCounted", None, author, {"kinds": kinds})
        if self._refusals:
            self.note("RefusalsCounted", None, "unknown", self._refusals.take())
        if lost := self._requests.take_lost():
            self.note("journal_lost", None, "journal", {"entries": sum(lost.values()), "kinds": lost})
            _log.warning("journal entries about requests were lost", extra={"kinds": lost})

    # --- state ---------------------------------------------------------------------------------------------------

    def healthy(self, now_mono: float) -> bool:
        """Whether all entries of the system that were noted OLDEST seconds before `now_mono` or earlier are on disk."""
        if self._writer is None or self._writer.done() or self._failed or self._spilled:
            return False
        return not self._own or now_mono - self._own[0].mono <= OLDEST

    @property
    def backlog(self) -> int:
        """The number of the system's entries that are not in the chain yet."""
        return len(self._own) + self._spilled

    @property
    def requests_waiting(self) -> int:
        """The number of entries about requests that are not in the chain yet."""
        return len(self._requests)

    @property
    def lost(self) -> Mapping[str, int]:
        """The number of entries about requests that were lost since the start, by kind."""
        return Counter(self._requests.lost)

    @property
    def written(self) -> int:
        """The number of entries that this journal has put on disk."""
        return self._written

    async def flush(self) -> None:
        """Return when all entries noted so far are on disk. Raises StorageUnavailable where they cannot be written."""
        await self._flush(requests=True)

    async def flush_own(self) -> None:
        """Like `flush`, for the system's own entries alone: it does not wait for those about requests."""
        await self._flush(requests=False)

    async def verify(self) -> int | None:
        """Return the seq of the first entry that breaks the chain, or None. Raises StorageUnavailable."""
        return await reader.verify(self.engine)

    async def entries(self, session: str | None = None, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return written entries in order, of one session or of all. Raises StorageUnavailable."""
        return await reader.entries(self.engine, session, after, limit)

    @property
    def _spilled(self) -> int:
        return 0 if self._spill is None else self._spill.waiting

    def _unwritten(self, up_to: int, requests: bool) -> bool:
        if self._spilled or (self._own and self._own[0].number <= up_to):
            return True
        waiting = self._requests.first(1) if requests else []
        return bool(waiting) and waiting[0].number <= up_to

    async def _flush(self, requests: bool) -> None:
        target = self._noted
        while self._unwritten(target, requests):
            if self._writer is None or self._writer.done():
                raise StorageUnavailable("The journal is not running.", "日志未在运行。")
            await self._attempt.wait()
            if self._failed:
                raise StorageUnavailable("The journal cannot be written.", "日志无法写入。")

    # --- freezing ------------------------------------------------------------------------------------------------

    def _freeze(self, kind: str, session: str | None, author: str, data: Mapping[str, Any]) -> Noted:
        frozen, now = sorted_ascii(data), self._clock.now()
        at = now.wall.isoformat(timespec="microseconds")
        about = None if session is None else _clean(session, 40)
        self._noted += 1
        return Noted(self._noted, at, now.mono, about, _clean(kind, 63), _clean(author, 200), frozen)

    def _add_request(self, kind: str, session: str | None, author: str, data: Mapping[str, Any]) -> bool:
        added = self._requests.add(self._freeze(kind, session, author, data))
        self._work.set()
        return added

    def _wake(self) -> None:
        self._work.set()
        self._own_work.set()

    # --- writing -------------------------------------------------------------------------------------------------

    async def _count_on(self) -> None:
        while True:
            await asyncio.sleep(MINUTE)
            self.note_counts()

    async def _write_on(self) -> None:
        """Write entries as they gather; while the database does not answer, try again unless the journal is closing."""
        while await self._work.wait() and (self._waiting or not self._closing):
            try:
                await self._write_some()
                self._failed = False
            except (*DATABASE_ERRORS, StorageUnavailable) as error:
                _log.error("journal not written", extra={"error": type(error).__name__})
                self._failed = True
                await self._keep()
            finally:
                self._attempt.set()  # wakes all callers of flush
                self._attempt = asyncio.Event()
            if self._failed and self._closing:
                return
            if self._failed:
                await asyncio.sleep(_RETRY)
            elif len(self._requests):
                await self._pause()

    @property
    def _waiting(self) -> bool:
        return bool(self._own or len(self._requests) or self._spilled)

    async def _pause(self) -> None:
        """Leave the lock to other processes for a moment, unless the system has something to write."""
        if not self._closing:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._own_work.wait(), _PACE)

    async def _write_some(self) -> None:
        if self._spilled:
            await self._write_spilled()
            return
        own, requests = self._next_batch()
        if own or requests:
            batch = sorted([*own, *requests], key=lambda noted: noted.number)
            async with writing(self.engine) as db:
                await _append(db, batch)
        for _ in own:
            self._own.popleft()
        self._requests.written(requests)
        self._written += len(own) + len(requests)
        if not self._closing:
            if not self._own:
                self._own_work.clear()
            if not self._waiting:
                self._work.clear()

    def _next_batch(self) -> tuple[list[Noted], list[Noted]]:
        """Return what is written next: many of the system's entries, and a few about requests that came before them.
        In a flood of requests these fall behind; each has the time at which it was noted."""
        own, requests = list(islice(self._own, _BATCH)), self._requests.first(_REQUESTS)
        if len(own) < len(self._own):
            requests = [noted for noted in requests if noted.number < own[-1].number]
        return own, requests

    # --- the file beside a silent database -----------------------------------------------------------------------

    async def _keep(self) -> None:
        """Put the system's entries that wait into the file; where that fails, they stay in memory."""
        if self._spill is None or not self._own:
            return
        entries = list(self._own)
        try:
            await asyncio.to_thread(self._spill.append, entries)
        except OSError as error:
            _log.error("journal entries not put into a file", extra={"error": type(error).__name__})
            return
        for _ in entries:
            self._own.popleft()

    async def _write_spilled(self) -> None:
        """Enter the oldest entries of the file, and how far that is, in one transaction."""
        assert self._spill is not None
        if self._spill.found:
            self._spill.skip(await reader.caught_up(self.engine, self._spill.id))
        batch = await asyncio.to_thread(self._spill.first, _BATCH) if self._spilled else []
        if batch:
            data = {"file": self._spill.id, "lines": self._spill.entered + len(batch)}
            async with writing(self.engine) as db:
                await _append(db, [*batch, self._freeze(CAUGHT_UP, None, "journal", data)])
        await asyncio.to_thread(self._spill.drop, len(batch))
        self._written += len(batch)


async def _append(db: AsyncConnection, batch: list[Noted]) -> None:
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
