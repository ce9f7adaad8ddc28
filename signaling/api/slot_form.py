"""Checks of a posted slot. The store checks every slot again in the transaction that keeps it; these are the checks
that come before it: the form, the sites behind the rooms, and whether the slot was posted before."""

from dataclasses import replace
from datetime import datetime, timedelta

from broker.booking.slot import Person, Place, Slot
from broker.control.store.store import Store
from broker.kernel.errors import BadRequest, Conflict, NotFound
from broker.kernel.ids import PersonId, RoomId, SessionId, SlotId, new_id
from signaling.api.messages.slots import PersonOrder, SlotOrder
from signaling.auth.scope import Caller, may_see

LONGEST = timedelta(hours=4)
LATE = timedelta(minutes=5)  # a slot that starts now may be a little old when it arrives
AHEAD = timedelta(days=400)


async def slot_of(order: SlotOrder, store: Store, now: datetime) -> Slot:
    """Return the slot that an order means, under the rules of the prison's site. Raises BadRequest or NotFound (a
    room)."""
    _check_window(order, now)
    prison = await _place(store, order.prison_room)
    visitor = await _place(store, order.visitor_room)
    if prison.site == visitor.site:
        raise BadRequest("The two rooms belong to one site.", "双方会见室属于同一单位。")
    return Slot(
        id=SlotId(new_id("slt")),
        session=SessionId(new_id("ses")),
        prison=prison,
        visitor=visitor,
        starts_at=order.starts_at,
        ends_at=order.ends_at,
        minutes=order.minutes,
        people=tuple(_person(person) for person in order.people),
        approved_by=order.approved_by,
        article=order.article,
        policy=(await store.site(prison.site)).policy,
        external_id=order.external_id,
        language=order.language,
    )


def check_scope(caller: Caller, slot: Slot) -> None:
    """Check that a site's admin posts for that site only. Raises NotFound: only a site may know its rooms."""
    if not may_see(caller, slot):
        raise NotFound()


async def posted_before(store: Store, slot: Slot, conflict: Conflict) -> Slot:
    """Return the valid slot that the same order made before. Raises the conflict again where there is none."""
    earlier = await store.slot(str(conflict.extra["slot"])) if "slot" in conflict.extra else None
    if earlier is None or not slot.external_id or not _same(earlier, slot):
        raise conflict
    valid = await store.slots_between(earlier.starts_at, earlier.ends_at)
    if earlier.id not in {other.id for other in valid}:
        raise Conflict("This slot was cancelled.", "该时段已取消，不能重复提交。", slot=earlier.id)
    return earlier


def _same(earlier: Slot, slot: Slot) -> bool:
    """Whether two slots have the same content, apart from the ids that Huijian made for them."""

    def content(slot: Slot) -> Slot:
        nameless = PersonId("")
        people = tuple(
            replace(person, id=nameless) if person.id.startswith("per_") else person for person in slot.people
        )
        return replace(slot, id=earlier.id, session=earlier.session, people=people)

    return content(earlier) == content(slot)


def _check_window(order: SlotOrder, now: datetime) -> None:
    window = order.ends_at - order.starts_at
    if window < timedelta(minutes=order.minutes):
        raise BadRequest("The slot is shorter than the visit.", "时段短于会见时长。")
    if window > LONGEST:
        raise BadRequest("A slot is at most four hours long.", "时段最长四小时。")
    if order.starts_at < now - LATE:
        raise BadRequest("The slot starts in the past.", "时段开始时间已过。")
    if order.starts_at > now + AHEAD:
        raise BadRequest("The slot is too far ahead.", "时段开始时间过远。")


async def _place(store: Store, room: str) -> Place:
    return Place((await store.room(room)).site, RoomId(room))


def _person(order: PersonOrder) -> Person:
    return Person(
        PersonId(order.id or new_id("per")),
        order.side,
        order.name,
        order.relation,
        order.first_visit,
        order.role,
        order.dialect_reason,
    )
