"""Drills (演练; Yunnan 12, 26(5)): an approver or admin of either site, or the province, tries two rooms; officers of
both sites see how it went."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from broker.authority import slot_acts
from broker.authority.slot_acts import SlotAct
from broker.booking.slot import Place
from broker.control.drills.morning import Morning
from broker.control.store.drills.results import Drill
from broker.kernel.errors import Conflict, NotFound, PolicyViolation
from broker.kernel.ids import RoomId, SiteId
from signaling.api.drills.messages import DrillList, DrillOrder, DrillPair, DrillsDue, DrillView, StepView
from signaling.api.messages.slots import PlaceView
from signaling.auth.scope import OFFICERS, Role, author, found, role_of, scope
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table
from signaling.views.texts import DRILL_STEPS, text_of

table = Table("drills")
LISTED = timedelta(days=31)


@table.add(
    "POST",
    "/api/v1/drills",
    roles=(Role.ADMIN, Role.APPROVER),
    zh="开始演练",
    en="Begin a drill of two rooms",
    status=201,
    problems=(Conflict, NotFound, PolicyViolation),
    refused="DrillRefused",
)
async def begin_drill(call: Call, body: DrillOrder) -> DrillView:
    """It takes about a minute; `GET …/{drill}` tells how it goes. Refused while another one runs, and where a visit of
    one of the rooms is near: check-in of a visit always comes first."""
    drills = _drills(call)
    prison, visitor = (
        await _place(call, body.prison_room, body.prison_site),
        await _place(call, body.visitor_room, body.visitor_site),
    )
    relation = slot_acts.relation(scope(call.user), prison.site, visitor.site)
    slot_acts.check(SlotAct.DRILL, role_of(call.caller), relation)
    call.context.changes.take(author(call.caller), call.context.mono())
    return _view(call, await drills.conductor.begin(prison, visitor, author(call.caller)))


@table.add("GET", "/api/v1/drills", cost=LIST, roles=OFFICERS, zh="演练记录", en="Drills of the last month")
async def get_drills(call: Call) -> DrillList:
    """Those of the caller's site, newest first."""
    since = call.context.now().wall - LISTED
    listed = await call.context.store.drills_since(since, scope(call.user))
    return DrillList(drills=[_view(call, drill) for drill in listed])


@table.add(
    "GET",
    "/api/v1/drills/due",
    cost=LIST,
    roles=OFFICERS,
    problems=(Conflict,),
    zh="当日应演练的会见室",
    en="Rooms to try today",
)
async def get_due(call: Call) -> DrillsDue:
    """The rooms of today's first visits that have not been tried, as far as they are of the caller's site."""
    site = scope(call.user)
    pairs = [pair for pair in await _drills(call).due() if site in (None, pair.prison.site, pair.visitor.site)]
    return DrillsDue(pairs=[DrillPair(prison=_where(pair.prison), visitor=_where(pair.visitor)) for pair in pairs])


@table.add("GET", "/api/v1/drills/{drill}", roles=OFFICERS, zh="演练详情", en="One drill")
async def get_drill(call: Call) -> DrillView:
    """One drill, step by step, with the signed result once it is over."""
    drill, site = await found(call.context.store.drill(call.id("drill"))), scope(call.user)
    if site not in (None, drill.prison.site, drill.visitor.site):
        raise NotFound()
    return _view(call, drill)


def _drills(call: Call) -> Morning:
    if call.context.drills is None:
        raise Conflict("No drills are made here.", "此处不进行演练。")
    return call.context.drills


async def _place(call: Call, room: str | None, site: str | None) -> Place:
    """Return the room that an order means. Raises NotFound."""
    store = call.context.store
    if room is not None:
        return Place((await found(store.room(room))).site, RoomId(room))
    rooms = await store.rooms(site) if site is not None else []
    if site is None or not rooms:
        raise NotFound()
    connected = [one for one in rooms if call.context.hub.has_terminal_of(RoomId(one.id))]
    return Place(SiteId(site), RoomId((connected or rooms)[0].id))


def _view(call: Call, drill: Drill) -> DrillView:
    running = call.context.drills.conductor.running if call.context.drills is not None else None
    progress = running.progress if running is not None and running.slot.session == drill.session else []
    failed = text_of(DRILL_STEPS, drill.failed_at) if drill.failed_at else None
    return DrillView(
        id=drill.session,
        state=drill.state.value,
        failed_at=drill.failed_at,
        failed_zh=failed.zh if failed else "",
        failed_en=failed.en if failed else "",
        prison=_where(drill.prison),
        visitor=_where(drill.visitor),
        begun_at=drill.begun_at,
        ended_at=drill.ended_at,
        by=drill.by,
        progress=list(progress),
        steps=[_step(step) for step in (drill.result or {}).get("steps", ())],
        result=dict(drill.result) if drill.result is not None else None,
    )


def _step(step: Mapping[str, Any]) -> StepView:
    text = text_of(DRILL_STEPS, step["name"])
    return StepView(
        name=step["name"],
        verdict=step["verdict"],
        zh=text.zh,
        en=text.en,
        at=step["at"],
        figures={name: float(figure) for name, figure in step["figures"].items()},
        detail=step.get("detail", ""),
    )


def _where(place: Place) -> PlaceView:
    return PlaceView(site=place.site, room=place.room)
