"""Marks of auditors on recordings: moments or stretches with a note and its author. A mark is never changed; it can be
withdrawn, with a reason, and stays in the list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from broker.control.store.base import StorePart
from broker.control.store.history.tables import visit_marks
from broker.kernel.errors import Conflict, NotFound, TooMany

MOST = 500
"""Marks on one recording: more are not read any more."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of an auditor on a recording. `at` and `to`: seconds of the film, `to` None for a moment."""

    id: str
    session: str
    at: float
    to: float | None
    kind: str
    text: str
    by: str
    created_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_why: str | None = None


class Marks(StorePart):
    """The part of the store for marks."""

    async def add_mark(self, mark: Mark) -> None:
        """Store a new mark on a recording. Raises TooMany behind MOST."""
        values = {name: getattr(mark, name) for name in Mark.__dataclass_fields__}
        mine = select(func.count()).select_from(visit_marks).where(visit_marks.c.session == mark.session)
        async with self._writing() as db:
            if int((await db.execute(mine)).scalar_one()) >= MOST:
                raise TooMany("There are too many marks on this recording.", "该录像的标记已达上限。")
            await db.execute(insert(visit_marks).values(values))

    async def withdraw_mark(self, session: str, id: str, by: str, reason: str, now: datetime) -> Mark:
        """Withdraw a mark of a session and return it. Raises NotFound, or Conflict where it is withdrawn already."""
        mine = (visit_marks.c.session == session, visit_marks.c.id == id)
        values = {"withdrawn_at": now, "withdrawn_by": by, "withdrawn_why": reason}
        async with self._writing() as db:
            row = (await db.execute(select(visit_marks).where(*mine))).mappings().one_or_none()
            if row is None:
                raise NotFound("There is no such mark.", "没有该标记。")
            if row["withdrawn_at"] is not None:
                raise Conflict("This mark is withdrawn already.", "该标记已撤回。")
            await db.execute(update(visit_marks).where(*mine).values(values))
        return Mark(**{**row, **values})

    async def marks_of(self, session: str) -> list[Mark]:
        """Return all marks on a recording, withdrawn ones too, in the order of the film."""
        query = select(visit_marks).where(visit_marks.c.session == session)
        async with self._reading() as db:
            found: list[Any] = list((await db.execute(query.order_by(visit_marks.c.at, visit_marks.c.id))).mappings())
        return [Mark(**row) for row in found]

    async def marks_standing(self, sessions: list[str]) -> dict[str, int]:
        """Return how many marks of each of these sessions are not withdrawn."""
        query = select(visit_marks.c.session, func.count().label("marks")).where(
            visit_marks.c.session.in_(sessions), visit_marks.c.withdrawn_at.is_(None)
        )
        async with self._reading() as db:
            return {row.session: row.marks for row in await db.execute(query.group_by(visit_marks.c.session))}
