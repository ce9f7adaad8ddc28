"""Sessions over REST: their views, grounds, alerts and notes, and one address for each row of the table of orders."""

import json
from datetime import datetime
from typing import Any

from aiohttp import web

from broker.booking.slot import Slot
from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Conflict, NotFound, PolicyViolation
from broker.kernel.ids import SessionId, Side
from config.articles.notices import CannedWarning
from config.law import LAWS
from config.policy import Policy
from signaling.api import orders
from signaling.api.messages.orders import Order
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.sessions import (
    AlertList,
    CannedView,
    Grounds,
    GroundView,
    NoteList,
    PackView,
    SessionList,
    SessionsQuery,
    SuspensionRulesView,
)
from signaling.api.messages.sign_in import Done
from signaling.auth.scope import OFFICERS, Role, may_see
from signaling.budgets.allowance import LIST
from signaling.live.hub import MOST_VIEWS
from signaling.server.routes import Call, Route, Table
from signaling.views.alerts import record_view
from signaling.views.interventions import notes_view

table = Table("sessions")
SESSION = "/api/v1/sessions/{session}"


@table.add(
    "GET", "/api/v1/sessions", cost=LIST, roles=OFFICERS, zh="某日会见", en="Sessions of a day", problems=(NotFound,)
)
async def get_sessions(call: Call, query: SessionsQuery) -> web.Response | SessionList:
    """Those of the caller's site whose slot touches the day, by start; ended ones for 24 h. Each is charged."""
    since, until = call.context.day_bounds(query.day)
    found = [
        live
        for live in call.context.broker.sessions()
        if may_see(call.caller, live.session.slot) and _touches(live, since, until)
    ]
    found.sort(key=_order)
    if query.after is not None:
        last = _order(call.context.seen(SessionId(query.after), call.caller))
        found = [live for live in found if _order(live) > last]
    page = found[:MOST_VIEWS]
    body = await call.context.hub.views(page, call.caller)
    following = page[-1].session.id if len(found) > len(page) else None
    text = f'{{"sessions":{body},"next":{json.dumps(following)}}}'
    return web.Response(body=text.encode(), content_type="application/json", charset="utf-8")


def _order(live: SessionRunner) -> tuple[datetime, str]:
    return live.session.slot.starts_at, live.session.id


def _touches(live: SessionRunner, since: datetime, until: datetime) -> bool:
    slot = live.session.slot
    return slot.starts_at < until and slot.ends_at > since


@table.add("GET", SESSION, roles=OFFICERS | {Role.TERMINAL}, zh="会见详情", en="One session")
async def get_session(call: Call) -> SessionView:
    """One session as the caller may see it."""
    return await call.context.hub.view(call.session(), call.caller)


@table.add("GET", f"{SESSION}/interventions", roles=OFFICERS, zh="适用条款", en="Grounds for stepping in")
async def get_grounds(call: Call) -> Grounds:
    """The article codes of the rules that hold for this session."""
    live = call.session()
    policy = live.policy
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
            by=ground.by,
            phase=ground.phase,
            after=list(ground.after),
            issuer=ground.issuer,
            by_agreement=ground.by_agreement,
        )
        for ground in policy.interventions
    ]
    notice_ids = told_at_check_in(policy, live.session.slot)
    rules = policy.suspension
    return Grounds(
        policy=policy.name,
        version=policy.version,
        sha256=policy.sha256,
        interventions=grounds,
        warnings=[_canned(words, notice_ids) for words in policy.warnings],
        suspension=SuspensionRulesView(subject=Side(rules.subject), least=rules.least, most=rules.most),
    )


def told_at_check_in(policy: Policy, slot: Slot) -> set[str]:
    """Return the ids of the sentences that are told. Those of a letter are for who signs it, and no inmate does
    (Guangdong 24)."""
    law = LAWS[policy.law]
    signed = bool(law.check_in.letter)
    return set() if signed and slot.between_inmates else {notice.id for notice in law.notices}


def _canned(words: CannedWarning, notice_ids: set[str]) -> CannedView:
    return CannedView(
        id=words.id,
        code=words.code,
        codes=list(words.codes),
        zh=words.zh,
        en=words.en,
        article=words.article,
        notice=words.id in notice_ids,
    )


@table.add("GET", "/api/v1/packs/{sha256}", roles=OFFICERS, zh="会见适用的规则包", en="A pack that a visit froze")
async def get_pack(call: Call) -> PackView:
    """The pack whose hash a manifest or a session's grounds name, in the one spelling that was hashed."""
    sha256 = call.id("sha256")
    return PackView(sha256=sha256, canonical=await call.context.store.pack(sha256))


# ---- orders --------------------------------------------------------------------------------------------------------


def _route(row: orders.Row[Any]) -> Route:
    """The address of an order: the body is the order itself, and an order without members has no body."""

    async def post(call: Call, body: Order | None = None) -> Done:
        orders.carry_out(call.context, call.caller, call.id("session"), body or row.order())
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
        urgent=row.urgent,
    )


table.rows += [_route(row) for row in orders.ROWS if row.by_rest]


# ---- what officers read --------------------------------------------------------------------------------------------


@table.add("GET", f"{SESSION}/alerts", roles=OFFICERS, zh="提醒记录", en="Alerts of a session")
async def get_alerts(call: Call) -> AlertList:
    """All alerts, open and done, with the officers who saw to them."""
    return AlertList(alerts=await record_view(call.session().session, call.context.names))


@table.add("GET", f"{SESSION}/notes", roles=OFFICERS, zh="会见记录列表", en="Notes of a session")
async def get_notes(call: Call) -> NoteList:
    """The notes of both sites' officers: they supervise one visit together."""
    return NoteList(notes=await notes_view(call.session().session, call.context.names))
