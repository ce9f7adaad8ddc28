"""Sessions over REST: their views, grounds, alerts and notes, and one address for each row of the table of orders."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from broker.booking.slot import Slot
from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Conflict, NotFound, PolicyViolation, TooLarge, TooMany
from broker.kernel.ids import SessionId, Side
from broker.session.state import State
from config.articles.notices import CannedWarning
from config.articles.rules_text import AUDIO_TYPES
from config.law import LAWS
from config.policy import Policy
from signaling.api import orders
from signaling.api.administration.packs import pack_text
from signaling.api.inspections.check import check_inspects
from signaling.api.messages.orders import Order
from signaling.api.messages.session_view import SessionView
from signaling.api.messages.sessions import (
    AlertList,
    CannedView,
    Grounds,
    GroundView,
    IdentityList,
    IdentityView,
    NoteList,
    OrderOutcome,
    PackView,
    RulesPoint,
    RulesView,
    RulesWords,
    SessionList,
    SessionsQuery,
    SuspensionRulesView,
)
from signaling.api.messages.sign_in import Done
from signaling.auth.scope import OFFICERS, Role, author, duty, may_see
from signaling.budgets.allowance import LIST
from signaling.live.hub import MOST_VIEWS
from signaling.live.order_ids import KnownOrder
from signaling.server.encoded import Encoded
from signaling.server.routes import Call, Route, Table
from signaling.views.alerts import record_view
from signaling.views.interventions import notes_view

table = Table("sessions")
SESSION = "/api/v1/sessions/{session}"
READS = OFFICERS | {Role.PROCURATOR}
TOLD = frozenset({Role.SUPERVISOR, Role.TERMINAL})
"""The roles that are told the rules of a visit: its rooms', and the supervisors' of both sites."""
CHECKED_IN = frozenset({State.CHECK_IN, State.READY})
"""The states in which people are checked."""
MOST_AUDIO = 8 * 2**20
"""Most bytes of a recording of the rules: ten minutes of speech at 96 kbit/s."""


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


@table.add("GET", SESSION, roles=READS | {Role.TERMINAL}, zh="会见详情", en="One session")
async def get_session(call: Call) -> SessionView:
    """One session as the caller may see it; a procurator under an inspection."""
    await check_inspects(call.context, call.caller, call.id("session"))
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
            usual=ground.usual,
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
    """The pack whose hash a manifest or a session's grounds name, or one in force, in the one spelling that was
    hashed."""
    sha256 = call.id("sha256")
    return PackView(sha256=sha256, canonical=await pack_text(call.context, sha256))


# ---- the rules that rooms acknowledge ------------------------------------------------------------------------------


@table.add("GET", f"{SESSION}/rules", roles=TOLD, zh="会见须知", en="The rules of a visit, as its rooms are told them")
async def get_rules(call: Call) -> RulesView:
    """The text of the pack by which the session runs, for its rooms and the supervisors of both sites."""
    live, folder = call.session(), call.context.settings.rules_audio_dir
    text = live.policy.rules_text
    found = await asyncio.to_thread(lambda: [tag for tag in text.audio if text.recording(folder, tag) is not None])
    return RulesView(
        id=text.id,
        article=text.article,
        title=RulesWords(zh=text.title_zh, en=text.title_en),
        lead=RulesWords(zh=text.lead_zh, en=text.lead_en),
        points=[RulesPoint(id=point.id, zh=point.zh, en=point.en) for point in text.points],
        audio={tag: f"{SESSION}/rules/audio/{tag}".format(session=live.session.id) for tag in found},
    )


@table.add(
    "GET",
    f"{SESSION}/rules/audio/{{language}}",
    cost=LIST,
    roles=TOLD,
    zh="会见须知朗读",
    en="The rules of a visit, read aloud",
    problems=(TooLarge,),
    gives="audio/*",
    or_status=304,
)
async def get_rules_audio(call: Call) -> web.Response:
    """The recording in that language. No part of the address becomes a name on the disk: the pack has the names."""
    live, folder, language = call.session(), call.context.settings.rules_audio_dir, call.id("language")
    path = await asyncio.to_thread(live.policy.rules_text.recording, folder, language)
    if path is None:
        raise NotFound("There is no recording in this language.", "没有该语言的朗读录音。")
    sound = await asyncio.to_thread(_read_up_to, path, MOST_AUDIO)
    return Encoded(sound, AUDIO_TYPES[path.suffix]).answer(call.request)


def _read_up_to(path: Path, most: int) -> bytes:
    """Return the content of a file. Raises NotFound where it cannot be read, TooLarge for more than `most` bytes."""
    try:
        with path.open("rb") as file:
            found = file.read(most + 1)
    except OSError:
        raise NotFound("The recording cannot be read.", "朗读录音无法读取。") from None
    if len(found) > most:
        raise TooLarge("The recording is too large.", "朗读录音文件过大。")
    return found


# ---- orders --------------------------------------------------------------------------------------------------------


def _route(row: orders.Row[Any]) -> Route:
    """The address of an order: the body is the order itself, and an order without members has no body."""

    async def post(call: Call, body: Order | None = None) -> Done:
        orders.carry_out(call.context, call.caller, call.id("session"), body or row.order(), call.key())
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
        counts_once=True,
    )


table.rows += [_route(row) for row in orders.ROWS if row.by_rest]


@table.add(
    "GET",
    f"{SESSION}/orders/{{order}}",
    roles=OFFICERS,
    zh="指令是否已执行",
    en="Whether an order was carried out",
)
async def get_order(call: Call) -> OrderOutcome:
    """Whether the caller's own order of this id was carried out: for a page that got no answer. Orders of others, and
    ids that were never sent, have the same answer."""
    session, order = call.session().session.id, call.id("order")
    return _outcome(order, call.context.order_ids.carried_out(author(call.caller), order, session))


@table.add(
    "DELETE",
    f"{SESSION}/orders/{{order}}",
    roles=OFFICERS,
    zh="撤回未送达的指令",
    en="Take back an order that has not arrived",
)
async def take_order_back(call: Call) -> OrderOutcome:
    """Whether the caller's own order of this id was carried out; one that was not is refused should it still arrive."""
    session, order = call.session().session.id, call.id("order")
    return _outcome(order, call.context.order_ids.take_back(author(call.caller), order, session))


