"""Eligibility of the people of a slot: checked in the transaction that stores it, and asked again as long as the visit
is not over (F12). broker/booking/suspension.py decides; this module reads what it needs from the database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Text, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.absence import Decided
from broker.booking.bar import Bar
from broker.booking.slot import Slot
from broker.booking.suspension import LostMonth, bars, check_eligible, months_later
from broker.control.store import absences, tables
from broker.control.store.base import StorePart
from broker.control.store.people import people_from_json, remember, with_aliases
from broker.control.store.suspensions import about
from broker.control.store.tables import slots
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import PolicyViolation
from broker.kernel.ids import SessionId, Side
from config.check_in import Consequence
from config.law import LAWS
from config.policy import Policy

INMATE_SEEN = timedelta(days=31)
"""Time before and after a visit in which a person who is listed as an inmate counts as one: visits are monthly."""


class Eligibility(StorePart):
    """The part of the store that answers who may not meet now."""

    async def bars_of(self, visits: Iterable[Slot]) -> dict[SessionId, tuple[Bar, ...]]:
        """Return what stands against the people of each of these visits; an empty tuple where nothing does."""
        asked = list(visits)
        found: dict[SessionId, tuple[Bar, ...]] = {}
        async with self._reading() as db:
            aliases = await with_aliases(db, [person for slot in asked for person in slot.people])
            proposals = await about(db, [alias for listed in aliases.values() for alias in listed])
            months: dict[datetime, list[LostMonth]] = {}
            for slot in asked:
                month = _month_of(slot.starts_at)[0]
                if month not in months:
                    months[month] = await _lost(db, slot)
                found[slot.session] = bars(slot, proposals, months[month], aliases)
        return found


async def check_people(db: AsyncConnection, slot: Slot, policy: Policy) -> None:
    """Raise Suspended, Forfeited or PolicyViolation where a person of the slot may not be booked."""
    await remember(db, slot.people)
    aliases = await with_aliases(db, slot.people)
    proposals = await about(db, [alias for listed in aliases.values() for alias in listed])
    check_eligible(slot, proposals, await _lost(db, slot), aliases)
    await _check_no_inmate_visits(db, slot, policy)


async def _check_no_inmate_visits(db: AsyncConnection, slot: Slot, policy: Policy) -> None:
    """Refuse a visitor whom another slot lists as an inmate: inmates meet from the rooms of their own prison."""
    visitors = [person for person in slot.people if not person.inmate and person.side is Side.VISITOR]
    if not visitors:
        return  # inmates meet inmates
    ids, identities = {person.id for person in visitors}, {person.identity for person in visitors if person.identity}
    query = select(slots.c.people).where(
        slots.c.ends_at > slot.starts_at - INMATE_SEEN,
        slots.c.ends_at < slot.ends_at + INMATE_SEEN,
        slots.c.cancelled_at.is_(None),
        # The database looks for the marks as text, so that few rows are read.
        or_(*(cast(slots.c.people, Text).contains(mark, autoescape=True) for mark in ids | identities)),
    )
    for row in await db.execute(query):
        if any(
            person.inmate and (person.id in ids or person.identity in identities)
            for person in people_from_json(row.people)
        ):
            article = LAWS[policy.law].booking.pairing
            raise PolicyViolation(
                f"A visitor is an inmate of another visit; inmates meet from their own prisons. ({article})",
                f"会见人中有在押人员，双方均在押的应在各自监所会见。（{article}）",
                articles=[article],
            )


async def _lost(db: AsyncConnection, slot: Slot) -> list[LostMonth]:
    """Return the visits of the slot's month, in Asia/Shanghai, for which an officer's decision that is in force cost
    visitors the month (Guangdong 23)."""
    since, until = _month_of(slot.starts_at)
    missed = select(slots.c.session).where(slots.c.starts_at >= since, slots.c.starts_at < until)
    rows = {row.session: row for row in await db.execute(missed.add_columns(slots.c.starts_at, slots.c.people))}
    return [
        _lost_month(forfeit, rows[absence.session])
        for absence in await absences.read(db, tables.absences.c.session.in_(missed))
        if (forfeit := absence.forfeit) is not None and forfeit.consequence is Consequence.MONTH
    ]


def _lost_month(forfeit: Decided, missed: Row[Any]) -> LostMonth:
    """The lost month of a forfeit: its people by id, and by identity where booking gave one."""
    people = [person for person in people_from_json(missed.people) if person.id in forfeit.people]
    identities = frozenset(person.identity for person in people if person.identity)
    return LostMonth(frozenset(forfeit.people), missed.starts_at, forfeit.article, identities)


def _month_of(moment: datetime) -> tuple[datetime, datetime]:
    local = in_shanghai(moment)
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = months_later(first.date(), 1)
    return first, first + timedelta(days=(after - first.date()).days)
