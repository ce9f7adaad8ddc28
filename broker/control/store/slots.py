"""Approved slots, and the last saved states of their sessions."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.booking.absence import Absence
from broker.booking.drill import MARGIN
from broker.booking.identity import Document
from broker.booking.packs import pack_named
from broker.booking.rebooking import Rebooking, check_keeps
from broker.booking.slot import Place, Slot
from broker.booking.slot_check import SiteOfSide, check_detained, check_place, check_slot
from broker.control.store import absences, rebookings, tables
from broker.control.store.base import StorePart
from broker.control.store.eligibility import check_people
from broker.control.store.people import keep_documents, people_from_json, people_to_json
from broker.control.store.records import Site, SiteKind, Snapshot
from broker.control.store.tables import rooms, sites, slots, snapshots
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import PersonId, SessionId, Side, SlotId
from broker.session.events import ApprovalWithdrawn
from config.policy import Policy

AT_ONCE = 1000  # values that one query names
ENDED = "ended"  # state of a snapshot whose session needs no runner any more


class Visits(StorePart):
    """The part of the store for slots and for snapshots of sessions."""

    async def add_slot(
        self,
        slot: Slot,
        rebooks: str | None = None,
        by: str = "",
        documents: Mapping[PersonId, Document] | None = None,
    ) -> None:
        """Check an approved slot (broker/booking/slot_check.py) and store it, in one transaction; with `rebooks` it
        keeps that re-booking request, for the author `by`. `documents`: what officers are shown of its people's.

        A room holds one slot at a time: [starts_at, ends_at) of slots that are not cancelled and whose session has not
        ended. Raises NotFound, BadRequest, PolicyViolation, Suspended, Forfeited, or Conflict with the `slot` in the
        way.
        """
        now = self.clock.now().wall
        async with self._writing() as db:
            policy = await _policy(db, slot)
            check_slot(slot, policy, now)
            await _check_places(db, slot, policy)
            await _check_free(db, slot, policy)
            if not slot.drill:
                await check_people(db, slot, policy)
            request = await self._request(db, slot, rebooks)
            await db.execute(insert(slots).values(created_at=now, **_columns(slot)))
            await keep_documents(db, slot.session, documents or {})
            if request is not None:
                await rebookings.keep(db, request.id, slot.id, by, now)

    async def _request(self, db: AsyncConnection, slot: Slot, id: str | None) -> Rebooking | None:
        """Return the open request that a slot keeps. Raises NotFound, or what check_keeps raises."""
        if id is None:
            return None
        request = await rebookings.read_one(db, tables.rebookings.c.id == id)
        row = (await db.execute(select(slots).where(slots.c.id == request.slot))).one()
        check_keeps(request, slot_of_row(row), slot)
        return request

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
            return [slot_of_row(row) for row in await db.execute(query)]

    async def slots_missed(self, start: datetime, end: datetime) -> list[Slot]:
        """Return the approved slots that ended in [start, end) and whose session was never begun, in order of time."""
        query = (
            select(slots)
            .outerjoin(snapshots, snapshots.c.session == slots.c.session)
            .where(slots.c.ends_at >= start, slots.c.ends_at < end)
            .where(slots.c.cancelled_at.is_(None), snapshots.c.session.is_(None))
            .order_by(slots.c.starts_at, slots.c.id)
        )
        async with self._reading() as db:
            return [slot_of_row(row) for row in await db.execute(query)]

    async def cancel_slot(
        self, id: str, by: str = "", code: str = "", reason: str = "", request: Rebooking | None = None
    ) -> None:
        """Cancel a slot; its row stays, with its author (as the journal names authors), the code and the reason. A
        request that it kept is open again, and `request` is stored for the slot itself. Raises NotFound where there is
        no such slot, or it is cancelled already."""
        standing = and_(slots.c.id == id, slots.c.cancelled_at.is_(None))
        values = {"cancelled_by": by or None, "cancel_code": code or None, "cancel_reason": reason or None}
        async with self._writing() as db:
            now = self.clock.now().wall
            done = await db.execute(update(slots).where(standing).values(cancelled_at=now, **values))
            if done.rowcount == 0:
                raise NotFound(f"There is no slot {id} to cancel.", f"没有可撤销的时段 {id}。")
            await rebookings.reopen(db, id)
            if request is not None:
                await rebookings.add(db, request)

    async def withdrawals(self, since: datetime) -> dict[SessionId, ApprovalWithdrawn]:
        """Return the withdrawals of all slots that end at `since` or later, by session."""
        query = select(slots).where(slots.c.cancelled_at.is_not(None), slots.c.ends_at >= since)
        async with self._reading() as db:
            return {SessionId(row.session): _withdrawal(row) for row in await db.execute(query)}

    async def slots_of(self, sessions: Collection[str]) -> dict[SessionId, Slot]:
        """Return the slots of these sessions, cancelled or not, by session."""
        asked = list(sessions)
        found: dict[SessionId, Slot] = {}
        async with self._reading() as db:
            for some in (asked[first : first + AT_ONCE] for first in range(0, len(asked), AT_ONCE)):
                rows = await db.execute(select(slots).where(slots.c.session.in_(some)))
                found |= {SessionId(row.session): slot_of_row(row) for row in rows}
        return found

    async def approve_second(self, id: str, by: str, article: str) -> Slot:
        """Store the approval of the visitor side's institution and return the slot. The same approval again changes
        nothing. Raises NotFound, or Conflict where the slot needs none, has another, or is cancelled."""
        async with self._writing() as db:
            row = (await db.execute(select(slots).where(slots.c.id == id))).one_or_none()
            if row is None:
                raise NotFound("There is no such slot.", "没有该时段。")
            slot = slot_of_row(row)
            approved = replace(slot, second_approved_by=by, second_article=article)
            if slot == approved:
                return slot
            if row.cancelled_at is not None or not slot.awaits_approval:
                raise Conflict("This slot waits for no second approval.", "该时段无需第二方批准，或已批准、已取消。")
            values = {"second_approved_by": by, "second_article": article, "second_at": self.clock.now().wall}
            await db.execute(update(slots).where(slots.c.id == id).values(values))
        return approved

    async def save_snapshot(
        self,
        session: str,
        state: str,
        data: Mapping[str, Any],
        request: Rebooking | None = None,
        absence: Absence | None = None,
    ) -> None:
        """Store the state of a session in place of the one before, and with it what its end asks for and notes: all of
        it, or nothing."""
        values = {"state": state, "data": dict(data), "updated_at": self.clock.now().wall}
        mine = snapshots.c.session == session
        async with self._writing() as db:
            done = await db.execute(update(snapshots).where(mine).values(values))
            if done.rowcount == 0:
                await db.execute(insert(snapshots).values(session=session, **values))
            if request is not None:
                await rebookings.add(db, request)
            if absence is not None:
                await absences.add(db, absence)

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
        return slot_of_row(row)


async def _policy(db: AsyncConnection, slot: Slot) -> Policy:
    """Return the policy of the prison, by which the slot must have been approved."""
    site = await _site(db, slot.prison)
    if slot.policy != site.policy:
        text = f"Site {site.id} follows {site.policy}, the slot says {slot.policy}."
        raise BadRequest(text, f"单位 {site.id} 适用规则为 {site.policy}。")
    return pack_named(site.policy)


async def _check_places(db: AsyncConnection, slot: Slot, policy: Policy) -> None:
    """Check that both rooms exist and fit their sides, and the people theirs. The rooms' rows are locked where
    the database locks rows."""
    names = sorted({slot.prison.room, slot.visitor.room})
    query = select(rooms).where(rooms.c.id.in_(names)).order_by(rooms.c.id).with_for_update()
    found = {row.id: row for row in await db.execute(query)}
    site_of = {id: row.site for id, row in found.items()}
    for side in Side:
        place = slot.place(side)
        if place.room not in site_of:
            raise NotFound(f"There is no room {place.room}.", f"没有会见室 {place.room}。")
        if found[place.room].closed_at is not None:
            raise Conflict(f"Room {place.room} is closed.", f"会见室 {place.room} 已停用。")
        site = await _site(db, place)
        rules = pack_named(site.policy)
        check_place(side, place, site_of[place.room], SiteOfSide(site.id, site.kind, rules.law, rules.demo), policy)
    check_detained(slot, (await _site(db, slot.visitor)).kind.holds_inmates)


async def _site(db: AsyncConnection, place: Place) -> Site:
    row = (await db.execute(select(sites).where(sites.c.id == place.site))).one_or_none()
    if row is None:
        raise NotFound(f"There is no site {place.site}.", f"没有单位 {place.site}。")
    return Site(row.id, SiteKind(row.kind), row.name, row.policy)


async def _check_free(db: AsyncConnection, slot: Slot, policy: Policy) -> None:
    """Check that nothing is in the way of a slot. A drill keeps clear of the next check-in of its rooms, too, and is in
    the way of drills only: where a visit needs the room, it yields."""
    if slot.external_id:
        same = select(slots.c.id).where(slots.c.external_id == slot.external_id)
        found = (await db.execute(same)).scalars().first()
        if found is not None:
            raise Conflict("This external_id is known.", "该外部编号已存在。", slot=found)
    over = exists().where(snapshots.c.session == slots.c.session, snapshots.c.state == ENDED)
    names = [slot.prison.room, slot.visitor.room]
    until = slot.ends_at + policy.check_in_lead + MARGIN if slot.drill else slot.ends_at
    in_the_way = select(slots.c.id).where(
        or_(slots.c.drill.is_(False), slots.c.drill.is_(slot.drill)),
        slots.c.starts_at < until,
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
        "people": people_to_json(slot.people),
        "approved_by": slot.approved_by,
        "article": slot.article,
        "policy": slot.policy,
        "external_id": slot.external_id or None,
        "language": slot.language,
        "second_approved_by": slot.second_approved_by or None,
        "second_article": slot.second_article or None,
        "drill": slot.drill,
    }


def slot_of_row(row: Row[Any]) -> Slot:
    """Return the slot that a row of `slots` holds."""
    return Slot(
        id=SlotId(row.id),
        session=SessionId(row.session),
        prison=Place(row.prison_site, row.prison_room),
        visitor=Place(row.visitor_site, row.visitor_room),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minutes=row.minutes,
        people=people_from_json(row.people),
        approved_by=row.approved_by,
        article=row.article,
        policy=row.policy,
        external_id=row.external_id or "",
        language=row.language,
        second_approved_by=row.second_approved_by or "",
        second_article=row.second_article or "",
        drill=row.drill,
    )


def _withdrawal(row: Row[Any]) -> ApprovalWithdrawn:
    by = row.cancelled_by or "system"  # rows of former versions do not say who
    return ApprovalWithdrawn(by, row.cancelled_at, row.cancel_code or "", row.cancel_reason or "")


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(SessionId(row.session), row.state, row.data, row.updated_at)
