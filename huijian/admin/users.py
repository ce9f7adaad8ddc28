"""The commands `huijian admin users`. A password comes from a prompt or from stdin, or is generated; it is never an
argument, which other users of the machine could see. Changes by which one person could come to act as another wait for
a second officer's word; `huijian/admin/confirm.py` has the commands for that."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.authority.persons import ChangeKind
from broker.control.rules.account_changes import entry_of
from broker.control.store.records import AccountChange, ChangeState, Role, User
from huijian.admin.context import AdminContext, run_admin
from huijian.admin.text_options import name_option, reason_option
from huijian.output import Json, free_file, plain, say, say_all, say_secret, warn
from huijian.remote.server import Api, as_record, needed, own_password, perform, server_of, works_remotely
from huijian.retention.officer import PasswordStdin
from huijian.streams import read_input
from recorder.retention.clock_trust import mark_clock

app = typer.Typer(
    no_args_is_help=True,
    help="Officers who sign in. 用户\n\n"
    "New auditors, administrators and approvers, new passwords, and barred officers who may sign in again wait for a "
    "second person: another auditor or administrator confirms with `users confirm CHANGE --as USER`. The first two "
    "auditors or administrators of an installation need no word, because there is no second person yet. "
    "增设审计员、系统管理员、审批人，重设密码，重新启用账号，均须另一名审计员或系统管理员确认后生效。",
    epilog="Example: users passwd wang --generate · users confirm chg_… --as shen",
)

Id = Annotated[str, typer.Argument(help="Id to sign in with: a-z, 0-9 and '-'.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Generate a password and print it, once; use --password-file in scripts.")
]
IntoFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help="With --generate: a new file for it, closed to other users; it is not printed then."
    ),
]

Pages = Annotated[str, typer.Option(help="Address of the pages, before the link: https://…")]
LinkFile = Annotated[Path | None, typer.Option("--link-file", help="A new file for the link, closed to other users.")]


@app.command("add", epilog="Example: users add li --name 李 --role supervisor --site panlong --generate")
def add(
    ctx: typer.Context,
    id: Id,
    name: Annotated[str, name_option("Name that colleagues see.")],
    role: Annotated[Role, typer.Option(help="What the officer may do.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where the officer serves.")] = None,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    password_file: IntoFile = None,
    json: Json = False,
) -> None:
    """Add an officer who may sign in. Without an option for it, the password is asked for.

    An auditor, administrator or approver may sign in once another auditor or administrator has confirmed it.
    """
    password, shown = _password(password_stdin, generate, password_file)

    async def work(admin: AdminContext) -> dict[str, Any]:
        made = await _change(admin, ChangeKind.ADD, id, password=password, name=name, role=role, site=site)
        return {"id": id, "role": role, "site": site, **shown, **_waiting(made)}

    _say(run_admin(ctx, work), json, password_file)


@app.command("invite", epilog="Example: users invite li --name 李 --role supervisor --site panlong --link-file li.link")
@works_remotely
def invite(
    ctx: typer.Context,
    id: Id,
    name: Annotated[str, name_option("Name that colleagues see.")],
    role: Annotated[Role, typer.Option(help="What the officer may do.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where the officer serves.")] = None,
    pages: Pages = "",
    link_file: LinkFile = None,
    again: Annotated[bool, typer.Option("--again", help="A new link for an officer invited before.")] = False,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Add an officer who sets the own password and second factor by a link, which counts once. 邀请

    The link is good for the hours of `sign_in.invitation_hours` (72) from the moment when the account exists: an
    auditor, administrator or approver is confirmed by another auditor or administrator first.
    """
    free_file(link_file)
    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        waiting = {}
        if not again:
            made = await _change(admin, ChangeKind.ADD, id, name=name, role=role, site=site, invited=True)
            waiting = _waiting(made)
        token = await admin.store.invite(id, timedelta(hours=admin.settings.sign_in.invitation_hours), admin.author)
        await admin.note("OfficerInvited", user=id)
        return {"id": id, "link": f"{pages.rstrip('/')}/invitation#{token}", **waiting}

    def ask(api: Api) -> dict[str, Any]:
        if again:
            made = api.post("users", id, "invitation", body={"password": password})
        else:
            body = {"password": password, "user": id, "name": name, "role": str(role), "site": site}
            made = api.post("invitations", body=body)
        return _linked(api, id, made, pages)

    _say(perform(ctx, work, ask), json, link_file, "link")


