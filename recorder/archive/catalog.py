"""The catalog of recordings in the database. An intent is written before the first byte of a part, so that after a
crash the next start knows which files to look for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.database import SQL_ERRORS, reading, storage_errors, writing
from broker.kernel.tasks import Tasks
from recorder.archive.tables import INTENTS, RECORDINGS

T = TypeVar("T")
PAGE = 2000
RECORDING, FINALIZING, ARCHIVED, FAILED = "recording", "finalizing", "archived", "failed"
PURGING, PURGED = "purging", "purged"
FINISHED = (ARCHIVED, FAILED)
DONE = (*FINISHED, PURGING, PURGED)
NO_FILES, NO_PLAN = "no_files", "no_plan"
"""Reasons of a failure: there is an intent and no file, or there are films and nothing that says whose they are."""
NOT_BEGUN = (NO_FILES, NO_PLAN)
"""A recording that failed for one of these reasons may still begin."""


def columns(done: dict[str, Any]) -> dict[str, Any]:
    """Return the catalog's columns of an archived recording. `done`: what `recorder.archive.finalize.found` returns."""
    row = {key: value for key, value in done.items() if key not in ("session", "site", "policy")}
    for name in ("started_at", "ended_at", "due_at"):
        row[name] = None if done[name] is None else datetime.fromisoformat(done[name])
    return row


class Catalog:
    """The tables of recordings and intents. Methods raise StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._queries = Tasks()

    async def close(self) -> None:
        """Wait for the running queries, then close the database."""
        await self._queries.wait()
        await self.engine.dispose()

    async def intend(self, session: str, site: str, part: int, path: str, policy: str, at: datetime) -> None:
        """Write down that a part is about to be written. A recording of which no file was found begins anew."""
        intent = INTENTS.insert().values(session=session, part=part, at=at, path=path)
        row = {"session": session, "site": site, "state": RECORDING, "announced": False}
        row |= {"created_at": at, "started_at": at, "policy": policy}

        async def work(connection: AsyncConnection) -> None:
            found = (await connection.execute(select(RECORDINGS.c.state).filter_by(session=session))).first()
            if found is None:
                await connection.execute(RECORDINGS.insert().values(**row))
            elif found.state == FAILED:
                again = {"state": RECORDING, "reason": None, "announced": False}
                await connection.execute(RECORDINGS.update().where(RECORDINGS.c.session == session).values(**again))
            await connection.execute(intent)

        await self._write(work)

    async def parts(self, session: str) -> int:
        """Return the number of the last part that was intended for a session; 0 where there is none."""
        rows = await self._read(select(INTENTS.c.part).where(INTENTS.c.session == session))
        return max((row["part"] for row in rows), default=0)

    async def row(self, session: str) -> dict[str, Any] | None:
        """Return the row of a session, None where there is none."""
        rows = await self._read(select(RECORDINGS).where(RECORDINGS.c.session == session))
        return rows[0] if rows else None

    async def unfinished(self) -> list[dict[str, Any]]:
        """Return the rows of recordings that are neither archived nor failed."""
        return await self._read(select(RECORDINGS).where(RECORDINGS.c.state.not_in(DONE)))

    async def unannounced(self) -> list[dict[str, Any]]:
        """Return the rows of finished recordings that the control process has not acknowledged."""
        return await self._read(select(RECORDINGS).where(RECORDINGS.c.state.in_(FINISHED), ~RECORDINGS.c.announced))

    async def begun_between(self, site: str | None, first: datetime | None, end: datetime | None) -> list[str]:
        """Return the sessions of a site (None: of all) whose recording began from `first` on and before `end`, and
        whose files are not deleted, in the order of their beginning."""
        began = func.coalesce(RECORDINGS.c.started_at, RECORDINGS.c.created_at, type_=RECORDINGS.c.created_at.type)
        query = select(RECORDINGS.c.session).where(RECORDINGS.c.state != PURGED).order_by(began, RECORDINGS.c.session)
        if site is not None:
            query = query.where(RECORDINGS.c.site == site)
        if first is not None:
            query = query.where(began >= first)
        if end is not None:
            query = query.where(began < end)
        return [str(row["session"]) for row in await self._read(query)]

    async def sessions(self) -> set[str]:
        """Return the ids of all sessions that have a row."""
        return {row["session"] for row in await self._read(select(RECORDINGS.c.session))}

    async def rows(self, sessions: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return state and reason of those of `sessions` that have a row, by id."""
        wanted = select(RECORDINGS.c.session, RECORDINGS.c.state, RECORDINGS.c.reason)
        rows = await self._read(wanted.where(RECORDINGS.c.session.in_(sessions)))
        return {str(row["session"]): row for row in rows}

    async def archived(self) -> AsyncIterator[dict[str, Any]]:
        """Yield session, path and hashes of all archived recordings, read page by page."""
        columns = (RECORDINGS.c[name] for name in ("session", "path", "sha256", "manifest_sha256"))
        wanted = select(*columns).where(RECORDINGS.c.state == ARCHIVED)
        last = ""
        while rows := await self._read(
            wanted.where(RECORDINGS.c.session > last).order_by(RECORDINGS.c.session).limit(PAGE)
        ):
            for row in rows:
                yield row
            last = str(rows[-1]["session"])

    async def set(self, session: str, **values: Any) -> None:
        """Change columns of a session's row."""
        await self._do(RECORDINGS.update().where(RECORDINGS.c.session == session).values(**values))

    async def put(self, row: dict[str, Any]) -> None:
        """Insert a row for files that have none."""
        await self._do(RECORDINGS.insert().values(**row))

    async def _do(self, statement: Any) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._write(work)

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        async def write() -> None:
            async with writing(self.engine) as connection:
                await work(connection)

        await self._whole(write())

    async def _read(self, query: Any) -> list[dict[str, Any]]:
        async def read() -> list[dict[str, Any]]:
            async with reading(self.engine) as connection:
                return [dict(row) for row in (await connection.execute(query)).mappings()]

        return await self._whole(read())

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a query to its end even when the caller is cancelled: a cancelled query never returns its connection."""
        with storage_errors("the catalog does not answer", errors=SQL_ERRORS):
            return await self._queries.finish(work)
