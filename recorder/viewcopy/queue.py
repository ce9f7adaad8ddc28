"""The queue of view copies in the database: queued, being made, ready, failed. A copy can be made again at any time; a
row whose maker died is queued again."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.tasks import Tasks
from recorder.archive.catalog import ARCHIVED
from recorder.archive.tables import RECORDINGS, VIEWS

QUEUED, MAKING, READY, FAILED = "queued", "making", "ready", "failed"
ATTEMPTS = 3
_ROW = VIEWS.c


class ViewCopies:
    """The table of view copies. Every method raises StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine, self._queries = engine, Tasks()

    async def want(self, session: str, now: datetime) -> None:
        """Queue a copy of an archived recording, also where there is one. Raises NotFound, Conflict (being made)."""
        archived = select(RECORDINGS.c.session).where(
            RECORDINGS.c.session == session, RECORDINGS.c.state == ARCHIVED, RECORDINGS.c.sha256.is_not(None)
        )

        async def work(db: AsyncConnection) -> None:
            if (await db.execute(archived)).first() is None:
                raise NotFound()
            row = (await db.execute(select(_ROW.state).where(_ROW.session == session))).one_or_none()
            if row is not None and row.state == MAKING:
                raise Conflict("The copy is being made.", "副本正在生成。")
            await db.execute(VIEWS.delete().where(_ROW.session == session))
            fresh = {"session": session, "state": QUEUED, "progress": 0.0, "attempts": 0}
            await db.execute(VIEWS.insert().values(**fresh, queued_at=now, updated_at=now))

        await self._write(work)

    async def take(self, now: datetime) -> tuple[str, str] | None:
        """Take the oldest session from the queue; return it and its film's path, or None where nothing is queued."""
        oldest = (
            select(_ROW.session, _ROW.attempts, RECORDINGS.c.path)
            .join(RECORDINGS, RECORDINGS.c.session == _ROW.session)
            .where(_ROW.state == QUEUED, RECORDINGS.c.state == ARCHIVED)
            .order_by(_ROW.queued_at)
            .limit(1)
        )
        found: list[tuple[str, str]] = []

        async def work(db: AsyncConnection) -> None:
            row = (await db.execute(oldest)).one_or_none()
            if row is not None:
                mine = {"state": MAKING, "progress": 0.0, "attempts": row.attempts + 1, "updated_at": now}
                await db.execute(VIEWS.update().where(_ROW.session == row.session).values(**mine))
                found.append((row.session, row.path))

        await self._write(work)
        return found[0] if found else None

    async def progress(self, session: str, share: float, now: datetime) -> None:
        """Store what share of a copy is made."""
        await self._set(session, progress=share, updated_at=now)

    async def ready(self, session: str, facts: dict[str, Any], now: datetime) -> None:
        """Mark a copy as ready. `facts`: its bytes and sha256."""
        await self._set(session, state=READY, progress=1.0, reason=None, updated_at=now, **facts)

    async def failed(self, session: str, reason: str, now: datetime) -> None:
        """Queue a copy again that was not made; after ATTEMPTS it stays failed."""
        row = await self.row(session)
        state = FAILED if row is None or row["attempts"] >= ATTEMPTS else QUEUED
        await self._set(session, state=state, progress=0.0, reason=reason, queued_at=now, updated_at=now)

    async def give_back(self, session: str | None = None) -> None:
        """Queue again what was being made when its maker ended: one session, or all. It counts as no attempt."""
        mine = _ROW.state == MAKING if session is None else (_ROW.state == MAKING) & (_ROW.session == session)
        values = {"state": QUEUED, "progress": 0.0, "attempts": _ROW.attempts - (1 if session else 0)}

        async def work(db: AsyncConnection) -> None:
            await db.execute(VIEWS.update().where(mine).values(values))

        await self._write(work)

    async def counts(self, site: str | None = None) -> dict[str, int]:
        """Return how many copies there are in each state, of the recordings of a site or of all."""
        query = select(_ROW.state, func.count()).group_by(_ROW.state)
        if site is not None:
            query = query.join(RECORDINGS, RECORDINGS.c.session == _ROW.session).where(RECORDINGS.c.site == site)
        with storage_errors("The catalog does not answer."):
            async with reading(self._engine) as db:
                return {state: count for state, count in await db.execute(query)}

    async def row(self, session: str) -> dict[str, Any] | None:
        """Return the row of a session's copy, None where there is none."""
        with storage_errors("The catalog does not answer."):
            async with reading(self._engine) as db:
                row = (await db.execute(select(VIEWS).where(_ROW.session == session))).mappings().one_or_none()
        return dict(row) if row is not None else None

    async def _set(self, session: str, **values: Any) -> None:
        async def work(db: AsyncConnection) -> None:
            await db.execute(VIEWS.update().where(_ROW.session == session).values(**values))

        await self._write(work)

    async def _write(self, work: Any) -> None:
        async def whole() -> None:
            async with writing(self._engine) as db:
                await work(db)

        with storage_errors("The catalog does not answer."):
            await self._queries.finish(whole())  # a cancelled query leaves its connection behind
