"""Handovers (交班) over REST: an officer asks a colleague of the same site to take over visits, and leaves once the
colleague counts (Yunnan 25, Guangdong 31(1)). What is allowed is decided by `broker.presence.handover`."""

from broker.kernel.errors import Conflict, Forbidden, NotFound, PolicyViolation, SamePerson
from broker.kernel.ids import HandoverId, SessionId, UserId
from broker.presence.handover import Handover
from broker.presence.quorum import Watcher
from signaling.api.messages.sessions import Colleague, Colleagues, HandoverOrder
from signaling.api.messages.socket import HandoverView
from signaling.auth.scope import Role
from signaling.server.routes import Call, Table
from signaling.views.presence import handover_view, watcher_of

table = Table("handovers")
HANDOVERS = "/api/v1/handovers"
SUPERVISORS = (Role.SUPERVISOR,)
REFUSED = "HandoverRefused"


@table.add("GET", "/api/v1/colleagues", roles=SUPERVISORS, zh="可接班的同事", en="Colleagues who could take over")
async def get_colleagues(call: Call) -> Colleagues:
    """The supervisors of the caller's site whose page is open, without the caller."""
    handovers, names = call.context.broker.handovers, call.context.names
    found = [
        Colleague(id=one.user, name=(await names.officer(one.user)).name, chosen=chosen)
        for one, chosen in handovers.colleagues(_watcher(call)).items()
    ]
    return Colleagues(colleagues=found, most=handovers.most())


@table.add(
    "POST",
    HANDOVERS,
    roles=SUPERVISORS,
    zh="申请交班",
    en="Ask a colleague to take over",
    problems=(SamePerson, Conflict, PolicyViolation, NotFound),
    refused=REFUSED,
)
async def post_handover(call: Call, body: HandoverOrder) -> HandoverView:
    """The request of an officer who counts in these visits. The same `id` again counts once."""
    giver = _watcher(call)
    sessions = [call.context.seen(SessionId(session), call.caller).session.id for session in body.sessions]
    taker = Watcher(UserId(body.to), giver.site)
    return await _view(call, call.context.broker.handovers.begin(HandoverId(body.id), giver, taker, sessions))


@table.add(
    "POST",
    f"{HANDOVERS}/{{handover}}/accept",
    roles=SUPERVISORS,
    zh="接班",
    en="Take over",
    problems=(Conflict, PolicyViolation),
    refused=REFUSED,
)
async def accept(call: Call) -> HandoverView:
    """The colleague's word; the handover is completed once the colleague counts in all of the visits."""
    return await _view(call, call.context.broker.handovers.accept(_id(call), _watcher(call)))


@table.add(
    "POST",
    f"{HANDOVERS}/{{handover}}/decline",
    roles=SUPERVISORS,
    zh="拒绝接班",
    en="Do not take over",
    problems=(Conflict,),
    refused=REFUSED,
)
async def decline(call: Call) -> HandoverView:
    """The colleague's refusal, also after having accepted."""
    return await _view(call, call.context.broker.handovers.decline(_id(call), _watcher(call)))


@table.add(
    "POST",
    f"{HANDOVERS}/{{handover}}/withdraw",
    roles=SUPERVISORS,
    zh="撤回交班",
    en="Take a handover back",
    problems=(Conflict,),
    refused=REFUSED,
)
async def withdraw(call: Call) -> HandoverView:
    """Taken back by the officer who asked."""
    return await _view(call, call.context.broker.handovers.withdraw(_id(call), _watcher(call)))


def _watcher(call: Call) -> Watcher:
    watcher = watcher_of(call.caller)
    if watcher is None:
        raise Forbidden()
    return watcher


def _id(call: Call) -> HandoverId:
    return HandoverId(call.id("handover"))


async def _view(call: Call, handover: Handover) -> HandoverView:
    return await handover_view(handover, call.context.names, call.context.now())
