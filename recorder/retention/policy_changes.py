"""Changes of a policy's retention. A policy that asks for more months moves the due dates of existing recordings, and
the later dates stay: they are written down when the change is first seen, so that a later change to less shortens
nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.database import reading, storage_errors, writing
from recorder.archive.catalog import PURGED
from recorder.archive.tables import RECORDINGS, SEEN_MONTHS
from recorder.retention.rules import LEAST_MONTHS, later

PAGE = 2000
_ROW = RECORDINGS.c


async def extend_due_dates(engine: AsyncEngine, months: Mapping[str, int], now: datetime) -> int:
    """Write later due dates where a site's policy has changed since the last call; return how many. `months`: of each
    site's policy now. A call that was broken off is repeated by the next. Raises StorageUnavailable."""
    moved = 0
    with storage_errors("The due dates cannot be written."):
        async with reading(engine) as db:
            seen = {row.site: row.months for row in await db.execute(select(SEEN_MONTHS))}
        for site, count in months.items():
            if seen.get(site) != count:
                # Also at a change to less: a recording made under the longer policy may carry an earlier date.
                moved += await _extend_site(engine, site, max(count, seen.get(site, count)))
                await _note_months(engine, site, count, now)
    return moved


async def _extend_site(engine: AsyncEngine, site: str, months: int) -> int:
    if months <= LEAST_MONTHS:
        return 0  # no date was ever written for fewer months
    query = select(_ROW.session, _ROW.ended_at, _ROW.due_at).where(_ROW.site == site, _ROW.state != PURGED)
    query = query.where(_ROW.due_at.is_not(None)).order_by(_ROW.session).limit(PAGE)
    page, moved = query, 0
    while True:
        async with writing(engine) as db:
            rows = (await db.execute(page)).all()
            if longer := [change for change in (_later(row, months) for row in rows) if change is not None]:
                update = RECORDINGS.update().where(_ROW.session == bindparam("recording"))
                await db.execute(update.values(due_at=bindparam("later")), longer)
        if not rows:
            return moved
        moved += len(longer)
        page = query.where(_ROW.session > rows[-1].session)


def _later(row: Any, months: int) -> dict[str, Any] | None:
    due = later(row.due_at, row.ended_at, months)
    return None if due is None or due == row.due_at else {"recording": row.session, "later": due}


async def _note_months(engine: AsyncEngine, site: str, months: int, now: datetime) -> None:
    async with writing(engine) as db:
        await db.execute(SEEN_MONTHS.delete().where(SEEN_MONTHS.c.site == site))
        await db.execute(SEEN_MONTHS.insert().values(site=site, months=months, at=now))