@app.command("list")
@works_remotely
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all officers, without their passwords: since when and on whose word each account stands, and the kinds of
    second factors that it has."""

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        return [await _row(admin, user) for user in await admin.store.users()]

    def ask(api: Api) -> list[dict[str, Any]]:
        return [_seen(view) for view in api.get("users")["users"]]

    say_all(perform(ctx, work, ask), json)


def _seen(view: dict[str, Any]) -> dict[str, Any]:
    """Return an account of a server as the list shows it."""
    row = as_record(User, view) | {"disabled": view["state"] == "disabled"}
    shown = {name: value for name, value in row.items() if name not in ("must_enrol", "password_hash")}
    return shown | {"second_factors": view["second_factors"]}


def _waits(made: dict[str, Any]) -> dict[str, str]:
    """The members of an answer that say that a change waits at a server."""
    return {"change": made["change"], "state": made["state"]} if made.get("change") else {}


async def _row(admin: AdminContext, user: User) -> dict[str, Any]:
    """Return an officer as the list shows it; `must_enrol` is of a sign-in, and no part of it."""
    kinds = [factor.kind for factor in await admin.store.factors(user.id)]
    return {name: value for name, value in plain(user).items() if name != "must_enrol"} | {"second_factors": kinds}


@app.command("passwd", epilog="Example: users passwd wang --generate · users confirm chg_… --as shen")
@works_remotely
def passwd(
    ctx: typer.Context,
    id: Id,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    password_file: IntoFile = None,
    pages: Pages = "",
    link_file: LinkFile = None,
    json: Json = False,
) -> None:
    """Set a new password and sign the officer out everywhere, once another auditor or administrator has confirmed it.

    Until then the present password stays. Officers change their own with `users own-passwd`. At a server the officer
    sets it by a link, so that no other person ever knows it; your own password is asked for.
    """
    if server_of(ctx) is not None:
        if generate or password_file is not None:
            raise typer.BadParameter(
                "at a server the officer sets it by a link: use --link-file. 远程须由本人凭链接设置"
            )
        _say(_password_link(ctx, id, pages, link_file, password_stdin), json, link_file, "link")
        return
    if pages or link_file is not None:
        raise typer.BadParameter(
            "--pages and --link-file are for a server, where the officer sets it by a link. 两项仅用于远程"
        )
    password, shown = _password(password_stdin, generate, password_file)

    async def work(admin: AdminContext) -> dict[str, Any]:
        made = await _change(admin, ChangeKind.PASSWORD, id, password=password)
        return {"id": id, **shown, **_waiting(made)}

    _say(run_admin(ctx, work), json, password_file)


def _password_link(
    ctx: typer.Context, id: str, pages: str, link_file: Path | None, password_stdin: bool
) -> dict[str, Any]:
    """Have a server make the link by which an officer sets a new password."""
    free_file(link_file)
    password, api = own_password(ctx, password_stdin), Api(str(server_of(ctx)))
    return _linked(api, id, api.post("users", id, "new-password", body={"password": password}), pages)


def _linked(api: Api, id: str, made: dict[str, Any], pages: str) -> dict[str, Any]:
    """Return what a server has answered about a link, with the whole address."""
    return {"id": id, "link": f"{pages.rstrip('/') or api.server}{made['path']}", **_waits(made)}


app.command("reset", epilog="The same as `users passwd`.")(passwd)


@app.command("disable")
@works_remotely
def disable(
    ctx: typer.Context,
    id: Id,
    reason: Annotated[str, reason_option("Why; a server asks for it.")] = "",
    json: Json = False,
) -> None:
    """Bar an officer from signing in, at once, and sign the officer out everywhere."""
    needed(ctx, "--reason", reason)

    async def work(admin: AdminContext) -> dict[str, Any]:
        unlinked = await admin.store.disable_user(id)
        more = {"identity_unlinked": True} if unlinked else {}
        await admin.note("UserDisabled", user=id, **more, **({"reason": reason} if reason else {}))
        return {"id": id, "disabled": True}

    def ask(api: Api) -> dict[str, Any]:
        api.post("users", id, "disable", body={"reason": reason})
        return {"id": id, "disabled": True}

    say(perform(ctx, work, ask), json)


@app.command("enable", epilog="Example: users enable wang · users confirm chg_… --as shen")
@works_remotely
def enable(ctx: typer.Context, id: Id, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Let a barred officer sign in again, once another auditor or administrator has confirmed it."""
    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        made = await _change(admin, ChangeKind.ENABLE, id)
        return {"id": id, "disabled": made.state is ChangeState.WAITING, **_waiting(made)}

    def ask(api: Api) -> dict[str, Any]:
        made = api.post("users", id, "enable", body={"password": password})
        waits = made["state"] == str(ChangeState.WAITING)
        return {"id": id, "disabled": waits, **({"change": made["id"], "state": made["state"]} if waits else {})}

    _say(perform(ctx, work, ask), json)


