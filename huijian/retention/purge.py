"""`huijian purge`: shows what is due, and deletes it when two officers approve exactly that.

Without options it only shows the plan. `purge issue` lets one officer approve it; `--apply --code` lets another officer
delete it. `--resume` finishes what was ordered and broken off; a timer may run it.
"""

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from broker.kernel.errors import Forbidden
from huijian.admin.context import AdminContext, run_admin
from huijian.errors import FOUND
from huijian.output import Json, say
from huijian.remote.server import Api, perform, server_of, works_remotely
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from huijian.retention.purge_at_server import plan_at, purge_at
from huijian.retention.purge_output import show_outcome, show_plan
from huijian.retention.second_officer import check_permit
from recorder.retention import approvals
from recorder.retention.plan import plan_of
from recorder.retention.purge import Outcome
from signaling.retention.purge_context import OFFICERS, believe_clock, note_end, purge_of, rules_of, scope_at

app = typer.Typer(help="Delete recordings that are due, with a second person. 到期销毁")
Site = Annotated[str | None, typer.Option(help="Only recordings of this site.")]


@app.callback(
    invoke_without_command=True,
    epilog="1. huijian purge · 2. second person: huijian purge issue --as shen · "
    "3. huijian purge --apply --code XXXX-XXXX-XXXX-XXXX --as li",
)
@works_remotely
def purge(
    ctx: typer.Context,
    site: Site = None,
    apply: Annotated[bool, typer.Option("--apply", help="Really delete; needs --code and --as.")] = False,
    code: Annotated[
        str | None, typer.Option(help="The confirmation code that `purge issue` printed for the second person.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only finish what was ordered earlier.")] = False,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> int:
    """Show which recordings are due. Nothing is deleted without --apply and a second person's code."""
    if ctx.invoked_subcommand is not None:
        return 0
    if (apply and resume) or (code is not None and not apply) or (apply and code is None):
        raise typer.BadParameter(
            "--apply goes with --code, and not with --resume. 须与 --code 同用，不与 --resume 同用"
        )
    if not apply and not resume:
        return _show(ctx, site, json)
    password = password_for(user, password_stdin) if apply and not server_of(ctx) else ""

    async def work(admin: AdminContext) -> Outcome:
        return await _run(admin, site, code, user or "", password)

    outcome = perform(ctx, work, lambda api: purge_at(api, code))
    if json:
        say(outcome, True)
    else:
        show_outcome(outcome)
    return FOUND if outcome.failed else 0


@app.command("issue")
@works_remotely
def issue(
    ctx: typer.Context,
    site: Site = None,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Approve exactly what is due now: prints a code for one use by another officer within a day.

    Both officers' passwords must be some days old (setting `second_person_hours`), and neither account may stand on the
    other's word. 两人的密码均须设置满规定时间，且互不由对方设置或确认。
    """
    password = "" if server_of(ctx) else password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        author = await officer(admin, str(user), password, OFFICERS, site)
        await check_permit(admin, author.id)
        scope = await scope_at(admin, site)
        plan = await plan_of(admin.store.engine, scope)
        if plan.recordings == 0:
            raise Forbidden("Nothing is due.", "没有到期录像。")
        now = scope.as_of
        code = await approvals.issue(admin.store.engine, plan.hash, now, site, author.id, now)
        facts = {"plan": plan.hash, "recordings": plan.recordings, "bytes": plan.bytes, "site": site}
        admin.journal.note("PurgePermitted", None, f"user:{author.id}", facts)
        await admin.journal.flush()
        if not json:
            show_plan(plan)
        return {"code": code, "expires_at": now + approvals.LIFE, **facts}

    def ask(api: Api) -> dict[str, Any]:
        plan = plan_at(api, site)
        if not json:
            show_plan(plan)
        return api.post("purge", "permits", body={"site": site, "recordings": plan.recordings})

    say(perform(ctx, work, ask), json)


@app.command("clock")
def clock(ctx: typer.Context, user: As = None, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Confirm that this machine's clock is right, after comparing it with another one. It is journaled."""
    password = password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        author = await officer(admin, str(user), password, OFFICERS, None)
        await check_permit(admin, author.id)
        return {**await believe_clock(admin, author.id), "by": author.id}

    say(run_admin(ctx, work), json)


def _show(ctx: typer.Context, site: str | None, json: bool) -> int:
    async def work(admin: AdminContext) -> Any:
        return await plan_of(admin.store.engine, await scope_at(admin, site))

    plan = perform(ctx, work, lambda api: plan_at(api, site))
    if json:
        sites = {name: {"recordings": total.recordings, "bytes": total.bytes} for name, total in plan.sites.items()}
        whole = {"as_of": plan.scope.as_of, "recordings": plan.recordings, "bytes": plan.bytes}
        broken = plan.scope.chains.broken
        say({**whole, "sites": sites, "kept": plan.kept, "broken_chains": broken, "plan": plan.hash}, True)
    else:
        show_plan(plan)
    return 0


def _run(
    admin: AdminContext, site: str | None, code: str | None, user: str, password: str
) -> Coroutine[Any, Any, Outcome]:
    return _resume(admin, site) if code is None else _apply(admin, code, user, password)


async def _apply(admin: AdminContext, code: str, user: str, password: str) -> Outcome:
    engine, clock = admin.store.engine, admin.store.clock
    approval = await approvals.approval_of(engine, code, user, clock.now().wall)
    author = await officer(admin, user, password, OFFICERS, approval.site)
    await check_permit(admin, approval.by)  # its password may have been set anew since
    await check_permit(admin, author.id, approval.by)
    scope = await scope_at(admin, approval.site, approval.as_of)
    facts = {"plan": approval.plan, "second": approval.by}
    admin.journal.note("PurgeOrdered", None, f"user:{author.id}", facts)
    await admin.journal.flush()
    outcome = await purge_of(admin).apply(approval, scope, await rules_of(admin), author.id)
    await note_end(admin, f"user:{author.id}", outcome, facts)
    return outcome


async def _resume(admin: AdminContext, site: str | None) -> Outcome:
    outcome = await purge_of(admin).resume(await scope_at(admin, site))
    if outcome.deleted or outcome.failed or outcome.withdrawn:
        await note_end(admin, "command:resume", outcome, {})
    return outcome
