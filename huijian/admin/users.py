"""`huijian admin users`. Passwords come from a prompt, from stdin, or are made; never as an argument."""

import secrets
import sys
from typing import Annotated, Any

import typer

from broker.control.store.records import Role
from huijian.admin.office import Office, in_office
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="Officers who sign in. 用户")

Id = Annotated[str, typer.Argument(help="What they sign in with: a-z, 0-9 and '-'.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password's line.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and show it once.")]


@app.command("add", epilog="Example: users add li --name 李 --role supervisor --site panlong --generate")
def add(
    ctx: typer.Context,
    id: Id,
    name: Annotated[str, typer.Option(help="As colleagues see it.")],
    role: Annotated[Role, typer.Option(help="What they may do.")],
    site: Annotated[str | None, typer.Option(help="Where they serve.")] = None,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    json: Json = False,
) -> None:
    """Register an officer. Asks for a password unless told where it comes from."""
    password, shown = _password(password_stdin, generate)

    async def work(office: Office) -> dict[str, Any]:
        await office.store.add_user(id, name, role, password, site)
        await office.note("UserAdded", user=id, role=role, site=site)
        return {"id": id, "role": role, "site": site, **shown}

    say(in_office(ctx, work), json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """All officers, without their passwords."""
    say_all(in_office(ctx, lambda office: office.store.users()), json)


@app.command("passwd")
def passwd(
    ctx: typer.Context,
    id: Id,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    json: Json = False,
) -> None:
    """Set a new password; they are signed out everywhere."""
    password, shown = _password(password_stdin, generate)

    async def work(office: Office) -> dict[str, Any]:
        await office.store.set_password(id, password)
        await office.note("PasswordSet", user=id)
        return {"id": id, **shown}

    say(in_office(ctx, work), json)


@app.command("disable")
def disable(ctx: typer.Context, id: Id, json: Json = False) -> None:
    """Bar an officer from now on and sign them out."""
    _bar(ctx, id, True, json)


@app.command("enable")
def enable(ctx: typer.Context, id: Id, json: Json = False) -> None:
    """Let a barred officer sign in again."""
    _bar(ctx, id, False, json)


def _bar(ctx: typer.Context, id: str, disabled: bool, json: bool) -> None:
    async def work(office: Office) -> dict[str, Any]:
        await office.store.disable_user(id, disabled)
        await office.note("UserDisabled" if disabled else "UserEnabled", user=id)
        return {"id": id, "disabled": disabled}

    say(in_office(ctx, work), json)


def _password(from_stdin: bool, generate: bool) -> tuple[str, dict[str, str]]:
    """The password, and what of it to show (only one that was made here)."""
    if from_stdin and generate:
        raise typer.BadParameter("either --password-stdin or --generate")
    if generate:
        made = secrets.token_urlsafe(12)
        return made, {"password": made}
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), {}
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), {}
