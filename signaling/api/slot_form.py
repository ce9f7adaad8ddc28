"""Checks of a posted slot. The store checks every slot again in the transaction that keeps it; these are the checks
that come before it: the form, the sites behind the rooms, and whether the slot was posted before."""

from dataclasses import replace
from datetime import datetime, timedelta

from broker.authority import slot_acts
from broker.authority.slot_acts import Relation, SlotAct
from broker.booking.identity import MADE_HERE, Document, digest, document_of, id_from, normal_id
from broker.booking.slot import Person, PersonRole, Place, Slot
from broker.control.store.store import Store
from broker.kernel.errors import BadRequest, Conflict
from broker.kernel.ids import PersonId, RoomId, SessionId, Side, SlotId, new_id
from signaling.api.messages.slots import PersonOrder, SlotOrder
from signaling.auth.scope import Caller, User, check_may, found, may_see, role_of, seen

LONGEST = timedelta(hours=4)
LATE = timedelta(minutes=5)  # a slot that starts now may be a little old when it arrives
AHEAD = timedelta(days=400)


async def slot_of(order: SlotOrder, store: Store, now: datetime, key: bytes) -> Slot:
    """Return the slot that an order means, under the rules of the prison's site. `key`: the installation's for identity
    numbers. Raises BadRequest or NotFound (a room)."""
    _check_window(order, now)
    prison = await _place(store, order.prison_room)
    visitor = await _place(store, order.visitor_room)
    if prison.site == visitor.site:
        raise BadRequest("The two rooms belong to one site.", "双方会见室属于同一单位。")
    inmates = (await store.site(visitor.site)).kind.holds_inmates
    second = order.second_approval
    return Slot(
        id=SlotId(new_id("slt")),
        session=SessionId(new_id("ses")),
        prison=prison,
        visitor=visitor,
        starts_at=order.starts_at,
        ends_at=order.ends_at,
        minutes=order.minutes,
        people=tuple(_person(person, inmates, key) for person in order.people),
        approved_by=order.approved_by,
        article=order.article,
        policy=(await store.site(prison.site)).policy,
        external_id=order.external_id,
        language=order.language,
        second_approved_by=second.approved_by if second else "",
        second_article=second.article if second else "",
    )


def documents_of(order: SlotOrder, slot: Slot) -> dict[PersonId, Document]:
    """Return what officers are shown of the documents of a slot's people, by the order that it was made of."""
    pairs = zip(order.people, slot.people, strict=True)
    return {person.id: document_of(ordered.id_number) for ordered, person in pairs if ordered.id_number}


async def check_books(caller: Caller, store: Store, order: SlotOrder) -> None:
    """Check that the caller may book the prison's room: the province and the booking system any, a prison its own.
    Raises Forbidden for a site that never books, NotFound for a room of another one, whether there is such a room or
    not."""
    if not isinstance(caller, User) or caller.site is None:
        slot_acts.check(SlotAct.BOOK, role_of(caller), Relation.PROVINCE)
        return
    if not (await store.site(caller.site)).kind.holds_inmates:
        slot_acts.check(SlotAct.BOOK, role_of(caller), Relation.VISITOR)
    own = order.prison_room in {room.id for room in await store.rooms(caller.site)}
    slot_acts.check(SlotAct.BOOK, role_of(caller), Relation.PRISON if own else Relation.FOREIGN)


async def check_request(caller: Caller, store: Store, id: str) -> None:
    """Check that a re-booking request exists for this caller, who may book its visit. Raises NotFound or Forbidden."""
    request = await found(store.rebooking(id))
    check_may(SlotAct.BOOK, caller, seen(caller, await store.slot(request.slot)))


async def posted_before(caller: Caller, store: Store, slot: Slot, conflict: Conflict) -> Slot:
    """Return the valid slot that the same order made before. Raises the conflict again where there is none; without the
    slot's id where it does not exist for the caller."""
    earlier = await store.slot(str(conflict.extra["slot"])) if "slot" in conflict.extra else None
    if earlier is not None and not may_see(caller, earlier):
        raise Conflict(
            "A room is taken at that time, or the external_id is in use.",
            "会见室在该时段已被占用，或外部编号已被使用。",
        )
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
            replace(person, id=nameless) if person.id.startswith(MADE_HERE) else person for person in slot.people
        )
        # A second approval may have come after the order.
        second = (slot.second_approved_by or earlier.second_approved_by, slot.second_article or earlier.second_article)
        return replace(
            slot,
            id=earlier.id,
            session=earlier.session,
            people=people,
            second_approved_by=second[0],
            second_article=second[1],
        )

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


def _person(order: PersonOrder, inmates: bool, key: bytes) -> Person:
    """Return the person of an order. `inmates`: whether the visitor side's site holds those who meet there. Without an
    id and an identity number the id is empty of meaning, and the slot is refused for it."""
    identity = digest(key, order.id_number) if order.id_number else ""
    decision = order.relation_decision
    return Person(
        id=normal_id(order.id) if order.id else id_from(identity) if identity else PersonId(new_id("per")),
        side=order.side,
        name=order.name,
        relation=order.relation,
        first_visit=order.first_visit,
        role=order.role,
        dialect_reason=order.dialect_reason,
        detained=inmates and order.side is Side.VISITOR and order.role is PersonRole.PARTY,
        identity=identity,
        relation_by=decision.by if decision else "",
        relation_reason=decision.reason if decision else "",
    )