@app.command("reset-factors", epilog="Example: users reset-factors wang · users confirm chg_… --as shen")
@works_remotely
def reset_factors(ctx: typer.Context, id: Id, password_stdin: PasswordStdin = False, json: Json = False) -> None:
    """Remove the second factors and recovery codes of an officer who has lost them, once another auditor or
    administrator has confirmed it, and sign the officer out everywhere. 重置两步验证

    At the next sign-in an officer whose role needs a second factor sets up a new one. The password stays.
    """
    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        return {"id": id, **_waiting(await _change(admin, ChangeKind.FACTORS, id))}

    def ask(api: Api) -> dict[str, Any]:
        made = api.post("users", id, "reset-factors", body={"password": password})
        waits = made["state"] == str(ChangeState.WAITING)
        return {"id": id, **({"change": made["id"], "state": made["state"]} if waits else {})}

    _say(perform(ctx, work, ask), json)


async def _change(admin: AdminContext, kind: ChangeKind, user: str, **values: Any) -> AccountChange:
    await mark_clock(admin.store.engine, admin.store.clock)  # so that a clock that is moved makes no account older
    made = await admin.store.change_account(kind, user, author=admin.author, **values)
    entry, data = entry_of(made)
    await admin.note(entry, **data)
    return made


def _waiting(made: AccountChange) -> dict[str, str]:
    """The members of an answer that say that a change waits, and for what."""
    if made.state is ChangeState.APPLIED:
        return {}
    return {"change": made.change.id, "state": str(made.state)}


def _say(answer: dict[str, Any], json: bool, file: Path | None = None, secret: str = "password") -> None:
    say_secret(answer, secret, file, json)
    if "change" in answer:
        warn(
            f"{answer['change']} waits: another auditor or administrator confirms it with "
            f"`huijian admin users confirm {answer['change']} --as USER`. "
            f"须由另一名审计员或系统管理员确认后生效。"
        )


def _password(from_stdin: bool, generate: bool, file: Path | None) -> tuple[str, dict[str, str]]:
    """Return the password, and the members of the answer that show it: only a generated password is shown. Raises
    Conflict where `file` is there already."""
    if from_stdin and generate:
        raise typer.BadParameter("either --password-stdin or --generate. 两项须选其一")
    if file is not None and not generate:
        raise typer.BadParameter("--password-file is for a password that --generate makes. 须与 --generate 同用")
    free_file(file)
    if generate:
        password = secrets.token_urlsafe(12)
        return password, {"password": password}
    if from_stdin:
        return read_input(first_line=True), {}
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), {}
