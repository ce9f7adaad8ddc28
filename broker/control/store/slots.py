"""Approved slots, and the last saved states of their sessions."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.packs import pack_named
from broker.booking.slot import Person, PersonRole, Place, Slot
from broker.booking.slot_check import check_place, check_slot
from broker.control.store.base import StorePart
from broker.control.store.eligibility import check_people
from broker.control.store.records import Site, SiteKind, Snapshot
from broker.control.store.tables import rooms, sites, slots, snapshots
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import PersonId, SessionId, Side, SlotId
from config.policy import Policy

ENDED = "ended"  # state of a snapshot whose session needs no runner any more


class Visits(StorePart):
    """The part of the store for slots and for snapshots of sessions."""

    async def add_slot(self, slot: Slot) -> None:
        """Check an approved slot (broker/booking/slot_check.py) and store it, in one transaction.

        A room holds one slot at a time: [starts_at, ends_at) of slots that are not cancelled and whose session has not
        ended. Raises NotFound, BadRequest, PolicyViolation, Suspended, Forfeited, or Conflict with the `slot` in the
        way.
        """
        now = self.clock.now().wall
        async with self._writing() as db:
            check_slot(slot, await _policy(db, slot), now)
            await _check_places(db, slot)
            await _check_free(db, slot)
            await check_people(db, slot)
            await db.execute(insert(slots).values(created_at=now, **_columns(slot)))

    async def slot(self, id: str) -> Slot:
        """Return the slot with this id, cancelled or not. Raises NotFound."""
        return await self._one_slot(slots.c.id == id)

    async def slot_of_session(self, session: str) -> Slot:
        """Return the slot of a session. Raises NotFound."""
        return await self._one_slot(slots.c.session == session)

    async def slots_between(self, start: datetime, end: datetime) -> list[Slot]:
        """Return the slots that overlap [start, end) and are not cancelled, in order of time."""
        query = (
            select(slots)
            .where(slots.c.starts_at < end, slots.c.ends_at > start, slots.c.cancelled_at.is_(None))
            .order_by(slots.c.starts_at, slots.c.id)
        )
        async with self._reading() as db:
            return [_slot(row) for row in await db.execute(query)]

    async def cancel_slot(self, id: str) -> None:
        """Cancel a slot; its row stays. Raises NotFound where there is no such slot, or it is cancelled already."""
        standing = and_(slots.c.id == id, slots.c.cancelled_at.is_(None))
        async with self._writing() as db:
            now = self.clock.now().wall
            done = await db.execute(update(slots).where(standing).values(cancelled_at=now))
            if done.rowcount == 0:
                raise NotFound(f"There is no slot {id} to cancel.", f"没有可撤销的时段 {id}。")

    async def save_snapshot(self, session: str, state: str, data: Mapping[str, Any]) -> None:
        """Store the state of a session in place of the one before."""
        values = {"state": state, "data": dict(data), "updated_at": self.clock.now().wall}
        mine = snapshots.c.session == session
        async with self._writing() as db:
            done = await db.execute(update(snapshots).where(mine).values(values))
            if done.rowcount == 0:
                await db.execute(insert(snapshots).values(session=session, **values))

    async def snapshot(self, session: str) -> Snapshot | None:
        """Return the last saved state of a session, or None."""
        query = select(snapshots).where(snapshots.c.session == session)
        async with self._reading() as db:
            row = (await db.execute(query)).one_or_none()
        return _snapshot(row) if row is not None else None

    async def unfinished_snapshots(self) -> list[Snapshot]:
        """Return the states of sessions that a restarted broker has to go on with, oldest change first."""
        query = select(snapshots).where(snapshots.c.state != ENDED).order_by(snapshots.c.updated_at)
        async with self._reading() as db:
            return [_snapshot(row) for row in await db.execute(query)]

    async def _one_slot(self, which: ColumnElement[bool]) -> Slot:
        async with self._reading() as db:
            row = (await db.execute(select(slots).where(which))).one_or_none()
        if row is None:
            raise NotFound("There is no such slot.", "没有该时段。")
        return _slot(row)


async def _policy(db: AsyncConnection, slot: Slot) -> Policy:
    """Return the policy of the prison, by which the slot must have been approved."""
    site = await _site(db, slot.prison)
    if slot.policy != site.policy:
        text = f"Site {site.id} follows {site.policy}, the slot says {slot.policy}."
        raise BadRequest(text, f"单位 {site.id} 适用规则为 {site.policy}。")
    return pack_named(site.policy)


async def _check_places(db: AsyncConnection, slot: Slot) -> None:
    """Check that both rooms exist and fit their sides. Their rows are locked where the database locks rows."""
    names = sorted({slot.prison.room, slot.visitor.room})
    query = select(rooms).where(rooms.c.id.in_(names)).order_by(rooms.c.id).with_for_update()
    site_of = {row.id: row.site for row in await db.execute(query)}
    for side in Side:
        place = slot.place(side)
        if place.room not in site_of:
            raise NotFound(f"There is no room {place.room}.", f"没有会见室 {place.room}。")
        check_place(side, place, site_of[place.room], (await _site(db, place)).kind.holds_inmates)


async def _site(db: AsyncConnection, place: Place) -> Site:
    row = (await db.execute(select(sites).where(sites.c.id == place.site))).one_or_none()
    if row is None:
        raise NotFound(f"There is no site {place.site}.", f"没有单位 {place.site}。")
    return Site(row.id, SiteKind(row.kind), row.name, row.policy)


async def _check_free(db: AsyncConnection, slot: Slot) -> None:
    if slot.external_id:
        same = select(slots.c.id).where(slots.c.external_id == slot.external_id)
        found = (await db.execute(same)).scalars().first()
        if found is not None:
            raise Conflict("This external_id is known.", "该外部编号已存在。", slot=found)
    over = exists().where(snapshots.c.session == slots.c.session, snapshots.c.state == ENDED)
    names = [slot.prison.room, slot.visitor.room]
    in_the_way = select(slots.c.id).where(
        slots.c.starts_at < slot.ends_at,
        slots.c.ends_at > slot.starts_at,
        slots.c.cancelled_at.is_(None),
        or_(slots.c.prison_room.in_(names), slots.c.visitor_room.in_(names)),
        ~over,
    )
    found = (await db.execute(in_the_way)).scalars().first()
    if found is not None:
        raise Conflict("A room is taken at that time.", "会见室在该时段已被占用。", slot=found)


def _columns(slot: Slot) -> dict[str, Any]:
    return {
        "id": slot.id,
        "session": slot.session,
        "prison_site": slot.prison.site,
        "prison_room": slot.prison.room,
        "visitor_site": slot.visitor.site,
        "visitor_room": slot.visitor.room,
        "starts_at": slot.starts_at,
        "ends_at": slot.ends_at,
        "minutes": slot.minutes,
        "people": [asdict(person) for person in slot.people],
        "approved_by": slot.approved_by,
        "article": slot.article,
        "policy": slot.policy,
        "external_id": slot.external_id or None,
        "language": slot.language,
    }


def _slot(row: Row[Any]) -> Slot:
    return Slot(
        id=SlotId(row.id),
        session=SessionId(row.session),
        prison=Place(row.prison_site, row.prison_room),
        visitor=Place(row.visitor_site, row.visitor_room),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minutes=row.minutes,
        people=tuple(_person(person) for person in row.people),
        approved_by=row.approved_by,
        article=row.article,
        policy=row.policy,
        external_id=row.external_id or "",
        language=row.language,
    )


def _person(kept: Mapping[str, Any]) -> Person:
    return Person(
        PersonId(kept["id"]),
        Side(kept["side"]),
        kept["name"],
        kept["relation"],
        kept.get("first_visit", False),  # rows of a former version have only the four members above
        PersonRole(kept.get("role", PersonRole.PARTY)),
        kept.get("dialect_reason", ""),
    )


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(SessionId(row.session), row.state, row.data, row.updated_at)
