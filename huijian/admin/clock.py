"""The command `huijian admin clock`: whether a running server believes the clock of its machine, and the order to."""

from typing import Annotated

import typer

from huijian.output import Json, say
from huijian.remote import requests as remote
from huijian.retention.officer import As, PasswordStdin, code_for, password_for

Server = Annotated[str, typer.Option(help="Address of a running server, such as http://127.0.0.1:8470.")]
Agree = Annotated[bool, typer.Option("--agree", help="Believe the machine's clock; compare it with another one first.")]


def clock(
    server: Server, user: As = None, agree: Agree = False, password_stdin: PasswordStdin = False, json: Json = False
) -> None:
    """Show by which time visits go, and whether the machine's clock was moved; with --agree believe it. 核对时钟

    A step of the clock opens no visit early and ends none: visits go on by the time before, until an admin of the
    province has compared the clock. The order is journaled.
    """
    token = remote.sign_in(server, str(user), password_for(user, password_stdin), lambda: code_for(password_stdin))
    try:
        if agree:
            say(remote.post(server, "/api/v1/clock/agree", None, token), json)
        else:
            say(remote.get(server, "/api/v1/clock", token), json)
    finally:
        remote.post(server, "/api/v1/sign-out", None, token)
