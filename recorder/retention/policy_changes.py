"""A policy that asks for more months lengthens what is recorded already, and for good: the later date is written down
as soon as the change is seen, so that a policy that asks for less again finds nothing to shorten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import reading, writing
from broker.kernel.errors import StorageUnavailable
from recorder.archive.catalog import PURGED
from recorder.archive.tables import RECORDINGS, SEEN_MONTHS
from recorder.retention.rules import LEAST_MONTHS, later

PAGE = 2000
_ROW = RECORDINGS.c


async def extend_due_dates(engine: AsyncEngine, months: Mapping[str, int], now: datetime) -> int:
    """Write down later due dates where a site's policy has changed since it was last seen; how many. `months`: what
    each site's policy asks for now. Broken off, it is done again. Raises StorageUnavailable."""
    moved = 0
    try:
        async with reading(engine) as db:
            seen = {row.site: row.months for row in await db.execute(select(SEEN_MONTHS))}
        for site, count in months.items():
            if seen.get(site) != count:
                # Also at a change to less: what was recorded under the longer one may carry a shorter date of its own.
                moved += await _lengthen_site(engine, site, max(count, seen.get(site, count)))
                await _see(engine, site, count, now)
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable("The due dates cannot be written.") from error
    return moved


async def _lengthen_site(engine: AsyncEngine, site: str, months: int) -> int:
    if months <= LEAST_MONTHS:
        return 0  # no date was ever written for less
    query = select(_ROW.session, _ROW.ended_at, _ROW.due_at).where(_ROW.site == site, _ROW.state != PURGED)
    query = query.where(_ROW.due_at.is_not(None)).order_by(_ROW.session).limit(PAGE)
    page, moved = query, 0
    while True:
        async with writing(engine) as db:
            rows = (await db.execute(page)).all()
            if longer := [one for one in map(lambda row: _longer(row, months), rows) if one is not None]:
                change = RECORDINGS.update().where(_ROW.session == bindparam("one"))
                await db.execute(change.values(due_at=bindparam("later")), longer)
        if not rows:
            return moved
        moved += len(longer)
        page = query.where(_ROW.session > rows[-1].session)


def _longer(row: Any, months: int) -> dict[str, Any] | None:
    due = later(row.due_at, row.ended_at, months)
    return None if due is None or due == row.due_at else {"one": row.session, "later": due}


async def _see(engine: AsyncEngine, site: str, months: int, now: datetime) -> None:
    async with writing(engine) as db:
        await db.execute(SEEN_MONTHS.delete().where(SEEN_MONTHS.c.site == site))
        await db.execute(SEEN_MONTHS.insert().values(site=site, months=months, at=now))
