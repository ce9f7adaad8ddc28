"""Approved slots: an upstream booking system or an admin posts them; without one nothing ever opens."""

from aiohttp import web

from broker.booking.slot import Person, Slot
from broker.kernel.errors import Conflict, Forfeited, NotFound, PolicyViolation, RecorderUnavailable, Suspended
from broker.kernel.ids import SlotId
from signaling.api import bodies, slot_form
from signaling.auth.scope import Role, author, check_sees, may_see
from signaling.server.routes import Ask, Table
from signaling.views.days import bounds

table = Table()
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
    who=POSTS,
    zh="提交已批准的会见时段",
    en="Post an approved slot",
    status=201,
    problems=(PolicyViolation, Suspended, Forfeited, Conflict, NotFound, RecorderUnavailable),
    noted="SlotRefused",
)
async def post_slot(ask: Ask, body: bodies.SlotOrder) -> bodies.SlotMade:
    """The same `external_id` with the same content again gives the same slot; with other content 409."""
    house = ask.house
    slot = await slot_form.slot_of(body, house.store, house.now().wall)
    slot_form.check_scope(ask.caller, slot)
    try:
        await house.broker.add_slot(slot, author(ask.caller))
    except Conflict as conflict:
        slot = await slot_form.posted_before(house.store, slot, conflict)
    return bodies.SlotMade(slot=slot.id, session_id=slot.session)


@table.add("GET", "/api/v1/slots", who=READS, zh="某日时段", en="Slots of a day")
async def get_slots(ask: Ask, query: bodies.DayQuery) -> bodies.SlotList:
    """By start; those of the caller's site."""
    since, until = bounds(query.day, ask.house.now())
    found = await ask.house.store.slots_between(since, until)
    return bodies.SlotList(slots=[view(slot) for slot in found if may_see(ask.caller, slot)])


@table.add("GET", "/api/v1/slots/{slot}", who=READS, zh="时段详情", en="One slot")
async def get_slot(ask: Ask) -> bodies.SlotView:
    """With its people."""
    return view(await _seen(ask))


@table.add(
    "DELETE",
    "/api/v1/slots/{slot}",
    who=POSTS,
    zh="取消时段",
    en="Withdraw a slot",
    status=204,
    problems=(Conflict,),
    noted="SlotRefused",
)
async def cancel_slot(ask: Ask) -> web.Response:
    """Only before the visit has begun; afterwards a supervisor ends it, under an article."""
    slot = await _seen(ask)
    await ask.house.broker.cancel_slot(slot.id, author(ask.caller))
    return web.Response(status=204)


async def _seen(ask: Ask) -> Slot:
    slot = await ask.house.store.slot(SlotId(ask.id("slot")))
    check_sees(ask.caller, slot)
    return slot


def view(slot: Slot) -> bodies.SlotView:
    """A slot as JSON."""
    return bodies.SlotView(
        id=slot.id,
        session=slot.session,
        external_id=slot.external_id,
        prison=bodies.PlaceView(site=slot.prison.site, room=slot.prison.room),
        visitor=bodies.PlaceView(site=slot.visitor.site, room=slot.visitor.room),
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        minutes=slot.minutes,
        people=[_person(one) for one in slot.people],
        approved_by=slot.approved_by,
        article=slot.article,
        policy=slot.policy,
        language=slot.language,
    )


def _person(one: Person) -> bodies.SlotPerson:
    return bodies.SlotPerson(
        id=one.id,
        side=one.side,
        name=one.name,
        relation=one.relation,
        first_visit=one.first_visit,
        role=str(one.role),
        dialect_reason=one.dialect_reason,
    )
