"""The officer who gives a command: a user's id and password, which is asked for or read from stdin, never an
argument."""

from typing import Annotated

import typer

from broker.control.store.records import Role, User
from broker.control.store.secrets import verify_password
from broker.kernel.errors import Forbidden, NotSignedIn
from huijian.admin.context import AdminContext
from huijian.streams import read_input

As = Annotated[str | None, typer.Option("--as", help="Your user id; your password is asked for.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin", help="Read the password from standard input, one line; a second factor is the next line."
    ),
]


def password_for(user: str | None, from_stdin: bool) -> str:
    """Return the password, before the database is opened. Raises BadParameter where no user was named."""
    if user is None:
        raise typer.BadParameter("name yourself: --as USER. 请写明本人账号")
    if from_stdin:
        return read_input(first_line=True)
    return str(typer.prompt(f"Password of {user}", hide_input=True, err=True))


def word(from_stdin: bool) -> str:
    """Return the password of the officer who has signed in, by which the officer stands for an order."""
    if from_stdin:
        return read_input(first_line=True)
    return str(typer.prompt("Your password", hide_input=True, err=True))


def code_for(from_stdin: bool) -> str:
    """Return the second factor of an officer, where a server asks for it."""
    if from_stdin:
        return read_input(first_line=True)
    return str(typer.prompt("Code of your authenticator app, or a recovery code", hide_input=True, err=True))


async def signed_in(admin: AdminContext, id: str, password: str, roles: tuple[Role, ...]) -> User:
    """Return the user, if the password is right and they have one of these roles, of whatever site.

    Raises NotSignedIn or Forbidden; a refusal is journaled.
    """
    user = await admin.store.user_named(id)
    right = await verify_password(user.password_hash if user else None, password)
    if user is None or not right or user.disabled:
        await admin.note("CommandRefused", user=id[:63], why="password")
        raise NotSignedIn(f"{id} does not exist or the password is wrong.", "用户不存在或密码错误。")
    if user.role not in roles:
        await admin.note("CommandRefused", user=user.id, why="role")
        raise Forbidden(f"A {user.role} may not do this.", "该角色无权执行。")
    return user


async def officer(admin: AdminContext, id: str, password: str, roles: tuple[Role, ...], site: str | None) -> User:
    """Return the user, if the password is right and they may act for `site` (None: for all sites).

    Raises NotSignedIn or Forbidden; a refusal is journaled.
    """
    user = await signed_in(admin, id, password, tuple(Role))
    if user.role not in roles or (user.site is not None and user.site != site):
        await admin.note("CommandRefused", user=user.id, why="role")
        raise Forbidden(f"A {user.role} of {user.site or 'the province'} may not do this.", "该角色无权执行。")
    return user
