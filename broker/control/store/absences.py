"""Absences in the store: noted in the transaction that saves the end of their session, and each decision of an officer
as it was made. No row changes."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.absence import Absence, Decided, Decision
from broker.control.store.base import StorePart
from broker.control.store.tables import absence_decisions, absences, slots
from broker.kernel.errors import Conflict, NotFound
from broker.kernel.ids import AbsenceId, PersonId, SessionId, Side, SiteId, SlotId, UserId
from config.check_in import Consequence

MOST = 500
"""Absences in one list, newest first."""


class Absences(StorePart):
    """The part of the store for absences."""

    async def absence(self, id: str) -> Absence:
        """Return the absence with this id. Raises NotFound."""
        async with self._reading() as db:
            found = await read(db, absences.c.id == id)
        if not found:
            raise NotFound("There is no such absence.", "没有该未到场记录。")
        return found[0]

    async def absence_of(self, session: str) -> Absence | None:
        """Return what is noted of a session, or None."""
        async with self._reading() as db:
            return next(iter(await read(db, absences.c.session == session)), None)

    async def absences(self, sites: Collection[SiteId] | None = None) -> list[Absence]:
        """Return the newest absences from visits of these sites; None means all."""
        which: list[ColumnElement[bool]] = []
        if sites is not None:
            own = select(slots.c.id).where(or_(slots.c.prison_site.in_(sites), slots.c.visitor_site.in_(sites)))
            which.append(absences.c.slot.in_(own))
        async with self._reading() as db:
            return await read(db, *which)

    async def add_absence_decision(self, absence: Absence) -> None:
        """Store the last decision about an absence. Raises Conflict where another officer has decided meanwhile."""
        number, last = len(absence.decided), absence.decided[-1]
        values = {
            "absence": absence.id,
            "number": number,
            "decision": str(last.decision),
            "by": last.by,
            "site": last.site,
            "reason": last.reason,
            "at": last.at,
            "people": list(last.people),
            "consequence": str(last.consequence) if last.consequence else None,
            "article": last.article,
        }
        async with self._writing() as db:
            stored = await read(db, absences.c.id == absence.id)
            if not stored or len(stored[0].decided) != number - 1:
                raise Conflict("Another officer has decided meanwhile.", "已由他人办理。")
            await db.execute(insert(absence_decisions).values(values))


async def read(db: AsyncConnection, *which: ColumnElement[bool]) -> list[Absence]:
    """Return absences with their decisions, newest first, in the caller's transaction."""
    query = select(absences).where(*which).order_by(absences.c.at.desc(), absences.c.id).limit(MOST)
    rows = list(await db.execute(query))
    mine = absence_decisions.c.absence.in_([row.id for row in rows])
    steps = list(await db.execute(select(absence_decisions).where(mine).order_by(absence_decisions.c.number)))
    return [_absence(row, (step for step in steps if step.absence == row.id)) for row in rows]


async def add(db: AsyncConnection, absence: Absence) -> None:
    """Store a note, once a session, in the caller's transaction; again it changes nothing."""
    if await read(db, absences.c.session == absence.session):
        return
    values = {
        "id": absence.id,
        "session": absence.session,
        "slot": absence.slot,
        "side": str(absence.side),
        "site": absence.site,
        "people": list(absence.people),
        "at": absence.at,
        "by": absence.by,
    }
    await db.execute(insert(absences).values(values))


def _absence(row: Row[Any], steps: Iterable[Row[Any]]) -> Absence:
    return Absence(
        AbsenceId(row.id),
        SessionId(row.session),
        SlotId(row.slot),
        Side(row.side),
        SiteId(row.site),
        tuple(PersonId(person) for person in row.people),
        row.at,
        row.by,
        tuple(_decided(step) for step in steps),
    )


def _decided(row: Row[Any]) -> Decided:
    return Decided(
        Decision(row.decision),
        UserId(row.by),
        SiteId(row.site),
        row.reason,
        row.at,
        tuple(PersonId(person) for person in row.people),
        Consequence(row.consequence) if row.consequence else None,
        row.article,
    )
