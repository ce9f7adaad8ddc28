"""The purge of recordings that are due, by the rules of `huijian purge`: an officer looks, permits exactly what is due
now, and gives the code to another officer, who orders it. Nothing is ever deleted by one person."""

from datetime import datetime

from broker.kernel.errors import Conflict, CredentialTooNew, NotFound, SamePerson, StorageUnavailable
from recorder.evidence.signing import KeyProblem
from recorder.retention import approvals
from recorder.retention.due_proof import NotDue
from recorder.retention.plan import Plan, Scope, plan_of
from signaling.api.purge.messages import (
    BrokenChain,
    KeptView,
    NotDeleted,
    PermitOrder,
    PurgeOrder,
    PurgePermit,
    PurgePlan,
    PurgeQuery,
    PurgeState,
    SiteDue,
)
from signaling.auth.scope import Role, User, author
from signaling.auth.second_officer import check_permit
from signaling.budgets.allowance import LIST
from signaling.retention.purge_context import scope_at
from signaling.retention.purge_run import PurgeRun
from signaling.server.context import Context
from signaling.server.routes import Call, Table
from signaling.views.texts import CHAIN_BROKEN, KEPT, text_of, text_of_failure

table = Table("purge")
OFFICERS = (Role.AUDITOR, Role.ADMIN)
REFUSED = "PurgeRefused"
"""Journal kind of a refusal."""
PURGE = "/api/v1/purge"


@table.add(
    "GET",
    PURGE,
    cost=LIST,
    roles=OFFICERS,
    zh="到期录像",
    en="What is due for deletion",
    problems=(Conflict, NotFound),
    refused=REFUSED,
)
async def get_plan(call: Call, query: PurgeQuery) -> PurgePlan:
    """What may be deleted now, by site, and what stays although its date has come. Nothing is deleted."""
    plan = await _plan(call.context, await _scope(call, query.site))
    call.context.journal.note_access("PurgeLooked", None, author(call.user), {"recordings": plan.recordings})
    return await _view(call.context, plan)


@table.add(
    "POST",
    f"{PURGE}/permits",
    cost=LIST,
    roles=OFFICERS,
    zh="同意销毁",
    en="Permit a purge",
    status=201,
    problems=(Conflict, NotDue, NotFound, CredentialTooNew, SamePerson),
    refused=REFUSED,
)
async def post_permit(call: Call, body: PermitOrder) -> PurgePermit:
    """Permit exactly what is due now; the answer has a code for another officer, once and for a day. Refused where
    another number is due than the officer has seen."""
    context, user = call.context, call.user
    await check_permit(context, user.id)
    scope = await _scope(call, body.site)
    plan = await _plan(context, scope)
    if plan.recordings == 0:
        raise NotDue("Nothing is due.", "没有到期录像。")
    if plan.recordings != body.recordings:
        raise Conflict("What is due has changed; look again.", "到期录像已变化，请重新查看。")
    code = await approvals.issue(context.store.engine, plan.hash, scope.as_of, scope.site, user.id, scope.as_of)
    facts = {"plan": plan.hash, "recordings": plan.recordings, "bytes": plan.bytes, "site": scope.site}
    context.journal.note("PurgePermitted", None, author(user), facts)
    await context.journal.flush()
    expires = scope.as_of + approvals.LIFE
    return PurgePermit(code=code, expires_at=expires, recordings=plan.recordings, bytes=plan.bytes)


