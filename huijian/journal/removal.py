"""`huijian admin journal remove`: shows up to where the journal may go by the rule of retention, and removes it when
two officers approve exactly that."""

from typing import Annotated, Any

import typer

from broker.kernel.clock import in_shanghai
from broker.kernel.errors import Forbidden
from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, say
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from huijian.retention.second_officer import check_permit
from recorder.retention import approvals
from signaling.retention.journal_removal import RemovalPlan, check_entries, finish, plan_of_journal
from signaling.retention.journal_removal import remove as remove_entries
from signaling.retention.purge_context import OFFICERS

app = typer.Typer(help="Remove entries that were kept long enough, with a second person. 到期清理日志")
REASONS = {
    "visit": "of a visit that is not over 会见尚未结束",
    "recording": "of a recording that was not deleted 录像尚未销毁",
    "hold": "of a recording under a legal hold 录像处于保全",
    "export": "of a package that was handed over and has not expired 移交包尚未到期",
}


@app.callback(
    invoke_without_command=True,
    epilog="1. journal remove · 2. second person: journal remove issue --as shen · "
    "3. journal remove --apply --code XXXX-XXXX-XXXX-XXXX --as li",
)
def remove(
    ctx: typer.Context,
    apply: Annotated[bool, typer.Option("--apply", help="Really remove; needs --code and --as.")] = False,
    code: Annotated[
        str | None, typer.Option(help="The confirmation code that `remove issue` printed for the second person.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Only finish what was ordered and broken off.")] = False,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Show which entries of the journal may go. Nothing is removed without --apply and a second person's code.

    Entries are kept as long as any site's pack keeps recordings, and `journal_months` (24) at least; never less than
    six months. A visit, recording, legal hold or package that stands holds back all entries from its first one on. They
    go up to a signed checkpoint: `journal verify` still proves the rest, and says up to where the journal was removed.
    """
    if ctx.invoked_subcommand is not None:
        return
    if (apply and resume) or (code is not None) != apply:
        raise typer.BadParameter(
            "--apply goes with --code, and not with --resume. 须与 --code 同用，不与 --resume 同用"
        )
    if resume:
        say({"removed": run_admin(ctx, lambda admin: finish(admin.store.engine))}, json)
    elif code is not None:
        password = password_for(user, password_stdin)
        plan = run_admin(ctx, lambda admin: _apply(admin, str(code), str(user), password))
        say({"removed": plan.entries, "through": plan.through, "checkpoint": plan.checkpoint}, json)
    else:
        _show(run_admin(ctx, plan_of_journal), json)


@app.command("issue")
def issue(ctx: typer.Context, user: As = None, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Approve exactly what may go now: prints a code for one use by another officer within a day."""
    password = password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        author = await officer(admin, str(user), password, OFFICERS, None)
        await check_permit(admin, author.id)
        plan = await plan_of_journal(admin)
        if not plan.entries:
            raise Forbidden("No entry may go yet.", "没有到期的日志。")
        await check_entries(admin.store.engine, plan.through)
        code = await approvals.issue(admin.store.engine, plan.hash, plan.as_of, None, author.id, plan.as_of)
        facts = {"plan": plan.hash, "entries": plan.entries, "through": plan.through}
        admin.journal.note("JournalRemovalPermitted", None, f"user:{author.id}", facts)
        await admin.journal.flush()
        return {"code": code, "expires_at": plan.as_of + approvals.LIFE, **facts}

    say(run_admin(ctx, work), json)


async def _apply(admin: AdminContext, code: str, user: str, password: str) -> RemovalPlan:
    approval = await approvals.approval_of(admin.store.engine, code, user, admin.store.clock.now().wall)
    author = await officer(admin, user, password, OFFICERS, None)
    await check_permit(admin, approval.by)  # its password may have been set anew since
    await check_permit(admin, author.id, approval.by)
    return await remove_entries(admin, approval, author.id)


def _show(plan: RemovalPlan, json: bool) -> None:
    if json:
        say(plan.to_json(), True)
        return
    until = f"{in_shanghai(plan.as_of):%Y-%m-%d %H:%M} (Asia/Shanghai)"
    print(f"RULE entries are kept for {plan.months} months; at {until} 保存 {plan.months} 个月")
    if plan.entries:
        words = f"entries up to {plan.through} ({plan.entries}) may go, by checkpoint {plan.checkpoint}"
        print(f"DUE {words} 第 {plan.through} 条以前可以清理")
    else:
        print("NOTHING no entry may go yet 没有到期的日志")
    if plan.holding is not None:
        print(f"KEPT entry {plan.holding.seq} and all behind it: {plan.holding.session} {REASONS[plan.holding.why]}")
    print("Nothing was removed.")
