"""Re-booking requests (另行优先安排会见): visits that a fault, an emergency or the institutions took away, to be booked
again first (Yunnan 18, Guangdong 36). A slot that names a request keeps it; an officer or the booking system closes one
without a visit, with a reason."""

from broker.booking.rebooking import Rebooking
from broker.kernel.errors import Conflict
from signaling.api.messages.follow_ups import Declined, RebookingList, RebookingQuery, RebookingView
from signaling.auth.scope import OFFICERS, Role, User, author, found, scope, seen
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table
from signaling.views.follow_ups import rebooking_view

table = Table("rebookings")
READS = OFFICERS | {Role.INTEGRATOR, Role.CLERK}
DECLINES = (Role.SUPERVISOR, Role.APPROVER, Role.CLERK, Role.INTEGRATOR)


@table.add(
    "GET", "/api/v1/rebookings", cost=LIST, roles=READS, zh="优先重新安排请求", en="Re-booking requests of one's site"
)
async def get_rebookings(call: Call, query: RebookingQuery) -> RebookingList:
    """Requests for visits of the caller's site, the newest first."""
    site = scope(call.caller) if isinstance(call.caller, User) else None
    found = await call.context.store.rebookings(None if site is None else [site], query.state)
    return RebookingList(rebookings=[await _view(call, request) for request in found])


@table.add(
    "GET",
    "/api/v1/rebookings/{rebooking}",
    roles=READS,
    zh="重新安排请求详情",
    en="One re-booking request",
)
async def get_rebooking(call: Call) -> RebookingView:
    """One request with its state."""
    return await _view(call, await _seen(call))


@table.add(
    "POST",
    "/api/v1/rebookings/{rebooking}/decline",
    roles=DECLINES,
    zh="不再安排",
    en="Close a request without a visit",
    problems=(Conflict,),
    refused="RebookingRefused",
)
async def decline(call: Call, body: Declined) -> RebookingView:
    """Close an open request with a reason: the family wants no other visit, or had one."""
    request = await _seen(call)
    closed = await call.context.broker.follow_ups.decline_rebooking(
        request.id, author(call.caller), body.reason.strip()
    )
    return await _view(call, closed)


async def _seen(call: Call) -> Rebooking:
    request = await found(call.context.store.rebooking(call.id("rebooking")))
    seen(call.caller, await call.context.store.slot(request.slot))
    return request


async def _view(call: Call, request: Rebooking) -> RebookingView:
    slot = await call.context.store.slot(request.slot)
    return await rebooking_view(request, slot, call.context.names)
