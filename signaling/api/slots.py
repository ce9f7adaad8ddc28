"""Approved slots: an upstream booking system or an admin posts them; without one nothing ever opens."""

from aiohttp import web

from broker.authority.slot_acts import SlotAct
from broker.booking.slot import Person, Slot
from broker.kernel.errors import (
    Conflict,
    CredentialTooNew,
    Forfeited,
    NotFound,
    PolicyViolation,
    ReasonNeeded,
    RecorderUnavailable,
    Suspended,
)
from broker.kernel.ids import SlotId
from signaling.api import slot_form
from signaling.api.messages.sign_in import DayQuery
from signaling.api.messages.slots import (
    PlaceView,
    RelationDecision,
    SecondApproval,
    SlotCancel,
    SlotList,
    SlotMade,
    SlotOrder,
    SlotPerson,
    SlotView,
    SlotWithdraw,
)
from signaling.auth.scope import Integrator, Role, author, check_may, found, may_see, seen
from signaling.auth.second_officer import check_key, check_permit
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table

table = Table("slots")
POSTS = (Role.INTEGRATOR, Role.ADMIN, Role.APPROVER)
WITHDRAWS = (Role.ADMIN, Role.APPROVER)
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
    problems=(PolicyViolation, Suspended, Forfeited, Conflict, NotFound, RecorderUnavailable, CredentialTooNew),
    refused="SlotRefused",
)
async def post_slot(call: Call, body: SlotOrder) -> SlotMade:
    """A prison's own approver or admin, the booking system or the province books its rooms (Yunnan 9, Guangdong 15).
    The same `external_id` with the same content again gives the same slot; with other content 409."""
    context = call.context
    await slot_form.check_books(call.caller, context.store, body)
    slot = await slot_form.slot_of(body, context.store, context.now().wall, context.identity_key)
    if slot.second_approved_by:
        check_may(SlotAct.BRING_SECOND, call.caller, slot)
        if isinstance(call.caller, Integrator):
            await check_key(context, call.caller.id)
    try:
        if body.rebooks is not None:
            await slot_form.check_request(call.caller, context.store, body.rebooks)
        documents = slot_form.documents_of(body, slot)
        await context.broker.add_slot(slot, author(call.caller), body.rebooks, documents)
    except Conflict as conflict:
        slot = await slot_form.posted_before(call.caller, context.store, slot, conflict)
    return SlotMade(slot=slot.id, session_id=slot.session, waiting=slot.awaits_approval)


@table.add("GET", "/api/v1/slots", cost=LIST, roles=READS, zh="某日时段", en="Slots of a day")
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
    problems=(Conflict, PolicyViolation, ReasonNeeded),
    refused="SlotRefused",
)
async def cancel_slot(call: Call, body: SlotCancel) -> web.Response:
    """Only before the visit has begun; afterwards a supervisor ends it, under an article. Once a person is checked in,
    a code and a reason are needed. The body may be left out; where proxies drop it, use `POST …/cancel`. For the
    prison, the booking system and the province; the other side withdraws its own part."""
    slot = await _seen(call)
    check_may(SlotAct.CANCEL, call.caller, slot)
    await call.context.broker.cancel_slot(slot.id, author(call.caller), body.article or "", body.reason.strip())
    return web.Response(status=204)


table.add(
    "POST",
    "/api/v1/slots/{slot}/cancel",
    roles=POSTS,
    zh="取消时段（写明条款和理由）",
    en="Withdraw a slot, with code and reason",
    status=204,
    problems=(Conflict, PolicyViolation, ReasonNeeded),
    refused="SlotRefused",
    operation="slots_post_cancel",
)(cancel_slot)


@table.add(
    "POST",
    "/api/v1/slots/{slot}/withdraw",
    roles=WITHDRAWS,
    zh="会见人一方撤回（写明条款和理由）",
    en="Withdraw the visitor side's part, with code and reason",
    status=204,
    problems=(Conflict, PolicyViolation, ReasonNeeded),
    refused="SlotRefused",
)
async def withdraw_slot(call: Call, body: SlotWithdraw) -> web.Response:
    """The visitor side's institution cannot take part: before the visit has begun, always under a code of the rules and
    with a reason. The code of a fault (YN-18, GD-36) requests that the visit is booked again first."""
    slot = await _seen(call)
    check_may(SlotAct.WITHDRAW, call.caller, slot)
    await call.context.broker.cancel_slot(slot.id, author(call.caller), body.article, body.reason)
    return web.Response(status=204)


@table.add(
    "POST",
    "/api/v1/slots/{slot}/approve",
    roles=(Role.APPROVER, Role.INTEGRATOR),
    zh="第二方批准（双方均在押）",
    en="Approve as the second institution",
    problems=(Conflict, PolicyViolation, CredentialTooNew),
    refused="SlotRefused",
)
async def approve_slot(call: Call, body: SecondApproval) -> SlotView:
    """The approval of the visitor side's institution, where both sides hold inmates (Yunnan 7, Guangdong 16): by its
    own approver, or by the booking system that has it. The account, or the key, is old enough for a permit."""
    slot, caller = await _seen(call), call.caller
    check_may(SlotAct.APPROVE_SECOND, caller, slot)
    if isinstance(caller, Integrator):
        await check_key(call.context, caller.id)
    else:
        await check_permit(call.context, call.user.id)
    return view(await call.context.broker.approve_second(slot.id, body.approved_by, body.article, author(caller)))


async def _seen(call: Call) -> Slot:
    return seen(call.caller, await found(call.context.store.slot(SlotId(call.id("slot")))))


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
        second_approval=SecondApproval(approved_by=slot.second_approved_by, article=slot.second_article)
        if slot.second_approved_by
        else None,
        waiting=slot.awaits_approval,
        drill=slot.drill,
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
        inmate=person.inmate,
        relation_decision=RelationDecision(by=person.relation_by, reason=person.relation_reason)
        if person.relation_by
        else None,
    )
