"""Eligibility of the people of a slot, checked in the transaction that stores it. broker/booking/suspension.py decides;
this module reads what it needs from the database."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.slot import Slot
from broker.booking.suspension import LostMonth, check_eligible, months_later
from broker.control.store.suspensions import about
from broker.control.store.tables import slots, snapshots
from broker.kernel.clock import in_shanghai
from broker.kernel.ids import PersonId, Side
from config.check_in import Consequence

ENDED = "ended"


async def check_people(db: AsyncConnection, slot: Slot) -> None:
    """Raise Suspended or Forfeited where a person of the slot may not be booked."""
    proposals = await about(db, [person.id for person in slot.people])
    check_eligible(slot, proposals, await _lost(db, slot))


async def _lost(db: AsyncConnection, slot: Slot) -> list[LostMonth]:
    """Return the visits of the slot's month, in Asia/Shanghai, that cost their visitors the month (Guangdong 23)."""
    since, until = _month_of(slot.starts_at)
    query = (
        select(slots.c.starts_at, slots.c.people, snapshots.c.data)
        .join(snapshots, snapshots.c.session == slots.c.session)
        .where(slots.c.starts_at >= since, slots.c.starts_at < until, snapshots.c.state == ENDED)
    )
    return [
        LostMonth(_visitors(row.people), row.starts_at, row.data["end"]["article"])
        for row in await db.execute(query)
        if (row.data.get("end") or {}).get("lost") == Consequence.MONTH and row.data["end"].get("side") == Side.VISITOR
    ]


def _month_of(moment: datetime) -> tuple[datetime, datetime]:
    local = in_shanghai(moment)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = months_later(first.date(), 1)
    return first, first + timedelta(days=(after - first.date()).days)


def _visitors(people: list[dict[str, str]]) -> frozenset[PersonId]:
    return frozenset(
        PersonId(person["id"])
        for person in people
        if person["side"] == Side.VISITOR and person.get("role", "party") == "party"
    )
