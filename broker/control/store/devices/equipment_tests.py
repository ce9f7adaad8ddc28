"""The history of the tests of each room's equipment (Yunnan 12): what was measured, the verdicts, and why it was
tested. Kept for the months that the rules of the room's site say, and no longer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select

from broker.control.store.base import StorePart
from broker.control.store.tables import equipment_tests
from broker.kernel.ids import RoomId, SessionId, TerminalId
from config.articles.equipment import Cause

REPEATED = timedelta(minutes=10)
"""Time after which a test is kept although it is like the one before."""
MOST = 1000
"""Tests in one list, newest first."""


@dataclass(frozen=True, slots=True)
class EquipmentTest:
    """One test of a room's equipment by its terminal. `parts` maps each check to its verdict; `session` is the visit
    that it was made for, None for none."""

    id: str
    room: RoomId
    terminal: TerminalId
    at: datetime
    cause: Cause
    session: SessionId | None
    passed: bool
    parts: Mapping[str, str]
    figures: Mapping[str, float]

    def repeats(self, before: "EquipmentTest") -> bool:
        """Whether this test says nothing that the one `before` it did not: a failed test is repeated by itself four
        times a minute, until what is broken is mended."""
        mine = (self.cause, self.session, self.terminal, self.parts)
        same = mine == (before.cause, before.session, before.terminal, before.parts)
        return same and self.cause is Cause.VISIT and not self.passed and self.at - before.at < REPEATED


class EquipmentTests(StorePart):
    """The part of the store for tests of equipment."""

    async def add_equipment_test(self, test: EquipmentTest, keep_from: datetime) -> bool:
        """Store a test, and remove those of its room from before `keep_from`. Return whether it is new: the same test
        may be sent again, and changes nothing then."""
        async with self._writing() as db:
            room = equipment_tests.c.room == test.room
            await db.execute(delete(equipment_tests).where(room, equipment_tests.c.at < keep_from))
            same = select(equipment_tests.c.id).where(equipment_tests.c.id == test.id)
            if (await db.execute(same)).first() is not None:
                return False
            await db.execute(insert(equipment_tests).values(_columns(test)))
        return True

    async def equipment_tests(self, room: str, since: datetime | None = None, limit: int = MOST) -> list[EquipmentTest]:
        """Return the newest tests of a room, the newest first; those from before `since` are left out."""
        query = select(equipment_tests).where(equipment_tests.c.room == room)
        if since is not None:
            query = query.where(equipment_tests.c.at >= since)
        query = query.order_by(equipment_tests.c.at.desc(), equipment_tests.c.id).limit(min(limit, MOST))
        async with self._reading() as db:
            return [_test(row) for row in await db.execute(query)]


def _columns(test: EquipmentTest) -> dict[str, object]:
    values = {name: getattr(test, name) for name in test.__slots__}
    return {**values, "cause": str(test.cause), "parts": dict(test.parts), "figures": dict(test.figures)}


def _test(row: Row[Any]) -> EquipmentTest:
    found = dict(row._mapping)
    return EquipmentTest(**{**found, "cause": Cause(found["cause"])})
