"""Legal holds (证据保全): while a recording is held, nothing deletes it, even when it is due or being purged."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.errors import BadRequest, Conflict, NotFound
from recorder.archive.catalog import PURGED, PURGING
from recorder.archive.tables import HOLDS, RECORDINGS

HELD = exists().where(HOLDS.c.session == RECORDINGS.c.session, HOLDS.c.lifted_at.is_(None))
"""Condition that a row of RECORDINGS is held, for queries on that table."""


class Holds:
    """The table of legal holds. Every method raises StorageUnavailable where the database does not answer."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, session: str, reason: str, by: str, at: datetime) -> int:
        """Hold a recording, also one that is still being made; return the number of the hold.

        Raises NotFound, BadRequest, and Conflict where its files are removed or being removed.
        """
        if not reason.strip():
            raise BadRequest("A hold needs a reason.", "保全必须写明理由。")
        query = select(RECORDINGS.c.state, RECORDINGS.c.purge).where(RECORDINGS.c.session == session)
        with storage_errors("The holds cannot be written."):
            async with writing(self._engine) as db:
                row = (await db.execute(query)).one_or_none()
                if row is None:
                    raise NotFound(f"There is no recording of {session}.", f"没有 {session} 的录像。")
                if row.state == PURGED or (row.state == PURGING and "begun" in row.purge):
                    raise Conflict("The recording is already deleted.", "录像已按期销毁。")
                done = await db.execute(HOLDS.insert().values(session=session, reason=reason, by=by, at=at))
                key = done.inserted_primary_key
                assert key is not None
                return int(key[0])

    async def lift(self, session: str, why: str, by: str, at: datetime) -> int:
        """Lift every hold of a recording; return how many there were. Raises NotFound, BadRequest."""
        if not why.strip():
            raise BadRequest("Lifting a hold needs a reason.", "解除保全必须写明理由。")
        standing = (HOLDS.c.session == session) & HOLDS.c.lifted_at.is_(None)
        with storage_errors("The holds cannot be written."):
            async with writing(self._engine) as db:
                values = {"lifted_at": at, "lifted_by": by, "lifted_why": why}
                done = await db.execute(HOLDS.update().where(standing).values(values))
        if done.rowcount == 0:
            raise NotFound(f"{session} is not held.", f"{session} 没有保全。")
        return int(done.rowcount)

    async def listed(self, all: bool = False) -> list[dict[str, Any]]:
        """Return the standing holds, or with `all` every hold ever set, oldest first."""
        query = select(HOLDS).order_by(HOLDS.c.id)
        with storage_errors("The holds cannot be read."):
            async with reading(self._engine) as db:
                rows = await db.execute(query if all else query.where(HOLDS.c.lifted_at.is_(None)))
                return [dict(row) for row in rows.mappings()]