@table.add(
    "POST",
    f"{PURGE}/apply",
    cost=LIST,
    roles=OFFICERS,
    zh="执行销毁",
    en="Order a purge that another officer has permitted",
    status=202,
    problems=(Conflict, NotDue, NotFound, CredentialTooNew, SamePerson),
    refused=REFUSED,
)
async def post_apply(call: Call, body: PurgeOrder) -> PurgeState:
    """Delete what another officer has permitted by this code. It goes on in the background; GET says how far it is."""
    context, user = call.context, call.user
    context.purges.check_free()
    now = context.now().wall
    approval = await approvals.approval_of(context.store.engine, body.code, user.id, now)
    _check_site(user, approval.site)
    await check_permit(context, approval.by)  # its password may have been set anew since
    await check_permit(context, user.id, approval.by)
    scope = await _trusted(call, approval.site, approval.as_of)
    plan = await _plan(context, scope)
    if plan.recordings == 0:
        raise NotDue("Nothing is due.", "没有到期录像。")
    if plan.hash != approval.plan:
        raise Conflict("The plan has changed since the code was issued.", "销毁清单已变化，请重新签发确认码。")
    run = PurgeRun(user.id, approval.by, approval.site, plan.recordings, now)
    context.purges.check_free()
    context.journal.note("PurgeOrdered", None, author(user), {"plan": approval.plan, "second": approval.by})
    await context.journal.flush()
    context.purges.begin(context, approval, scope, run)
    return _state(run)


@table.add("GET", f"{PURGE}/run", roles=OFFICERS, zh="销毁进度", en="How far a purge is", refused=REFUSED)
async def get_run(call: Call) -> PurgeState:
    """The purge that runs, or the latest one; of other sites' purges nothing."""
    run = call.context.purges.latest
    if run is None or (call.user.site is not None and call.user.site != run.site):
        return PurgeState(state="none")
    return _state(run)


async def _plan(context: Context, scope: Scope) -> Plan:
    """Return the plan for a scope; others wait meanwhile. Raises StorageUnavailable."""
    async with context.purges.planning:
        return await plan_of(context.store.engine, scope)


def _check_site(user: User, site: str | None) -> None:
    """Check that an officer may act for a site (None: for all). Raises NotFound."""
    if user.site is not None and user.site != site:
        raise NotFound()


async def _scope(call: Call, site: str | None) -> Scope:
    """Return the scope that the officer means: a site, by default their own. Raises NotFound, Conflict."""
    chosen = site if site is not None else call.user.site
    _check_site(call.user, chosen)
    if chosen is not None and chosen not in {str(known.id) for known in await call.context.store.sites()}:
        raise NotFound()
    return await _trusted(call, chosen)


async def _trusted(call: Call, site: str | None, as_of: datetime | None = None) -> Scope:
    """Return a scope, by default at this moment. Raises Conflict where the clock is not trusted, StorageUnavailable
    where the key that signs chains cannot be read."""
    try:
        return await scope_at(call.context, site, as_of)
    except (KeyProblem, OSError) as error:
        raise StorageUnavailable("The key of the archive cannot be read.", "存档密钥无法读取。") from error


async def _view(context: Context, plan: Plan) -> PurgePlan:
    sites = [
        SiteDue(
            site=site,
            site_name=await context.names.site(site),
            recordings=total.recordings,
            bytes=total.bytes,
            oldest=total.oldest,
            newest=total.newest,
        )
        for site, total in sorted(plan.sites.items())
    ]
    kept = [
        KeptView(code=code, count=count, **text_of(KEPT, code)._asdict()) for code, count in sorted(plan.kept.items())
    ]
    mine = [(site, why) for site, why in sorted(plan.scope.chains.broken.items()) if plan.scope.site in (None, site)]
    return PurgePlan(
        as_of=plan.scope.as_of,
        site=plan.scope.site,
        recordings=plan.recordings,
        bytes=plan.bytes,
        sites=sites,
        kept=kept,
        broken=[BrokenChain(site=site, why=why, **CHAIN_BROKEN._asdict()) for site, why in mine],
    )


def _state(run: PurgeRun) -> PurgeState:
    outcome, error = run.outcome, run.error
    return PurgeState(
        state="running" if run.ended_at is None else "ended",
        by=run.by,
        second=run.second,
        recordings=run.recordings,
        deleted=outcome.deleted,
        bytes=outcome.bytes,
        kept=[NotDeleted(session=session, why=why, **text_of(KEPT, why)._asdict()) for session, why in outcome.kept],
        failed=[
            NotDeleted(session=session, why=why, **text_of_failure(why)._asdict()) for session, why in outcome.failed
        ],
        begun_at=run.begun_at,
        ended_at=run.ended_at,
        zh=None if error is None else error.detail_zh,
        en=None if error is None else error.detail_en,
    )
