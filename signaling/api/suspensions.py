"""Suspensions: an officer of the visit proposes, those whom the rules name decide and file it; every step has an
author, an article and a time (Yunnan 17; Guangdong 25, 29). Nobody else decides anything."""

from datetime import date

from broker.booking.suspension import Author, Proposal, may_take, period, propose, status, take
from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Conflict, Forbidden, NotFound, PolicyViolation
from broker.kernel.ids import PersonId, SessionId, SuspensionId
from config.suspension import Step, Verdict
from signaling.api import bodies
from signaling.api import messages as msg
from signaling.auth.scope import OFFICERS, Role, User, author, check_sees, scope
from signaling.server.routes import Ask, Table

table = Table()
ONE = "/api/v1/suspensions/{suspension}"
MADE_HERE = "per_"
"""How ids begin that we made up: booking gave none, so it cannot know the person again."""


@table.add(
    "POST",
    "/api/v1/sessions/{session}/suspensions",
    who=(Role.SUPERVISOR,),
    zh="提出暂停会见建议",
    en="Propose a suspension",
    problems=(PolicyViolation, Conflict),
    noted="SuspensionRefused",
)
async def post_suspension(ask: Ask, body: bodies.SuspensionOrder) -> bodies.SuspensionView:
    """After an intervention on a ground that may lead to one. The same `id` again counts once."""
    house, user = ask.house, ask.user
    live = house.broker.live(SessionId(ask.id("session")))
    check_sees(user, live.session.slot)
    if user.site is None:
        raise Forbidden()
    made = propose(
        live.session,
        live.policy,
        house.now().wall,
        id=SuspensionId(body.id),
        person=PersonId(body.person),
        months=body.months,
        code=body.code,
        reason=body.reason.strip(),
        by=user.id,
        site=user.site,
    )
    kept = await house.store.add_suspension(made)
    if kept is made:
        told = {"suspension": made.id, "person": made.person, "months": made.months, "article": made.code}
        house.journal.note("SuspensionProposed", made.session, author(user), told)
    return await _view(ask, kept)


@table.add("GET", "/api/v1/suspensions", who=OFFICERS, zh="暂停会见建议", en="Proposals of one's site")
async def get_suspensions(ask: Ask) -> bodies.SuspensionList:
    """The newest first: by the caller's site or about its people, and those of the sites that it is over."""
    site = scope(ask.user)
    below = await ask.house.store.sites_below(site) if site is not None else None
    found = await ask.house.store.suspensions(below)
    return bodies.SuspensionList(suspensions=[await _view(ask, one) for one in found])


@table.add(
    "POST",
    f"{ONE}/decide",
    who=(Role.APPROVER,),
    zh="审批或备案暂停会见",
    en="Decide or file a suspension",
    problems=(Conflict, PolicyViolation),
    noted="SuspensionRefused",
)
async def decide(ask: Ask, body: bodies.SuspensionDecision) -> bodies.SuspensionView:
    """The step that is due, by whom the rules name."""
    house, user = ask.house, ask.user
    proposal = await house.store.suspension(ask.id("suspension"))
    verdict = Verdict.FILE if body.decision == "file" else Verdict.APPROVE
    agreed = body.decision != "reject"
    taken = take(proposal, await _author(ask, user), verdict, agreed, body.note.strip(), house.now().wall)
    await house.store.add_suspension_step(taken)
    last = taken.taken[-1]
    told = {"suspension": taken.id, "step": last.step, "site": last.site, "article": last.article}
    kind = {"approve": "SuspensionApproved", "reject": "SuspensionRejected", "file": "SuspensionFiled"}[body.decision]
    house.journal.note(kind, taken.session, author(user), told)
    return await _view(ask, taken)


async def _author(ask: Ask, user: User) -> Author:
    if user.site is None:
        raise Forbidden()
    store = ask.house.store
    site = await store.site(user.site)
    return Author(user.id, str(user.role), user.site, str(site.kind), await store.sites_below(user.site))


async def _view(ask: Ask, proposal: Proposal) -> bodies.SuspensionView:
    house = ask.house
    span = period(proposal)
    return bodies.SuspensionView(
        id=proposal.id,
        session=proposal.session,
        side=proposal.side,
        person=proposal.person,
        name=await _name(ask, proposal),
        recognised=not proposal.person.startswith(MADE_HERE),
        months=proposal.months,
        code=proposal.code,
        article=proposal.article,
        reason=proposal.reason,
        by=await _officer(ask, proposal.by),
        site=await house.names.site(proposal.site),
        at=proposal.at,
        linked=list(proposal.linked),
        status=status(proposal, _today(ask)).value,
        first=span[0] if span else None,
        until=span[1] if span else None,
        steps=[await _step(ask, proposal, number, step) for number, step in enumerate(proposal.plan)],
        mine=await _mine(ask, proposal),
    )


async def _step(ask: Ask, proposal: Proposal, number: int, step: Step) -> bodies.SuspensionStepView:
    done = proposal.taken[number] if number < len(proposal.taken) else None
    return bodies.SuspensionStepView(
        name=step.name,
        verdict=step.verdict.value,
        kinds=list(step.kinds),
        article=step.article,
        agreed=done.agreed if done else None,
        by=await _officer(ask, done.by) if done else None,
        site=await ask.house.names.site(done.site) if done else None,
        at=done.at if done else None,
        note=done.note if done else "",
    )


async def _mine(ask: Ask, proposal: Proposal) -> bool:
    """Whether the step that is due is the caller's to take."""
    user = ask.user
    if user.role is not Role.APPROVER or user.site is None:
        return False
    return may_take(proposal, await _author(ask, user))


async def _officer(ask: Ask, user: str) -> msg.Officer:
    return msg.Officer(id=user, name=await ask.house.names.user(user))


async def _name(ask: Ask, proposal: Proposal) -> str:
    try:
        slot = await ask.house.store.slot_of_session(proposal.session)
    except NotFound:
        return ""
    return next((one.name for one in slot.people if one.id == proposal.person), "")


def _today(ask: Ask) -> date:
    return in_shanghai(ask.house.now().wall).date()
