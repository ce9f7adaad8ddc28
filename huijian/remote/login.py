"""`huijian login` and `huijian logout`: sign in at a server once, so that commands with --server work there."""

from pathlib import Path
from typing import Annotated

import typer

from broker.kernel.errors import BadRequest, VisitError
from config.network import NoServer, server_url
from huijian.output import Json, say
from huijian.remote import requests, stored
from huijian.remote.server import server_of
from huijian.remote.trust import VARIABLE
from huijian.retention.officer import As, PasswordStdin, code_for, password_for

Server = Annotated[str | None, typer.Option("--server", help="Address of the server: https://…")]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        envvar=VARIABLE,
        help="Believe certificates of this CA (PEM) alone, as of a province's own; kept with the sign-in. CA 证书",
    ),
]


def login(
    ctx: typer.Context,
    server: Server = None,
    user: As = None,
    ca_file: CaFile = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Sign in at a server, with password and second factor. 登录服务器

    The sign-in is kept in the configuration folder of this user, closed to others, until `huijian logout`, until it
    ends by the server's own hours, or until it is ended on the page /account. Programs put a key into HUIJIAN_KEY.
    """
    base = _base(ctx, server)
    trusted = str(ca_file.resolve()) if ca_file is not None else stored.ca_file_at(base)
    if user is None and not password_stdin:
        user = str(typer.prompt("User", err=True))
    password = password_for(user, password_stdin)
    token = requests.sign_in(base, str(user), password, lambda: code_for(password_stdin), ca_file)
    stored.keep(base, str(user), token, trusted)
    say({"server": base, "user": user, "file": str(stored.file())}, json)


def logout(ctx: typer.Context, server: Server = None, json: Json = False) -> None:
    """End the sign-in at a server, there and here. 退出登录"""
    base = _base(ctx, server)
    token, ended = stored.token_at(base), True
    if token:
        try:
            requests.post(base, "/api/v1/sign-out", None, token)
        except VisitError:
            ended = False  # it is over there already, or ends by its hours
    found = stored.forget(base)
    if not found:
        raise BadRequest(f"There is no sign-in at {base}.", f"没有在 {base} 的登录。")
    say({"server": base, "signed_out": True, "ended_there": ended}, json)


def _base(ctx: typer.Context, server: str | None) -> str:
    """Return the server's base URL. Raises BadRequest."""
    named = server or server_of(ctx)
    if named is None:
        raise typer.BadParameter("name the server: --server https://… 请写明服务器地址")
    try:
        return server_url(named)
    except NoServer as error:
        raise BadRequest(str(error), "服务器地址有误。") from error
