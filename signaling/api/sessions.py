"""Sessions over REST: their views, grounds, alerts and notes, and one address for each row of the table of orders."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Conflict, PolicyViolation
from broker.kernel.ids import SessionId, Side
from signaling.api import orders
from signaling.api.messages.orders import Order
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.sessions import (
    AlertList,
    CannedView,
    Grounds,
    GroundView,
    NoteList,
    SessionList,
    SuspensionRulesView,
)
from signaling.api.messages.sign_in import DayQuery, Done
from signaling.auth.scope import OFFICERS, Role, check_sees, may_see
from signaling.server.routes import Call, Route, Table
from signaling.views.alerts import record_view
from signaling.views.interventions import notes_view

table = Table("sessions")
SESSION = "/api/v1/sessions/{session}"


@table.add("GET", "/api/v1/sessions", roles=OFFICERS, zh="某日会见", en="Sessions of a day")
async def get_sessions(call: Call, query: DayQuery) -> SessionList:
    """Those of the caller's site whose slot touches the day, by start; ended ones for 24 h."""
    since, until = call.context.day_bounds(query.day)
    found = [
        live
        for live in call.context.broker.sessions()
        if may_see(call.caller, live.session.slot) and _touches(live, since, until)
    ]
    found.sort(key=lambda live: (live.session.slot.starts_at, live.session.id))
    return SessionList(sessions=[await call.context.hub.view(live, call.caller) for live in found])


def _touches(live: SessionRunner, since: datetime, until: datetime) -> bool:
    slot = live.session.slot
    return slot.starts_at < until and slot.ends_at > since


@table.add("GET", SESSION, roles=OFFICERS | {Role.TERMINAL}, zh="会见详情", en="One session")
async def get_session(call: Call) -> SessionView:
    """One session as the caller may see it."""
    return await call.context.hub.view(_seen(call), call.caller)


@table.add("GET", f"{SESSION}/interventions", roles=OFFICERS, zh="适用条款", en="Grounds for stepping in")
async def get_grounds(call: Call) -> Grounds:
    """The article codes of the rules that hold for this session."""
    policy = _seen(call).policy
    grounds = [
        GroundView(
            code=ground.code,
            zh=ground.title_zh,
            en=ground.title_en,
            article=ground.article,
            may_warn=ground.may_warn,
            may_hold=ground.may_hold,
            must_end=ground.must_end,
            may_suspend=ground.may_suspend,
        )
        for ground in policy.interventions
    ]
    rules = policy.suspension
    return Grounds(
        policy=policy.name,
        version=policy.version,
        interventions=grounds,
        warnings=[CannedView(**asdict(warning)) for warning in policy.warnings],
        suspension=SuspensionRulesView(subject=Side(rules.subject), least=rules.least, most=rules.most),
    )


def _seen(call: Call) -> SessionRunner:
    live = call.context.broker.live(SessionId(call.id("session")))
    check_sees(call.caller, live.session.slot)
    return live


# ---- orders --------------------------------------------------------------------------------------------------------


def _route(row: orders.Row[Any]) -> Route:
    """The address of an order: the body is the order itself, and an order without members has no body."""

    async def post(call: Call, body: Order | None = None) -> Done:
        orders.carry_out(call.context.broker, call.caller, call.id("session"), body or row.order())
        return Done()

    return Route(
        method="POST",
        path=f"{SESSION}/{row.name.replace('_', '-')}",
        verb=post,
        operation=f"{table.name}_{row.name}",
        roles=frozenset((row.role,)),
        zh=row.zh,
        en=row.en,
        problems=(PolicyViolation, Conflict),
        body=row.order if row.order.model_fields else None,
        answer=Done,
        refused=orders.REFUSED,
    )


table.rows += [_route(row) for row in orders.ROWS if row.by_rest]


# ---- what officers read --------------------------------------------------------------------------------------------


@table.add("GET", f"{SESSION}/alerts", roles=OFFICERS, zh="提醒记录", en="Alerts of a session")
async def get_alerts(call: Call) -> AlertList:
    """All alerts, open and done, with the officers who saw to them."""
    return AlertList(alerts=await record_view(_seen(call).session, call.context.names))


@table.add("GET", f"{SESSION}/notes", roles=OFFICERS, zh="会见记录列表", en="Notes of a session")
async def get_notes(call: Call) -> NoteList:
    """The notes of both sites' officers: they supervise one visit together."""
    return NoteList(notes=await notes_view(_seen(call).session, call.context.names))
