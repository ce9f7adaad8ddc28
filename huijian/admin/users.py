"""The commands `huijian admin users`. A password comes from a prompt or from stdin, or is generated; it is never an
argument, which other users of the machine could see."""

import secrets
import sys
from typing import Annotated, Any

import typer

from broker.control.store.records import Role
from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="Officers who sign in. 用户")

Id = Annotated[str, typer.Argument(help="Id to sign in with: a-z, 0-9 and '-'.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")]
Generate = Annotated[bool, typer.Option("--generate", help="Generate a password and print it.")]


@app.command("add", epilog="Example: users add li --name 李 --role supervisor --site panlong --generate")
def add(
    ctx: typer.Context,
    id: Id,
    name: Annotated[str, typer.Option(help="Name that colleagues see.")],
    role: Annotated[Role, typer.Option(help="What the officer may do.")],
    site: Annotated[str | None, typer.Option(help="Id of the site where the officer serves.")] = None,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    json: Json = False,
) -> None:
    """Add an officer who may sign in. Without an option for it, the password is asked for."""
    password, shown = _password(password_stdin, generate)

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.add_user(id, name, role, password, site)
        await admin.note("UserAdded", user=id, role=role, site=site)
        return {"id": id, "role": role, "site": site, **shown}

    say(run_admin(ctx, work), json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all officers, without their passwords."""
    say_all(run_admin(ctx, lambda admin: admin.store.users()), json)


@app.command("passwd")
def passwd(
    ctx: typer.Context,
    id: Id,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    json: Json = False,
) -> None:
    """Set a new password and sign the officer out everywhere."""
    password, shown = _password(password_stdin, generate)

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.set_password(id, password)
        await admin.note("PasswordSet", user=id)
        return {"id": id, **shown}

    say(run_admin(ctx, work), json)


@app.command("disable")
def disable(ctx: typer.Context, id: Id, json: Json = False) -> None:
    """Bar an officer from signing in, and sign the officer out everywhere."""
    _bar(ctx, id, True, json)


@app.command("enable")
def enable(ctx: typer.Context, id: Id, json: Json = False) -> None:
    """Let a barred officer sign in again."""
    _bar(ctx, id, False, json)


def _bar(ctx: typer.Context, id: str, disabled: bool, json: bool) -> None:
    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.disable_user(id, disabled)
        await admin.note("UserDisabled" if disabled else "UserEnabled", user=id)
        return {"id": id, "disabled": disabled}

    say(run_admin(ctx, work), json)


def _password(from_stdin: bool, generate: bool) -> tuple[str, dict[str, str]]:
    """Return the password, and the members of the answer that show it: only a generated password is shown."""
    if from_stdin and generate:
        raise typer.BadParameter("either --password-stdin or --generate")
    if generate:
        password = secrets.token_urlsafe(12)
        return password, {"password": password}
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), {}
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), {}
