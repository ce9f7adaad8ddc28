"""Sites and rooms that are closed (停用): from then on they take no visits, terminals or accounts, and all that was
kept of them stays. A place is closed once nothing depends on it any more, so that no booked visit loses its room."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.slots import ENDED
from broker.control.store.tables import enrolment_codes, rooms, sites, slots, snapshots, terminals
from broker.kernel.errors import Conflict, NotFound

_IN_USE = terminals.c.revoked_at.is_(None)


class Closings(StorePart):
    """The part of the store for places that are closed and opened again."""

    async def close_room(self, id: str) -> None:
        """Close a room; a code by which a terminal would be enrolled there is worthless.

        Raises NotFound, or Conflict where it is closed, has a terminal, or visits are booked there.
        """
        async with self._writing() as db:
            await _check_room(db, id, closed=False)
            await _check_no_terminal(db, or_(terminals.c.room == id, terminals.c.home == id))
            now = self.clock.now().wall
            await _check_no_visits(db, or_(slots.c.prison_room == id, slots.c.visitor_room == id), now)
            await db.execute(delete(enrolment_codes).where(enrolment_codes.c.room == id))
            await db.execute(update(rooms).where(rooms.c.id == id).values(closed_at=now))

    async def reopen_room(self, id: str) -> None:
        """Open a closed room again. Raises NotFound, or Conflict where it is open, or its site is closed."""
        async with self._writing() as db:
            site = await _check_room(db, id, closed=True)
            await _check_site(db, site, closed=False)
            await db.execute(update(rooms).where(rooms.c.id == id).values(closed_at=None))

    async def close_site(self, id: str) -> None:
        """Close a site; its rooms are closed before. Its accounts stay, as its records do.

        Raises NotFound, or Conflict where it is closed, or a room, a terminal or a site under it is in use.
        """
        async with self._writing() as db:
            await _check_site(db, id, closed=False)
            await _check_no_rooms(db, id)
            await _check_no_terminal(db, terminals.c.site == id)
            await _check_no_sites_under(db, id)
            await db.execute(delete(enrolment_codes).where(enrolment_codes.c.site == id))
            await db.execute(update(sites).where(sites.c.id == id).values(closed_at=self.clock.now().wall))

    async def reopen_site(self, id: str) -> None:
        """Open a closed site again; its rooms stay closed until each is opened. Raises NotFound or Conflict."""
        async with self._writing() as db:
            await _check_site(db, id, closed=True)
            await db.execute(update(sites).where(sites.c.id == id).values(closed_at=None))


async def _check_room(db: AsyncConnection, id: str, closed: bool) -> str:
    """Check that a room is there, and open or closed as expected; return its site. Raises NotFound or Conflict."""
    row = (await db.execute(select(rooms).where(rooms.c.id == id).with_for_update())).one_or_none()
    if row is None:
        raise NotFound(f"There is no room {id}.", f"没有会见室 {id}。")
    if (row.closed_at is not None) is not closed:
        state, words = ("closed", "已停用") if row.closed_at is not None else ("open", "正在使用")
        raise Conflict(f"Room {id} is {state} already.", f"会见室 {id} {words}，无需重复办理。")
    return str(row.site)


async def _check_site(db: AsyncConnection, id: str, closed: bool) -> None:
    """Check that a site is there, and open or closed as expected. Raises NotFound or Conflict."""
    row = (await db.execute(select(sites).where(sites.c.id == id).with_for_update())).one_or_none()
    if row is None:
        raise NotFound(f"There is no site {id}.", f"没有单位 {id}。")
    if (row.closed_at is not None) is not closed:
        state, words = ("closed", "已停用") if row.closed_at is not None else ("open", "正在使用")
        raise Conflict(f"Site {id} is {state}.", f"单位 {id} {words}。")


async def _check_no_terminal(db: AsyncConnection, where: ColumnElement[bool]) -> None:
    found = (await db.execute(select(terminals.c.id).where(where, _IN_USE))).scalars().all()
    if found:
        raise Conflict(
            f"{len(found)} terminals are enrolled there: revoke them first.",
            f"尚有 {len(found)} 台终端登记在用，请先注销终端。",
            terminals=sorted(found),
        )


async def _check_no_visits(db: AsyncConnection, where: ColumnElement[bool], now: datetime) -> None:
    over = exists().where(snapshots.c.session == slots.c.session, snapshots.c.state == ENDED)
    ahead = and_(where, slots.c.ends_at > now, slots.c.cancelled_at.is_(None), slots.c.drill.is_(False), ~over)
    count = (await db.execute(select(func.count()).select_from(slots).where(ahead))).scalar_one()
    if count:
        raise Conflict(
            f"{count} visits are booked there: cancel or move them first.",
            f"尚有 {count} 次会见已预约在此，请先撤销或改期。",
        )


async def _check_no_rooms(db: AsyncConnection, site: str) -> None:
    query = select(rooms.c.id).where(rooms.c.site == site, rooms.c.closed_at.is_(None))
    found = (await db.execute(query)).scalars().all()
    if found:
        raise Conflict(
            f"{len(found)} rooms are open: close them first.",
            f"尚有 {len(found)} 间会见室在用，请先停用会见室。",
            rooms=sorted(found),
        )


async def _check_no_sites_under(db: AsyncConnection, site: str) -> None:
    query = select(sites.c.id).where(sites.c.parent == site, sites.c.closed_at.is_(None))
    found = (await db.execute(query)).scalars().all()
    if found:
        raise Conflict(
            f"{len(found)} sites stand under it: put them under another one, or close them first.",
            f"尚有 {len(found)} 个下级单位在用，请先调整隶属关系或停用下级单位。",
            sites=sorted(found),
        )
