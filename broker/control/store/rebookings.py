"""Re-booking requests in the store: made in the transaction that saves the end of their session, closed by a slot or by
a decision. Rows are never removed."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.rebooking import Rebooking, RebookingState, check_open
from broker.control.store.base import StorePart
from broker.control.store.tables import rebookings, slots
from broker.kernel.errors import NotFound
from broker.kernel.ids import RebookingId, SessionId, SiteId, SlotId

MOST = 500
"""Requests in one list, newest first."""


class Rebookings(StorePart):
    """The part of the store for re-booking requests."""

    async def rebooking(self, id: str) -> Rebooking:
        """Return the request with this id. Raises NotFound."""
        async with self._reading() as db:
            return await read_one(db, rebookings.c.id == id)

    async def rebooking_of(self, session: str) -> Rebooking | None:
        """Return the request that a session made, or None."""
        async with self._reading() as db:
            return next(iter(await read(db, rebookings.c.session == session)), None)

    async def rebookings(
        self, sites: Collection[SiteId] | None = None, state: RebookingState | None = None
    ) -> list[Rebooking]:
        """Return the newest requests for visits of these sites (None: all), in one state or in any."""
        which: list[ColumnElement[bool]] = []
        if sites is not None:
            own = select(slots.c.id).where(or_(slots.c.prison_site.in_(sites), slots.c.visitor_site.in_(sites)))
            which.append(rebookings.c.slot.in_(own))
        if state is not None:
            which.append(rebookings.c.state == str(state))
        async with self._reading() as db:
            return await read(db, *which)

    async def decline_rebooking(self, id: str, by: str, reason: str) -> Rebooking:
        """Close an open request without a visit. Raises NotFound, or Conflict where it is closed."""
        async with self._writing() as db:
            check_open(await read_one(db, rebookings.c.id == id))
            values = {"by": by, "reason": reason, "decided_at": self.clock.now().wall}
            await _close(db, id, state=RebookingState.DECLINED, **values)
            return await read_one(db, rebookings.c.id == id)


async def read(db: AsyncConnection, *which: ColumnElement[bool]) -> list[Rebooking]:
    """Return requests, newest first, in the caller's transaction."""
    query = select(rebookings).where(*which).order_by(rebookings.c.at.desc(), rebookings.c.id).limit(MOST)
    return [_rebooking(row) for row in await db.execute(query)]


async def read_one(db: AsyncConnection, which: ColumnElement[bool]) -> Rebooking:
    """Return one request, in the caller's transaction. Raises NotFound."""
    found = await read(db, which)
    if not found:
        raise NotFound("There is no such re-booking request.", "没有该重新安排请求。")
    return found[0]


async def add(db: AsyncConnection, request: Rebooking) -> None:
    """Store a request, once a session, in the caller's transaction; again it changes nothing."""
    if not await read(db, rebookings.c.session == request.session):
        await db.execute(insert(rebookings).values(_columns(request)))


async def keep(db: AsyncConnection, id: str, slot: SlotId, by: str, at: Any) -> None:
    """Note the slot by which a request is kept, in the caller's transaction."""
    await _close(db, id, state=RebookingState.REBOOKED, new_slot=slot, by=by, decided_at=at)


async def reopen(db: AsyncConnection, slot: str) -> None:
    """Open the request again that this slot kept, because the slot is cancelled, in the caller's transaction."""
    kept = rebookings.c.new_slot == slot
    values = {"state": str(RebookingState.OPEN), "new_slot": None, "by": "", "decided_at": None}
    await db.execute(update(rebookings).where(kept).values(values))


async def _close(db: AsyncConnection, id: str, *, state: RebookingState, **values: Any) -> None:
    await db.execute(update(rebookings).where(rebookings.c.id == id).values(state=str(state), **values))


def _columns(request: Rebooking) -> dict[str, Any]:
    return {
        "id": request.id,
        "session": request.session,
        "slot": request.slot,
        "cause": request.cause,
        "article": request.article,
        "at": request.at,
        "state": str(request.state),
        "new_slot": request.new_slot,
        "by": request.by,
        "reason": request.reason,
        "decided_at": request.decided_at,
    }


def _rebooking(row: Row[Any]) -> Rebooking:
    return Rebooking(
        RebookingId(row.id),
        SessionId(row.session),
        SlotId(row.slot),
        row.cause,
        row.article,
        row.at,
        RebookingState(row.state),
        SlotId(row.new_slot) if row.new_slot else None,
        row.by,
        row.reason,
        row.decided_at,
    )
