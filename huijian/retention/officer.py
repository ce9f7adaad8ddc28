"""Which officer a command is given by: a user's id and password, asked for or read from stdin, never an argument."""

import sys
from typing import Annotated

import typer

from broker.control.store.records import Role, User
from broker.control.store.secrets import verify_password
from broker.kernel.errors import Forbidden, NotSignedIn
from huijian.admin.office import Office

As = Annotated[str | None, typer.Option("--as", help="Your user id; your password is asked for.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password's line.")]


def password_for(user: str | None, from_stdin: bool) -> str:
    """The password, before anything else is opened. Raises BadParameter where nobody was named."""
    if user is None:
        raise typer.BadParameter("say who you are: --as USER")
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt(f"Password of {user}", hide_input=True, err=True))


async def officer(office: Office, id: str, password: str, roles: tuple[Role, ...], site: str | None) -> User:
    """The user, if the password is theirs and they may act for `site` (None: for all sites).

    Raises NotSignedIn or Forbidden; a refusal is journaled.
    """
    known = await office.store.user_named(id)
    right = await verify_password(known.password_hash if known else None, password)
    if known is None or not right or known.disabled:
        await office.note("CommandRefused", user=id[:63], why="password")
        raise NotSignedIn(f"{id} does not exist or the password is wrong.", "用户不存在或密码错误。")
    if known.role not in roles or (known.site is not None and known.site != site):
        await office.note("CommandRefused", user=known.id, why="role")
        raise Forbidden(f"A {known.role} of {known.site or 'the province'} may not do this.", "该角色无权执行。")
    return known
