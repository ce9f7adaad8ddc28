"""Longer visits: what the rules allow, and the approval itself. There is no way past it: no API changes a limit without
an approval object made before it (Yunnan 14, 27(3); Guangdong 22, 31(2))."""

from datetime import timedelta

from broker.kernel.errors import Conflict, Forbidden, PolicyViolation, SessionEnded, TooLate
from broker.kernel.ids import ApprovalId, SessionId
from broker.session.events import ExtensionApproved
from signaling.api import bodies
from signaling.auth.scope import OFFICERS, Role, check_sees
from signaling.server.ports import Live
from signaling.server.routes import Ask, Table
from signaling.views.extensions import extensions_view, stops_at

table = Table()
ADDRESS = "/api/v1/sessions/{session}/extensions"


@table.add("GET", ADDRESS, who=OFFICERS, zh="延长会见：规定与批准", en="Longer visits: rules and approvals")
async def get_extensions(ask: Ask) -> bodies.Extensions:
    """What the session's rules allow, to whom, and what was approved."""
    return await _told(ask, _seen(ask))


@table.add(
    "POST",
    ADDRESS,
    who=(Role.APPROVER,),
    zh="批准延长会见时间",
    en="Approve a longer visit",
    problems=(PolicyViolation, Conflict, TooLate, SessionEnded),
    noted="ExtensionRefused",
)
async def post_extension(ask: Ask, body: bodies.ExtensionOrder) -> bodies.Extensions:
    """By the warden of the prison's site, before the limit. The same `id` again counts once."""
    live, user = _seen(ask), ask.user
    if user.site is None:
        raise Forbidden()
    await ask.house.broker.extend(
        ExtensionApproved(
            ApprovalId(body.id),
            live.session.id,
            user.id,
            user.site,
            str(user.role),
            timedelta(seconds=body.seconds),
            body.article,
            body.reason.strip(),
        )
    )
    return await _told(ask, _seen(ask))


def _seen(ask: Ask) -> Live:
    live = ask.house.broker.live(SessionId(ask.id("session")))
    check_sees(ask.caller, live.session.slot)
    return live


async def _told(ask: Ask, live: Live) -> bodies.Extensions:
    scene = ask.house.scene(live)
    rules = scene.policy.extension
    return bodies.Extensions(
        times=rules.times,
        steps=[round(step.total_seconds()) for step in rules.steps] if rules.allowed else [],
        most=round(rules.most.total_seconds()),
        until=rules.until.value,
        role=rules.role,
        site=scene.session.slot.prison.site,
        grounds=[
            bodies.ExtensionGroundView(
                code=one.code, zh=one.title_zh, en=one.title_en, article=rules.articles["grounds"]
            )
            for one in rules.grounds
        ],
        given=await extensions_view(scene, ask.house.names, None),
        stops_at=stops_at(scene),
    )
