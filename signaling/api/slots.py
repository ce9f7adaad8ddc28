"""Approved slots: an upstream booking system or an admin posts them; without one nothing ever opens."""

from aiohttp import web

from broker.booking.slot import Person, Slot
from broker.kernel.errors import Conflict, Forfeited, NotFound, PolicyViolation, RecorderUnavailable, Suspended
from broker.kernel.ids import SlotId
from signaling.api import slot_form
from signaling.api.messages.sign_in import DayQuery
from signaling.api.messages.slots import PlaceView, SlotList, SlotMade, SlotOrder, SlotPerson, SlotView
from signaling.auth.scope import Role, author, check_sees, may_see
from signaling.server.routes import Call, Table

table = Table("slots")
POSTS = (Role.INTEGRATOR, Role.ADMIN)
READS = (
    Role.INTEGRATOR,
    Role.ADMIN,
    Role.SUPERVISOR,
    Role.APPROVER,
    Role.CLERK,
    Role.AUDITOR,
)


@table.add(
    "POST",
    "/api/v1/slots",
    roles=POSTS,
    zh="提交已批准的会见时段",
    en="Post an approved slot",
    status=201,
    problems=(PolicyViolation, Suspended, Forfeited, Conflict, NotFound, RecorderUnavailable),
    refused="SlotRefused",
)
async def post_slot(call: Call, body: SlotOrder) -> SlotMade:
    """The same `external_id` with the same content again gives the same slot; with other content 409."""
    context = call.context
    slot = await slot_form.slot_of(body, context.store, context.now().wall)
    slot_form.check_scope(call.caller, slot)
    try:
        await context.broker.add_slot(slot, author(call.caller))
    except Conflict as conflict:
        slot = await slot_form.posted_before(context.store, slot, conflict)
    return SlotMade(slot=slot.id, session_id=slot.session)


@table.add("GET", "/api/v1/slots", roles=READS, zh="某日时段", en="Slots of a day")
async def get_slots(call: Call, query: DayQuery) -> SlotList:
    """The slots of the caller's site, by start."""
    since, until = call.context.day_bounds(query.day)
    found = await call.context.store.slots_between(since, until)
    return SlotList(slots=[view(slot) for slot in found if may_see(call.caller, slot)])


@table.add("GET", "/api/v1/slots/{slot}", roles=READS, zh="时段详情", en="One slot")
async def get_slot(call: Call) -> SlotView:
    """One slot with its people."""
    return view(await _seen(call))


@table.add(
    "DELETE",
    "/api/v1/slots/{slot}",
    roles=POSTS,
    zh="取消时段",
    en="Withdraw a slot",
    status=204,
    problems=(Conflict,),
    refused="SlotRefused",
)
async def cancel_slot(call: Call) -> web.Response:
    """Only before the visit has begun; afterwards a supervisor ends it, under an article."""
    slot = await _seen(call)
    await call.context.broker.cancel_slot(slot.id, author(call.caller))
    return web.Response(status=204)


async def _seen(call: Call) -> Slot:
    slot = await call.context.store.slot(SlotId(call.id("slot")))
    check_sees(call.caller, slot)
    return slot


def view(slot: Slot) -> SlotView:
    """Return a slot as callers see it."""
    return SlotView(
        id=slot.id,
        session=slot.session,
        external_id=slot.external_id,
        prison=PlaceView(site=slot.prison.site, room=slot.prison.room),
        visitor=PlaceView(site=slot.visitor.site, room=slot.visitor.room),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=slot.minutes,
        people=[_person(person) for person in slot.people],
        approved_by=slot.approved_by,
        article=slot.article,
        policy=slot.policy,
        language=slot.language,
    )


def _person(person: Person) -> SlotPerson:
    return SlotPerson(
        id=person.id,
        side=person.side,
        name=person.name,
        relation=person.relation,
        first_visit=person.first_visit,
        role=str(person.role),
        dialect_reason=person.dialect_reason,
    )
