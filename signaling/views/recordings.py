"""The catalog of recordings as auditors may read it: the recorder's rows joined with the slots they belong to, because
both sites of a visit may audit it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.control.store.tables import slots
from broker.kernel.database import reading, storage_errors
from recorder.archive.tables import HOLDS, RECORDINGS, VIEWS

MOST = 2000  # of one day: what a page can show and a province does not reach


class Recordings:
    """Read access to the catalog. Rows have the columns of the recorder's table. Raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def listed(self, since: datetime, until: datetime, site: str | None) -> list[Mapping[str, Any]]:
        """Return the recordings that began in [since, until) and belong to `site` (None: all sites), in order of
        time."""
        query = _of_site(site).where(RECORDINGS.c.started_at >= since, RECORDINGS.c.started_at < until)
        return await self._read(query.order_by(RECORDINGS.c.started_at, RECORDINGS.c.session).limit(MOST))

    async def one(self, session: str, site: str | None) -> Mapping[str, Any] | None:
        """Return the recording of a session, or None where there is none or it is not of `site` (None: any)."""
        rows = await self._read(_of_site(site).where(RECORDINGS.c.session == session))
        return rows[0] if rows else None

    async def of(self, sessions: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return the recordings of these sessions, by session."""
        rows = await self._read(select(RECORDINGS).where(RECORDINGS.c.session.in_(sessions)))
        return {row["session"]: row for row in rows}

    async def copies(self, sessions: Sequence[str]) -> dict[str, str]:
        """Return the states of the view copies of these sessions, by session."""
        query = select(VIEWS.c.session, VIEWS.c.state).where(VIEWS.c.session.in_(sessions))
        return {row["session"]: row["state"] for row in await self._read(query)}

    async def held(self, sessions: Sequence[str]) -> set[str]:
        """Return those of these sessions on which a legal hold stands."""
        query = select(HOLDS.c.session).where(HOLDS.c.session.in_(sessions), HOLDS.c.lifted_at.is_(None)).distinct()
        return {row["session"] for row in await self._read(query)}

    async def holds(self, session: str) -> list[Mapping[str, Any]]:
        """Return all legal holds on a recording, lifted ones too, in their order."""
        return await self._read(select(HOLDS).where(HOLDS.c.session == session).order_by(HOLDS.c.id))

    async def _read(self, query: Select[Any]) -> list[Mapping[str, Any]]:
        with storage_errors("The catalog does not answer ({error})."):
            async with reading(self._engine) as db:
                return [dict(row) for row in (await db.execute(query)).mappings()]


def sessions_of(site: str) -> Select[Any]:
    """Return the query of the sessions whose recordings belong to a site."""
    return _of_site(site).with_only_columns(RECORDINGS.c.session)


def _of_site(site: str | None) -> Select[Any]:
    query = select(RECORDINGS)
    if site is None:
        return query
    query = query.outerjoin(slots, slots.c.session == RECORDINGS.c.session)
    return query.where(or_(RECORDINGS.c.site == site, slots.c.prison_site == site, slots.c.visitor_site == site))
