"""The sites of the province, and the rooms of each of them."""

from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.packs import pack_named
from broker.control.store.base import StorePart, check_name
from broker.control.store.records import Room, Site, SiteKind
from broker.control.store.tables import rooms, sites
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import RoomId, SiteId


class Registry(StorePart):
    """The part of the store for places."""

    async def add_site(self, id: str, kind: SiteKind, name: str, policy: str, parent: str | None = None) -> Site:
        """Add a site and return it. `policy` is the name or the path of a pack, `parent` the site over it.

        Raises BadRequest, PolicyViolation (a pack looser than its law), NotFound (parent) or Conflict.
        """
        check_name("site", id)
        pack_named(policy)
        site = Site(SiteId(id), SiteKind(kind), name, policy, SiteId(parent) if parent else None)
        async with self._writing() as db:
            if await _exists(db, select(sites.c.id).where(sites.c.id == id)):
                raise Conflict(f"There is already a site {id}.", f"单位 {id} 已存在。")
            await _check_parent(db, id, parent)
            values = {"id": id, "kind": str(site.kind), "name": name, "policy": policy, "parent": site.parent}
            await db.execute(insert(sites).values(values))
        return site

    async def site(self, id: str) -> Site:
        """Return the site with this id. Raises NotFound."""
        async with self._reading() as db:
            row = (await db.execute(select(sites).where(sites.c.id == id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no site {id}.", f"没有单位 {id}。")
        return _site(row)

    async def rename_site(self, id: str, name: str) -> None:
        """Give a site another name. Raises NotFound."""
        async with self._writing() as db:
            done = await db.execute(update(sites).where(sites.c.id == id).values(name=name))
            if done.rowcount == 0:
                raise NotFound(f"There is no site {id}.", f"没有单位 {id}。")

    async def sites(self) -> list[Site]:
        """Return all sites in the order of their ids."""
        async with self._reading() as db:
            return [_site(row) for row in await db.execute(select(sites).order_by(sites.c.id))]

    async def put_under(self, id: str, parent: str | None) -> None:
        """Set the site over this one; None means that none is. Raises NotFound, or BadRequest for a circle."""
        async with self._writing() as db:
            await _check_parent(db, id, parent)
            done = await db.execute(update(sites).where(sites.c.id == id).values(parent=parent))
            if done.rowcount == 0:
                raise NotFound(f"There is no site {id}.", f"没有单位 {id}。")

    async def sites_below(self, id: str) -> frozenset[SiteId]:
        """Return this site and all sites below it, over any number of steps."""
        async with self._reading() as db:
            over = {row.id: row.parent for row in await db.execute(select(sites.c.id, sites.c.parent))}
        below, more = set(), {id}
        while more:  # also ends where the rows form a circle
            below |= more
            more = {site for site, parent in over.items() if parent in more} - below
        return frozenset(SiteId(site) for site in below)

    async def add_room(self, id: str, site: str, name: str) -> Room:
        """Add a room to a site and return it. Raises BadRequest, NotFound (site) or Conflict (the id is taken, or the
        site is closed)."""
        check_name("room", id)
        async with self._writing() as db:
            await _check_takes_rooms(db, site)
            if await _exists(db, select(rooms.c.id).where(rooms.c.id == id)):
                raise Conflict(f"There is already a room {id}.", f"会见室 {id} 已存在。")
            await db.execute(insert(rooms).values(id=id, site=site, name=name))
        return Room(RoomId(id), SiteId(site), name)

    async def room(self, id: str) -> Room:
        """Return the room with this id. Raises NotFound."""
        async with self._reading() as db:
            row = (await db.execute(select(rooms).where(rooms.c.id == id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no room {id}.", f"没有会见室 {id}。")
        return _room(row)

    async def rename_room(self, id: str, name: str) -> None:
        """Give a room another name. Raises NotFound."""
        async with self._writing() as db:
            done = await db.execute(update(rooms).where(rooms.c.id == id).values(name=name))
            if done.rowcount == 0:
                raise NotFound(f"There is no room {id}.", f"没有会见室 {id}。")

    async def rooms(self, site: str | None = None) -> list[Room]:
        """Return the rooms of a site, or all rooms, in the order of their ids."""
        query = select(rooms).order_by(rooms.c.id)
        if site is not None:
            query = query.where(rooms.c.site == site)
        async with self._reading() as db:
            return [_room(row) for row in await db.execute(query)]


async def _check_takes_rooms(db: AsyncConnection, site: str) -> None:
    """Raise NotFound, Conflict or BadRequest where a room cannot be added to a site."""
    row = (await db.execute(select(sites).where(sites.c.id == site))).one_or_none()
    if row is None:
        raise NotFound(f"There is no site {site}.", f"没有单位 {site}。")
    if not SiteKind(row.kind).has_rooms:
        raise BadRequest(
            "A city's or a province's bureau has no visiting rooms: add it to a prison, a bureau or an office.",
            "省、市级单位不设会见室，请在监狱、县（区）司法局或司法所下增设。",
        )
    if row.closed_at is not None:
        raise Conflict(f"Site {site} is closed: reopen it first.", f"单位 {site} 已停用，请先恢复使用。")


async def _check_parent(db: AsyncConnection, id: str, parent: str | None) -> None:
    """Raise NotFound where there is no such parent, BadRequest where the site would be over itself."""
    seen = {id}
    above = parent
    while above:
        if above in seen:
            raise BadRequest("A site cannot be over itself.", "单位不能是自身的上级。")
        seen.add(above)
        row = (await db.execute(select(sites.c.parent).where(sites.c.id == above))).one_or_none()
        if row is None:
            raise NotFound(f"There is no site {above}.", f"没有单位 {above}。")
        above = row.parent


async def _exists(db: AsyncConnection, query: Select[Any]) -> bool:
    return (await db.execute(query)).first() is not None


def _site(row: Row[Any]) -> Site:
    return Site(row.id, SiteKind(row.kind), row.name, row.policy, row.parent, row.closed_at)


def _room(row: Row[Any]) -> Room:
    return Room(row.id, row.site, row.name, row.closed_at)
