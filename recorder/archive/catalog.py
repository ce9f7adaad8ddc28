"""The catalog of recordings in the database. An intent is written before the first byte of a part; whatever happens
then, the next start finds the intent and can ask what became of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.database import reading, writing
from broker.kernel.errors import StorageUnavailable
from recorder.archive.tables import INTENTS, RECORDINGS

T = TypeVar("T")
PAGE = 2000
RECORDING, FINALIZING, ARCHIVED, FAILED = "recording", "finalizing", "archived", "failed"
PURGING, PURGED = "purging", "purged"
TOLD = (ARCHIVED, FAILED)
DONE = (*TOLD, PURGING, PURGED)
NO_FILES, NO_PLAN = "no_files", "no_plan"
"""Why a recording failed of which there was an intent and nothing else, or films of which nobody knows more."""
ANEW = (NO_FILES, NO_PLAN)
"""So far a recording can still begin."""


class Catalog:
    """The two tables. Every method raises StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._running: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Let what runs end, then close the database."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.engine.dispose()

    async def intend(self, session: str, site: str, part: int, path: str, policy: str, at: datetime) -> None:
        """Note that a part is about to be written; where nothing was found of an earlier one, it begins anew."""
        intent = INTENTS.insert().values(session=session, part=part, at=at, path=path)
        row = {"session": session, "site": site, "state": RECORDING, "announced": False}
        row |= {"created_at": at, "started_at": at, "policy": policy}

        async def work(connection: AsyncConnection) -> None:
            known = (await connection.execute(select(RECORDINGS.c.state).filter_by(session=session))).first()
            if known is None:
                await connection.execute(RECORDINGS.insert().values(**row))
            elif known.state == FAILED:
                again = {"state": RECORDING, "reason": None, "announced": False}
                await connection.execute(RECORDINGS.update().where(RECORDINGS.c.session == session).values(**again))
            await connection.execute(intent)

        await self._write(work)

    async def parts(self, session: str) -> int:
        """How many parts were ever intended for a session."""
        rows = await self._read(select(INTENTS.c.part).where(INTENTS.c.session == session))
        return max((row["part"] for row in rows), default=0)

    async def row(self, session: str) -> dict[str, Any] | None:
        """What is known of a session's recording."""
        rows = await self._read(select(RECORDINGS).where(RECORDINGS.c.session == session))
        return rows[0] if rows else None

    async def unfinished(self) -> list[dict[str, Any]]:
        """Recordings that are neither archived nor failed."""
        return await self._read(select(RECORDINGS).where(RECORDINGS.c.state.not_in(DONE)))

    async def unannounced(self) -> list[dict[str, Any]]:
        """Finished recordings that the control process has not acknowledged."""
        return await self._read(select(RECORDINGS).where(RECORDINGS.c.state.in_(TOLD), ~RECORDINGS.c.announced))

    async def sessions(self) -> set[str]:
        """All sessions that have a row."""
        return {row["session"] for row in await self._read(select(RECORDINGS.c.session))}

    async def rows(self, sessions: Sequence[str]) -> dict[str, dict[str, Any]]:
        """State and reason of those of some sessions that have a row."""
        wanted = select(RECORDINGS.c.session, RECORDINGS.c.state, RECORDINGS.c.reason)
        rows = await self._read(wanted.where(RECORDINGS.c.session.in_(sessions)))
        return {str(row["session"]): row for row in rows}

    async def archived(self) -> AsyncIterator[dict[str, Any]]:
        """Session, path and hashes of all archived recordings, page by page."""
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
        """Change a row."""
        await self._do(RECORDINGS.update().where(RECORDINGS.c.session == session).values(**values))

    async def put(self, row: dict[str, Any]) -> None:
        """Add a row that should have been there."""
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
        """Run to the end whoever is cancelled: a query cut off half-way leaves its connection behind for ever."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except SQLAlchemyError as error:
            raise StorageUnavailable("the catalog does not answer") from error
