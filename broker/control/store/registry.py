"""Sites, their rooms, and the terminal of each room."""

from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.packs import pack_named
from broker.control.store.base import StorePart, check_name
from broker.control.store.records import Room, Site, SiteKind, Terminal
from broker.control.store.secrets import new_token, token_hash
from broker.control.store.tables import rooms, sites, terminals
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import RoomId, SiteId, TerminalId, new_id


class Registry(StorePart):
    """The part of the store for places and devices."""

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
        """Add a room to a site and return it. Raises BadRequest, NotFound (site) or Conflict."""
        check_name("room", id)
        async with self._writing() as db:
            if not await _exists(db, select(sites.c.id).where(sites.c.id == site)):
                raise NotFound(f"There is no site {site}.", f"没有单位 {site}。")
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
        return Room(row.id, row.site, row.name)

    async def rooms(self, site: str | None = None) -> list[Room]:
        """Return the rooms of a site, or all rooms, in the order of their ids."""
        query = select(rooms).order_by(rooms.c.id)
        if site is not None:
            query = query.where(rooms.c.site == site)
        async with self._reading() as db:
            return [Room(row.id, row.site, row.name) for row in await db.execute(query)]

    async def enrol_terminal(self, room: str, replace: bool = False) -> str:
        """Enrol a device for a room and return its token, which is stored nowhere.

        A room has one terminal (Yunnan 27(1)): `replace` revokes the present one; without it Conflict is raised.
        Raises NotFound where there is no such room.
        """
        token, now = new_token("trm"), self.clock.now().wall
        in_use = (terminals.c.room == room) & terminals.c.revoked_at.is_(None)
        async with self._writing() as db:
            if not await _exists(db, select(rooms.c.id).where(rooms.c.id == room)):
                raise NotFound(f"There is no room {room}.", f"没有会见室 {room}。")
            if replace:
                await db.execute(update(terminals).where(in_use).values(revoked_at=now))
            elif await _exists(db, select(terminals.c.id).where(in_use)):
                raise Conflict(
                    f"Room {room} has a terminal; revoke or replace it.",
                    f"会见室 {room} 已登记终端，请先注销或替换。",
                )
            values = {"id": new_id("trm"), "room": room, "token_hash": token_hash(token)}
            await db.execute(insert(terminals).values(enrolled_at=now, **values))
        return token

    async def terminal_by_token(self, token: str) -> Terminal | None:
        """Return the terminal with this token, or None where it is unknown or revoked."""
        query = _terminals().where(terminals.c.token_hash == token_hash(token), terminals.c.revoked_at.is_(None))
        async with self._reading() as db:
            row = (await db.execute(query)).one_or_none()
        return _terminal(row) if row is not None else None

    async def _terminals_of(self, db: AsyncConnection, hashes: list[str]) -> dict[str, Terminal]:
        """Return the terminals in use whose tokens have these hashes."""
        query = _terminals().add_columns(terminals.c.token_hash)
        query = query.where(terminals.c.token_hash.in_(hashes), terminals.c.revoked_at.is_(None))
        return {row.token_hash: _terminal(row) for row in await db.execute(query)}

    async def terminals(self) -> list[Terminal]:
        """Return all terminals that were ever enrolled, by room and then by age."""
        query = _terminals().order_by(terminals.c.room, terminals.c.enrolled_at)
        async with self._reading() as db:
            return [_terminal(row) for row in await db.execute(query)]

    async def revoke_terminal(self, id: str) -> None:
        """Revoke a terminal for good. Raises NotFound where no such terminal is in use."""
        live = (terminals.c.id == id) & terminals.c.revoked_at.is_(None)
        async with self._writing() as db:
            now = self.clock.now().wall
            done = await db.execute(update(terminals).where(live).values(revoked_at=now))
            if done.rowcount == 0:
                raise NotFound(f"There is no terminal {id} in use.", f"没有在用终端 {id}。")


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
    return Site(row.id, SiteKind(row.kind), row.name, row.policy, row.parent)


def _terminals() -> Select[Any]:
    columns = [column for column in terminals.c if column.name != "token_hash"]
    return select(*columns, rooms.c.site).join(rooms, rooms.c.id == terminals.c.room)


def _terminal(row: Row[Any]) -> Terminal:
    return Terminal(TerminalId(row.id), row.room, row.site, row.enrolled_at, row.revoked_at)
