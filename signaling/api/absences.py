"""Absences (未到场): what the check-in noted of a side that was not complete in time, and what officers of its site
decide about it, each with a reason (Yunnan 10, Guangdong 23). A forfeit is taken back by another officer."""

from collections.abc import Collection

from broker.booking.absence import Absence, AbsenceState, Decision, decide
from broker.booking.slot import Slot
from broker.kernel.errors import Conflict, CredentialTooNew, Forbidden, PolicyViolation, SamePerson
from broker.kernel.ids import PersonId
from signaling.api.messages.follow_ups import AbsenceList, AbsenceOrder, AbsenceView, ForfeitOrder
from signaling.auth.scope import OFFICERS, Role, author, found, scope, seen
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table
from signaling.views.follow_ups import absence_view

table = Table("absences")
ABSENCE = "/api/v1/absences/{absence}"
DECIDES = (Role.SUPERVISOR, Role.APPROVER)
PROBLEMS = (Conflict, PolicyViolation, CredentialTooNew, SamePerson)
REFUSED = "AbsenceRefused"


@table.add(
    "GET", "/api/v1/absences", cost=LIST, roles=OFFICERS, zh="未到场记录", en="Absences from one's site's visits"
)
async def get_absences(call: Call) -> AbsenceList:
    """Absences from visits of the caller's site, the newest first."""
    site = scope(call.user)
    found = await call.context.store.absences(None if site is None else [site])
    return AbsenceList(absences=[await _view(call, absence) for absence in found])


@table.add("GET", ABSENCE, roles=OFFICERS, zh="未到场记录详情", en="One absence")
async def get_absence(call: Call) -> AbsenceView:
    """One absence with its decisions."""
    return await _view(call, (await _seen(call))[0])


@table.add(
    "POST",
    f"{ABSENCE}/forfeit",
    roles=DECIDES,
    zh="认定无故未到",
    en="Find an absence without reason",
    problems=PROBLEMS,
    refused=REFUSED,
)
async def forfeit(call: Call, body: ForfeitOrder) -> AbsenceView:
    """The visitors lose what the rules say: this visit (Yunnan 10), or the month's (Guangdong 23)."""
    people = None if body.people is None else [PersonId(person) for person in body.people]
    return await _decide(call, Decision.FORFEIT, body.reason, people)


@table.add(
    "POST",
    f"{ABSENCE}/take-back",
    roles=DECIDES,
    zh="撤回认定",
    en="Take a forfeit back",
    problems=PROBLEMS,
    refused=REFUSED,
)
async def take_back(call: Call, body: AbsenceOrder) -> AbsenceView:
    """Take a forfeit back, by another officer of the site than the one who made it."""
    return await _decide(call, Decision.TAKE_BACK, body.reason)


@table.add(
    "POST",
    f"{ABSENCE}/excuse",
    roles=DECIDES,
    zh="认定有故",
    en="Excuse an absence",
    problems=PROBLEMS,
    refused=REFUSED,
)
async def excuse(call: Call, body: AbsenceOrder) -> AbsenceView:
    """There was a reason, or the desk has left the ticks out by mistake."""
    return await _decide(call, Decision.EXCUSE, body.reason)


async def _decide(
    call: Call, decision: Decision, reason: str, people: Collection[PersonId] | None = None
) -> AbsenceView:
    absence, slot = await _seen(call)
    context, user = call.context, call.user
    if user.site is None:
        raise Forbidden()
    decided = decide(
        absence,
        slot,
        await context.broker.rules_of(slot),
        decision,
        by=user.id,
        site=user.site,
        reason=reason,
        now=context.now().wall,
        people=people,
        inmates=(await context.store.site(absence.site)).kind.holds_inmates,
    )
    if decision is Decision.TAKE_BACK:
        await check_permit(context, user.id, absence.decided[-1].by)
    await context.broker.follow_ups.decide_absence(decided, author(user))
    return await _view(call, decided)


async def _seen(call: Call) -> tuple[Absence, Slot]:
    absence = await found(call.context.store.absence(call.id("absence")))
    return absence, seen(call.caller, await call.context.store.slot(absence.slot))


async def _view(call: Call, absence: Absence) -> AbsenceView:
    store = call.context.store
    slot = await store.slot(absence.slot)
    return await absence_view(absence, slot, call.context.names, await _mine(call, absence))


async def _mine(call: Call, absence: Absence) -> list[Decision]:
    """The decisions that the caller may take now, for pages; `decide` checks them again."""
    user = call.user
    if user.role not in DECIDES or user.site != absence.site:
        return []
    if absence.state is AbsenceState.FORFEITED:
        return [Decision.TAKE_BACK] if absence.decided[-1].by != user.id else []
    inmates = (await call.context.store.site(absence.site)).kind.holds_inmates
    if absence.state is not AbsenceState.NOTED:
        return []
    return [Decision.EXCUSE] if inmates else [Decision.FORFEIT, Decision.EXCUSE]