def _outcome(order: str, found: KnownOrder | None) -> OrderOutcome:
    return OrderOutcome(order=order, carried_out=found is not None, at=found.at if found is not None else None)


# ---- what the check-in desk reads ----------------------------------------------------------------------------------


@table.add(
    "GET",
    f"{SESSION}/identities",
    roles=(Role.SUPERVISOR,),
    zh="核验用证件信息",
    en="The documents that people are checked against",
    problems=(Conflict, TooMany),
    refused="IdentitiesRefused",
)
async def get_identities(call: Call) -> IdentityList:
    """Type and last four characters of the documents of the people of the officer's own side, while they are checked in
    (Yunnan 11, Guangdong 24). Each reading is journaled."""
    session = call.session().session
    own = duty(call.caller, session.slot)
    if session.state not in CHECKED_IN:
        raise Conflict("Documents are shown while people are checked in.", "证件信息仅在办理入场期间显示。")
    kept = await call.context.store.documents_of(session.id)
    people = [person.id for person in session.slot.people_of(own.side)]
    call.context.journal.note_access("IdentitiesRead", session.id, author(call.user), {"people": people})
    views = [
        IdentityView(person=id, kind=kept[id].kind, last_four=kept[id].last_four)
        if id in kept
        else IdentityView(person=id)
        for id in people
    ]
    return IdentityList(side=own.side, people=views)


# ---- what officers read --------------------------------------------------------------------------------------------


@table.add("GET", f"{SESSION}/alerts", roles=OFFICERS, zh="提醒记录", en="Alerts of a session")
async def get_alerts(call: Call) -> AlertList:
    """All alerts, open and done, with the officers who saw to them."""
    return AlertList(alerts=await record_view(call.session().session, call.context.names))


@table.add("GET", f"{SESSION}/notes", roles=OFFICERS, zh="会见记录列表", en="Notes of a session")
async def get_notes(call: Call) -> NoteList:
    """The notes of both sites' officers: they supervise one visit together."""
    return NoteList(notes=await notes_view(call.session().session, call.context.names))
