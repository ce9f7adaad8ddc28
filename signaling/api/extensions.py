"""Longer visits (延长): what the rules allow, and the approval itself. No interface changes a limit without an approval
object made before that limit (Yunnan 14, 27(3); Guangdong 22, 31(2))."""

from datetime import timedelta

from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, PolicyViolation, SessionEnded, TooLate
from broker.kernel.ids import ApprovalId
from broker.session.events import ExtensionApproved
from signaling.api.messages.approvals import ExtensionGroundView, ExtensionOrder, Extensions
from signaling.auth.scope import OFFICERS, Role
from signaling.auth.second_officer import check_permit
from signaling.server.routes import Call, Table
from signaling.views.interventions import extensions_view
from signaling.views.moment import moment_of, stops_at

table = Table("extensions")
PATH = "/api/v1/sessions/{session}/extensions"


@table.add("GET", PATH, roles=OFFICERS, zh="延长会见：规定与批准", en="Longer visits: rules and approvals")
async def get_extensions(call: Call) -> Extensions:
    """What the session's rules allow, and what was approved."""
    return await _view(call, call.session())


@table.add(
    "POST",
    PATH,
    roles=(Role.APPROVER,),
    zh="批准延长会见时间",
    en="Approve a longer visit",
    problems=(PolicyViolation, Conflict, TooLate, SessionEnded, CredentialTooNew),
    refused="ExtensionRefused",
)
async def post_extension(call: Call, body: ExtensionOrder) -> Extensions:
    """The approval of the prison's warden, before the limit. The same `id` again counts once."""
    live, user = call.session(), call.user
    if user.site is None:
        raise Forbidden()
    await check_permit(call.context, user.id)
    await call.context.broker.extend(
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
    return await _view(call, call.session())


async def _view(call: Call, live: SessionRunner) -> Extensions:
    rules, session = live.policy.extension, live.session
    return Extensions(
        times=rules.times,
        steps=[round(step.total_seconds()) for step in rules.steps] if rules.allowed else [],
        most=round(rules.most.total_seconds()),
        until=rules.until.value,
        role=rules.role,
        site=session.slot.prison.site,
        grounds=[
            ExtensionGroundView(
                code=ground.code, zh=ground.title_zh, en=ground.title_en, article=rules.articles["grounds"]
            )
            for ground in rules.grounds
        ],
        given=await extensions_view(session, call.context.names, None),
        stops_at=stops_at(moment_of(live, call.context.now())),
    )
