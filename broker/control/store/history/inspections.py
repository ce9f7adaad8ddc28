"""Inspections of visits: begun with a reason, ended by hand or by their time. They are never removed, so that each look
at a visit keeps its reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ForeignKey, Row, String, Table, Text, insert, select, update

from broker.control.store.base import StorePart
from broker.control.store.tables import metadata
from broker.kernel.database import Moment
from broker.kernel.errors import NotFound
from broker.kernel.ids import new_id

inspections = Table(
    "inspections",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", ForeignKey("slots.session"), nullable=False, index=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
LASTS = timedelta(hours=4)
"""How long one reason opens one visit: longer than any visit, and shorter than a day's work."""
MOST = 200
"""Inspections of one visit that are listed, the latest."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """One inspection of a visit by a procurator."""

    id: str
    session: str
    user: str
    reason: str
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class Inspections(StorePart):
    """The part of the store for inspections."""

    async def begin_inspection(self, session: str, user: str, reason: str) -> Inspection:
        """Begin an inspection of a visit, which exists for this user."""
        now = self.clock.now().wall
        begun = Inspection(new_id("isp"), session, user, reason, now, now + LASTS)
        values = {column.name: getattr(begun, column.name) for column in inspections.c}
        async with self._writing() as db:
            await db.execute(insert(inspections).values(values))
        return begun

    async def end_inspection(self, session: str, id: str, user: str) -> None:
        """End an inspection of one's own. Raises NotFound where there is none that goes on."""
        now = self.clock.now().wall
        open_ = (
            inspections.c.id == id,
            inspections.c.session == session,
            inspections.c.user == user,
            inspections.c.ended_at.is_(None),
            inspections.c.expires_at > now,
        )
        async with self._writing() as db:
            if (await db.execute(update(inspections).where(*open_).values(ended_at=now))).rowcount == 0:
                raise NotFound()

    async def inspects(self, session: str, user: str) -> bool:
        """Whether a user has begun an inspection of this visit that goes on."""
        return await self.open_inspection(session, user) is not None

    async def open_inspection(self, session: str, user: str) -> Inspection | None:
        """Return the latest inspection of this visit by a user that goes on, None where there is none."""
        open_ = (
            inspections.c.session == session,
            inspections.c.user == user,
            inspections.c.ended_at.is_(None),
            inspections.c.expires_at > self.clock.now().wall,
        )
        latest = select(inspections).where(*open_).order_by(inspections.c.begun_at.desc(), inspections.c.id.desc())
        async with self._reading() as db:
            row = (await db.execute(latest.limit(1))).first()
        return _inspection(row) if row is not None else None

    async def inspections_of(self, session: str) -> list[Inspection]:
        """Return the inspections of a visit, the latest first."""
        query = select(inspections).where(inspections.c.session == session)
        async with self._reading() as db:
            rows = await db.execute(query.order_by(inspections.c.begun_at.desc(), inspections.c.id).limit(MOST))
            return [_inspection(row) for row in rows]


def _inspection(row: Row[tuple[object, ...]]) -> Inspection:
    return Inspection(**row._mapping)
