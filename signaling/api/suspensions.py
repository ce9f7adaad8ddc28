"""Suspensions of visits (暂停会见): an officer of the visit proposes, and the officers whom the rules name decide
and file it; every step has an author, an article and a time (Yunnan 17; Guangdong 25, 29)."""

from datetime import date

from broker.booking.identity import recognised
from broker.booking.suspension import Author, Proposal, may_take, period, propose, status, take
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, NotFound, PolicyViolation, SamePerson
from broker.kernel.ids import PersonId, SuspensionId
from config.suspension import Step, Verdict
from signaling.api.messages.approvals import (
    SuspensionDecision,
    SuspensionList,
    SuspensionOrder,
    SuspensionStepView,
    SuspensionView,
)
from signaling.auth.scope import OFFICERS, Role, User, author, found, scope
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table

table = Table("suspensions")
SUSPENSION = "/api/v1/suspensions/{suspension}"


@table.add(
    "POST",
    "/api/v1/sessions/{session}/suspensions",
    roles=(Role.SUPERVISOR,),
    zh="提出暂停会见建议",
    en="Propose a suspension",
    problems=(PolicyViolation, Conflict),
    refused="SuspensionRefused",
)
async def post_suspension(call: Call, body: SuspensionOrder) -> SuspensionView:
    """A proposal after an intervention on a ground that may lead to one. The same `id` again counts once."""
    context, user = call.context, call.user
    live = call.session()
    if user.site is None:
        raise Forbidden()
    made = propose(
        live.session,
        live.policy,
        context.now().wall,
        id=SuspensionId(body.id),
        person=PersonId(body.person),
        months=body.months,
        code=body.code,
        reason=body.reason.strip(),
        by=user.id,
        site=user.site,
    )
    kept = await context.store.add_suspension(made)
    if kept is made:
        data = {"suspension": made.id, "person": made.person, "months": made.months, "article": made.code}
        context.journal.note("SuspensionProposed", made.session, author(user), data)
    return await _view(call, kept)


@table.add("GET", "/api/v1/suspensions", cost=LIST, roles=OFFICERS, zh="暂停会见建议", en="Proposals of one's site")
async def get_suspensions(call: Call) -> SuspensionList:
    """Proposals by the caller's site or about its people, and those of the sites below it; the newest first."""
    site = scope(call.user)
    below = await call.context.store.sites_below(site) if site is not None else None
    found = await call.context.store.suspensions(below)
    return SuspensionList(suspensions=[await _view(call, proposal) for proposal in found])


@table.add(
    "POST",
    f"{SUSPENSION}/decide",
    roles=(Role.APPROVER,),
    zh="审批或备案暂停会见",
    en="Decide or file a suspension",
    problems=(Conflict, PolicyViolation, CredentialTooNew, SamePerson),
    refused="SuspensionRefused",
)
async def decide(call: Call, body: SuspensionDecision) -> SuspensionView:
    """Take the step that is due, by an officer whom the rules name."""
    context, user = call.context, call.user
    proposal = await found(context.store.suspension(call.id("suspension")))
    verdict = Verdict.FILE if body.decision == "file" else Verdict.APPROVE
    agreed = body.decision != "reject"
    taken = take(proposal, await _author(call, user), verdict, agreed, body.note.strip(), context.now().wall)
    await check_permit(context, user.id, proposal.by)
    await context.store.add_suspension_step(taken)
    last = taken.taken[-1]
    data = {"suspension": taken.id, "step": last.step, "site": last.site, "article": last.article}
    kind = {"approve": "SuspensionApproved", "reject": "SuspensionRejected", "file": "SuspensionFiled"}[body.decision]
    context.journal.note(kind, taken.session, author(user), data)
    await context.broker.rows_changed()  # visits that were approved before it are asked again (F12)
    return await _view(call, taken)


async def _author(call: Call, user: User) -> Author:
    if user.site is None:
        raise Forbidden()
    store = call.context.store
    site = await store.site(user.site)
    return Author(user.id, str(user.role), user.site, str(site.kind), await store.sites_below(user.site))


async def _view(call: Call, proposal: Proposal) -> SuspensionView:
    context = call.context
    span = period(proposal)
    return SuspensionView(
        id=proposal.id,
        session=proposal.session,
        side=proposal.side,
        person=proposal.person,
        name=await _name(call, proposal),
        recognised=recognised(proposal.person, proposal.identity),
        months=proposal.months,
        code=proposal.code,
        article=proposal.article,
        reason=proposal.reason,
        by=await call.context.names.officer(proposal.by),
        site=await context.names.site(proposal.site),
        at=proposal.at,
        linked=list(proposal.linked),
        status=status(proposal, _today(call)).value,
        first=span[0] if span else None,
        until=span[1] if span else None,
        steps=[await _step(call, proposal, number, step) for number, step in enumerate(proposal.plan)],
        mine=await _mine(call, proposal),
    )


async def _step(call: Call, proposal: Proposal, number: int, step: Step) -> SuspensionStepView:
    done = proposal.taken[number] if number < len(proposal.taken) else None
    return SuspensionStepView(
        name=step.name,
        verdict=step.verdict.value,
        kinds=list(step.kinds),
        article=step.article,
        agreed=done.agreed if done else None,
        by=await call.context.names.officer(done.by) if done else None,
        site=await call.context.names.site(done.site) if done else None,
        at=done.at if done else None,
        note=done.note if done else "",
    )


async def _mine(call: Call, proposal: Proposal) -> bool:
    """Whether the caller may take the step that is due."""
    user = call.user
    if user.role is not Role.APPROVER or user.site is None:
        return False
    return may_take(proposal, await _author(call, user))


async def _name(call: Call, proposal: Proposal) -> str:
    try:
        slot = await call.context.store.slot_of_session(proposal.session)
    except NotFound:
        return ""
    return next((person.name for person in slot.people if person.id == proposal.person), "")


def _today(call: Call) -> date:
    return in_shanghai(call.context.now().wall).date()
