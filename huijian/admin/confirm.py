"""The commands of `huijian admin users` for changes that wait for a second officer's word: list, confirm, reject, and
the way out when no second officer is left. An officer shows the own password; no other can stand in for it."""

from typing import Annotated, Any

import typer

from broker.authority.persons import Waits
from broker.control.rules.account_changes import entry_of
from broker.control.store.records import AccountChange, ChangeState, Role
from huijian.admin.context import AdminContext
from huijian.admin.text_options import reason_option
from huijian.output import Json, say, say_all, warn
from huijian.remote.server import Api, own_password, perform, works_remotely
from huijian.retention.officer import As, PasswordStdin, password_for, signed_in
from huijian.retention.second_officer import believed_now
from huijian.streams import read_input

app = typer.Typer()
ChangeId = Annotated[str, typer.Argument(help="Id of the change, as `users pending` lists it: chg_…")]
ROLES = (Role.AUDITOR, Role.ADMIN)


@app.command("pending")
@works_remotely
def pending(
    ctx: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Decided ones too.")] = False,
    json: Json = False,
) -> None:
    """List the changes of accounts that wait for a second officer's word. 待确认的账号变更"""

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        return [_row(one) for one in await admin.store.account_changes(waiting=not all)]

    def ask(api: Api) -> list[dict[str, Any]]:
        found = [_seen(view) for view in api.get("account-changes")["changes"]]
        return [row for row in found if all or row["state"] == str(ChangeState.WAITING)]

    say_all(perform(ctx, work, ask), json)


@app.command("confirm", epilog="Example: users confirm chg_… --as shen")
@works_remotely
def confirm(
    ctx: typer.Context, change: ChangeId, user: As = None, password_stdin: PasswordStdin = False, json: Json = False
) -> None:
    """Put a change of an account into effect, as a second auditor or administrator with the own password. 确认账号变更

    You confirm that this account is that officer's, and that the officer alone gets its password. You and that account
    then no longer count as two people for a purge or other permits.
    """
    password = own_password(ctx, password_stdin) or password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        officer = await signed_in(admin, str(user), password, ROLES)
        done = await admin.store.confirm_change(change, officer.id, await waits_of(admin), await believed_now(admin))
        await _note(admin, done, f"user:{officer.id}")
        return _row(done)

    def ask(api: Api) -> dict[str, Any]:
        return _seen(api.post("account-changes", change, "confirm", body={"password": password}))

    say(perform(ctx, work, ask), json)


@app.command("reject", epilog='Example: users reject chg_… --reason "not asked for" --as shen')
@works_remotely
def reject(
    ctx: typer.Context,
    change: ChangeId,
    reason: Annotated[str, reason_option("The reason; it is journaled.")],
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Refuse a change of an account, as an auditor or administrator. It can then not be forced either. 拒绝账号变更"""
    password = own_password(ctx, password_stdin) or password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        officer = await signed_in(admin, str(user), password, ROLES)
        done = await admin.store.reject_change(change, officer.id, reason)
        await _note(admin, done, f"user:{officer.id}")
        return _row(done)

    def ask(api: Api) -> dict[str, Any]:
        return _seen(api.post("account-changes", change, "reject", body={"password": password, "reason": reason}))

    say(perform(ctx, work, ask), json)


@app.command("force", epilog='Example: users force chg_… --reason "the only other auditor has left"')
@works_remotely
def force(
    ctx: typer.Context,
    change: ChangeId,
    reason: Annotated[str, reason_option("Why no second officer can confirm it; it is journaled.")],
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Put a change into effect when no second officer is left who could confirm it. 应急生效（无人可确认时）

    Only after it has waited for the days of the setting `break_glass_days` without a refusal. It is journaled and
    raises an alarm for a month, and two accounts that came in like this never count as two people. A server asks for
    the password of the administrator who has signed in there.
    """
    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        now = await believed_now(admin)
        done = await admin.store.force_change(change, admin.author, reason, await waits_of(admin), now)
        await _note(admin, done, admin.author)
        return _row(done)

    def ask(api: Api) -> dict[str, Any]:
        return _seen(api.post("account-changes", change, "force", body={"password": password, "reason": reason}))

    say(perform(ctx, work, ask), json)
    warn("this account came in without a second person's word; the journal and the metrics say so. 已记入日志并告警。")


@app.command("own-passwd", epilog="Example: users own-passwd --as shen")
@works_remotely
def own_passwd(ctx: typer.Context, user: As = None, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Change your own password; needs the present one and no second person. 修改本人密码

    With --password-stdin the first line is the present password and the second the new one. At a server it is that of
    the officer who has signed in there, and ends the sign-in.
    """
    password = own_password(ctx, password_stdin) or password_for(user, password_stdin)
    if password_stdin:
        new = read_input(first_line=True)
    else:
        new = typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)

    async def work(admin: AdminContext) -> dict[str, Any]:
        officer = await signed_in(admin, str(user), password, tuple(Role))
        await admin.store.change_own_password(officer.id, new)
        admin.journal.note("OwnPasswordSet", None, f"user:{officer.id}", {})
        await admin.journal.flush()
        return {"id": officer.id}

    def ask(api: Api) -> dict[str, Any]:
        officer = api.get("me")["who"]["id"]
        api.post("me", "password", body={"password": password, "new": new})
        warn("all sign-ins of this account have ended: `huijian login`. 该账号的登录均已失效，请重新登录。")
        return {"id": officer}

    say(perform(ctx, work, ask), json)


async def waits_of(admin: AdminContext) -> Waits:
    """Return how long accounts and changes wait in this installation."""
    return await admin.store.waits(admin.settings.second_person_hours, admin.settings.break_glass_days)


async def _note(admin: AdminContext, done: AccountChange, author: str) -> None:
    entry, data = entry_of(done)
    admin.journal.note(entry, None, author, data)
    await admin.journal.flush()


def _seen(view: dict[str, Any]) -> dict[str, Any]:
    """Return a change at a server as the lists show it."""
    members = ("kind", "user", "name", "role", "site", "proposed_by", "at", "state", "decided_by", "decided_at")
    return {"change": view["id"], **{name: view[name] for name in members}, "reason": view["reason"] or None}


def _row(listed: AccountChange) -> dict[str, Any]:
    change = listed.change
    return {
        "change": change.id,
        "kind": str(change.kind),
        "user": change.user,
        "name": listed.name,
        "role": change.role,
        "site": change.site,
        "proposed_by": change.author,
        "at": change.at,
        "state": str(listed.state),
        "decided_by": listed.decided_by or None,
        "decided_at": listed.decided_at,
        "reason": listed.reason or None,
    }
