"""`huijian purge`: shows what is due, and deletes it when two officers approve exactly that.

Without options it only shows the plan. `purge issue` lets one officer approve it; `--apply --code` lets another officer
delete it. `--resume` finishes what was ordered and broken off; a timer may run it.
"""

from collections.abc import Coroutine
from typing import Annotated, Any

import typer

from broker.kernel.errors import Forbidden
from huijian.admin.office import Office, in_office
from huijian.errors import FOUND
from huijian.output import Json, say
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from huijian.retention.purge_context import OFFICERS, JournalTombstones, believe_clock, rules_of, scope_at
from huijian.retention.purge_output import show_outcome, show_plan
from recorder.evidence.signing import installed, trusted
from recorder.retention import approvals
from recorder.retention.plan import plan_of
from recorder.retention.purge import Outcome, Purge

app = typer.Typer(help="Delete recordings that are due, with a second person. 到期销毁")
Site = Annotated[str | None, typer.Option(help="Only recordings of this site.")]


@app.callback(
    invoke_without_command=True,
    epilog="1. huijian purge · 2. second person: huijian purge issue --as shen · "
    "3. huijian purge --apply --code XXXX-XXXX-XXXX-XXXX --as li",
)
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
        raise typer.BadParameter("--apply goes with --code, and not with --resume")
    if not apply and not resume:
        return _show(ctx, site, json)
    password = password_for(user, password_stdin) if apply else ""
    outcome = in_office(ctx, lambda office: _run(office, site, code, user or "", password))
    if json:
        say(outcome, True)
    else:
        show_outcome(outcome)
    return FOUND if outcome.failed else 0


@app.command("issue")
def issue(
    ctx: typer.Context,
    site: Site = None,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Approve exactly what is due now: prints a code for one use by another officer within a day."""
    password = password_for(user, password_stdin)

    async def work(office: Office) -> dict[str, Any]:
        author = await officer(office, str(user), password, OFFICERS, site)
        scope = await scope_at(office, site)
        plan = await plan_of(office.store.engine, scope)
        if plan.recordings == 0:
            raise Forbidden("Nothing is due.", "没有到期录像。")
        now = scope.as_of
        code = await approvals.issue(office.store.engine, plan.hash, now, site, author.id, now)
        facts = {"plan": plan.hash, "recordings": plan.recordings, "bytes": plan.bytes, "site": site}
        office.journal.note("PurgePermitted", None, f"user:{author.id}", facts)
        await office.journal.flush()
        if not json:
            show_plan(plan)
        return {"code": code, "expires_at": now + approvals.LIFE, **facts}

    say(in_office(ctx, work), json)


@app.command("clock")
def clock(ctx: typer.Context, user: As = None, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Confirm that this machine's clock is right, after comparing it with another one. It is journaled."""
    password = password_for(user, password_stdin)

    async def work(office: Office) -> dict[str, Any]:
        author = await officer(office, str(user), password, OFFICERS, None)
        return {**await believe_clock(office, author.id), "by": author.id}

    say(in_office(ctx, work), json)


def _show(ctx: typer.Context, site: str | None, json: bool) -> int:
    async def work(office: Office) -> Any:
        return await plan_of(office.store.engine, await scope_at(office, site))

    plan = in_office(ctx, work)
    if json:
        sites = {name: {"recordings": total.recordings, "bytes": total.bytes} for name, total in plan.sites.items()}
        whole = {"as_of": plan.scope.as_of, "recordings": plan.recordings, "bytes": plan.bytes}
        say({**whole, "sites": sites, "kept": plan.kept, "plan": plan.hash}, True)
    else:
        show_plan(plan)
    return 0


def _run(office: Office, site: str | None, code: str | None, user: str, password: str) -> Coroutine[Any, Any, Outcome]:
    return _resume(office, site) if code is None else _apply(office, code, user, password)


async def _apply(office: Office, code: str, user: str, password: str) -> Outcome:
    engine, clock = office.store.engine, office.store.clock
    approval = await approvals.approval_of(engine, code, user, clock.now().wall)
    author = await officer(office, user, password, OFFICERS, approval.site)
    scope = await scope_at(office, approval.site, approval.as_of)
    facts = {"plan": approval.plan, "second": approval.by}
    office.journal.note("PurgeOrdered", None, f"user:{author.id}", facts)
    await office.journal.flush()
    outcome = await _purge(office).apply(approval, scope, await rules_of(office), author.id)
    await _close(office, f"user:{author.id}", outcome, facts)
    return outcome


async def _resume(office: Office, site: str | None) -> Outcome:
    outcome = await _purge(office).resume(await scope_at(office, site))
    if outcome.deleted or outcome.failed or outcome.withdrawn:
        await _close(office, "command:resume", outcome, {})
    return outcome


def _purge(office: Office) -> Purge:
    settings = office.settings
    signer = installed(settings.keys_dir, settings.archive_dir, settings.archive_signing)
    tombstones = JournalTombstones(office.journal)
    keys = trusted(settings.keys_dir, settings.archive_signing)
    return Purge(office.store.engine, settings.archive_dir, office.store.clock, signer, tombstones, keys)


async def _close(office: Office, author: str, outcome: Outcome, facts: dict[str, Any]) -> None:
    counts = {"deleted": outcome.deleted, "bytes": outcome.bytes, "withdrawn": outcome.withdrawn}
    named = {"kept": outcome.kept, "failed": outcome.failed}
    office.journal.note("PurgeEnded", None, author, {**facts, **counts, **named})
    await office.journal.flush()
