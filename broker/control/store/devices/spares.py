"""Spare terminals (备用终端): by an approver's word one acts for a room in the place of the room's own terminal, which
is out of service until the spare is released. One terminal acts for a room at any time (Yunnan 27(1)), none for a room
of another site."""

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.control.store.base import StorePart
from broker.control.store.tables import rooms, terminals
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import RoomId, SiteId, TerminalId

_IN_USE = terminals.c.revoked_at.is_(None)


@dataclass(frozen=True, slots=True)
class Change:
    """A room whose terminal has changed: `terminal` acts for it from now on, `former` did until now; "" for none."""

    room: RoomId
    site: SiteId
    terminal: TerminalId
    former: TerminalId


class Spares(StorePart):
    """The part of the store for terminals that take a room over, and give it back."""

    async def assign_terminal(self, id: str, room: str) -> Change:
        """Let a terminal without a room act for a room of its site, instead of the one that does so now. A room's own
        terminal takes its room back in the same way.

        Raises NotFound (terminal, or room at its site), or Conflict where it has a room, or its key is in dispute.
        """
        async with self._writing() as db:
            site = await self._assignable(db, id, room)
            mine = select(rooms.c.closed_at).where(rooms.c.id == room, rooms.c.site == site)
            row = (await db.execute(mine)).first()
            if row is None:
                raise NotFound(f"Site {site} has no room {room}.", f"单位 {site} 没有会见室 {room}。")
            if row.closed_at is not None:
                raise Conflict(f"Room {room} is closed.", f"会见室 {room} 已停用。")
            former = await _acting(db, room)
            await db.execute(update(terminals).where(terminals.c.id == former).values(room=None))
            await db.execute(update(terminals).where(terminals.c.id == id).values(room=room))
        return Change(RoomId(room), SiteId(site), TerminalId(id), TerminalId(former))

    async def release_terminal(self, id: str) -> Change:
        """Take a spare out of the room for which it acts; the room's own terminal, where it has one in use, acts for it
        again. Raises NotFound, or Conflict for a terminal that acts for no room, or for its own."""
        async with self._writing() as db:
            row = (await db.execute(select(terminals).where(terminals.c.id == id, _IN_USE))).one_or_none()
            if row is None:
                raise _unknown(id)
            if row.room is None or row.room == row.home:
                raise Conflict(
                    "This terminal stands in for no other: there is nothing to release.",
                    "该终端未在代替其他终端，无需退出。",
                )
            await db.execute(update(terminals).where(terminals.c.id == id).values(room=None))
            own = select(terminals.c.id).where(terminals.c.home == row.room, _IN_USE)
            resumed = (await db.execute(own)).scalar() or ""
            await db.execute(update(terminals).where(terminals.c.id == resumed).values(room=row.room))
        return Change(RoomId(row.room), SiteId(row.site), TerminalId(resumed), TerminalId(id))

    @staticmethod
    async def _assignable(db: AsyncConnection, id: str, room: str) -> str:
        """Return the site of a terminal that may take a room over."""
        row = (await db.execute(select(terminals).where(terminals.c.id == id, _IN_USE))).one_or_none()
        if row is None:
            raise _unknown(id)
        if row.room is not None:
            raise Conflict(
                f"This terminal acts for room {row.room}; a terminal without a room is assigned.",
                f"该终端正用于会见室 {row.room}，只有未使用的终端可以接替。",
            )
        if row.public_key is None or row.conflicted_at is not None:
            raise Conflict(
                "This terminal is refused itself: an administrator has to decide on its key first.",
                "该终端本身未被认可，请先由系统管理员处理其密钥。",
            )
        return str(row.site)


async def _acting(db: AsyncConnection, room: str) -> str:
    query = select(terminals.c.id).where(terminals.c.room == room, _IN_USE)
    return (await db.execute(query)).scalar() or ""


def _unknown(id: str) -> NotFound:
    return NotFound(f"There is no terminal {id} in use.", f"没有在用终端 {id}。")
