"""The drills that were made, each with its result as it was signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update

from broker.booking.slot import Place, Slot
from broker.control.store.base import StorePart
from broker.control.store.tables import drills
from broker.drills.day import Outcome
from broker.drills.result import INTERRUPTED, DrillState
from broker.kernel.errors import NotFound
from broker.kernel.ids import RoomId, SessionId, SiteId

MOST = 200


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill: its session, its rooms, who ordered it and how it went. `failed_at` names the step that failed first, ""
    where none did; `result` is None while it runs."""

    session: SessionId
    prison: Place
    visitor: Place
    begun_at: datetime
    ended_at: datetime | None
    by: str
    state: DrillState
    failed_at: str
    result: Mapping[str, Any] | None

    @property
    def outcome(self) -> Outcome:
        """What the day's drills need to know of it."""
        failed_at = None if self.state is DrillState.RUNNING else self.failed_at
        return Outcome(self.session, self.prison.room, self.visitor.room, self.begun_at, failed_at)


class Drills(StorePart):
    """The part of the store for drills."""

    async def begin_drill(self, slot: Slot, by: str) -> None:
        """Store a drill that begins; its slot is stored already."""
        values = {
            "session": slot.session,
            "prison_room": slot.prison.room,
            "visitor_room": slot.visitor.room,
            "prison_site": slot.prison.site,
            "visitor_site": slot.visitor.site,
            "begun_at": slot.starts_at,
            "by": by,
            "state": str(DrillState.RUNNING),
            "failed_at": "",
        }
        async with self._writing() as db:
            await db.execute(insert(drills).values(values))

    async def end_drill(self, session: str, state: DrillState, failed_at: str, result: Mapping[str, Any]) -> None:
        """Store the result of a drill, once: it is signed and does not change."""
        mine = (drills.c.session == session) & (drills.c.state == str(DrillState.RUNNING))
        values = {"state": str(state), "failed_at": failed_at, "result": dict(result)}
        async with self._writing() as db:
            await db.execute(update(drills).where(mine).values(ended_at=self.clock.now().wall, **values))

    async def interrupt_drills(self) -> list[str]:
        """Let the drills fail that an earlier process did not finish; return their sessions."""
        running = drills.c.state == str(DrillState.RUNNING)
        values = {"state": str(DrillState.FAILED), "failed_at": INTERRUPTED, "ended_at": self.clock.now().wall}
        async with self._writing() as db:
            found = [str(row.session) for row in await db.execute(select(drills.c.session).where(running))]
            await db.execute(update(drills).where(running).values(values))
        return found

    async def drill(self, session: str) -> Drill:
        """Return the drill of that session. Raises NotFound."""
        found = await self._drills(drills.c.session == session)
        if not found:
            raise NotFound("There is no such drill.", "没有该演练。")
        return found[0]

    async def drills_since(self, since: datetime, site: str | None = None) -> list[Drill]:
        """Return the drills that began at `since` or later, newest first, of a site or of all; the newest MOST."""
        which = drills.c.begun_at >= since
        if site is not None:
            which &= or_(drills.c.prison_site == site, drills.c.visitor_site == site)
        return await self._drills(which)

    async def forget_drills(self, before: datetime) -> None:
        """Remove the drills that began before a moment; their slots stay, as do the entries of the journal."""
        async with self._writing() as db:
            await db.execute(delete(drills).where(drills.c.begun_at < before))

    async def _drills(self, which: ColumnElement[bool]) -> list[Drill]:
        query = select(drills).where(which).order_by(drills.c.begun_at.desc(), drills.c.session).limit(MOST)
        async with self._reading() as db:
            return [_drill(row) for row in await db.execute(query)]


def _drill(row: Row[Any]) -> Drill:
    return Drill(
        SessionId(row.session),
        Place(SiteId(row.prison_site), RoomId(row.prison_room)),
        Place(SiteId(row.visitor_site), RoomId(row.visitor_room)),
        row.begun_at,
        row.ended_at,
        row.by,
        DrillState(row.state),
        row.failed_at,
        row.result,
    )
