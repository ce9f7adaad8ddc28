"""`huijian kiosk enrol` and `migrate`: the identity of a terminal, made on its machine."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import aiohttp
import typer

from config import private_files
from config.network import NoServer, server_url
from huijian.kiosk.configuration import ConfigOption
from huijian.output import Json, say
from huijian.streams import decoded, took_effect
from kiosk_agent.identity import enrolment, identity_file
from kiosk_agent.identity.identity_file import Identity, IdentityError
from kiosk_agent.identity.keys import KeyUnusable, TerminalKey
from kiosk_agent.settings import KioskSettings
from kiosk_agent.webrtc.peer import refuse_redirects
from signaling.api.messages.identity import EnrolledTerminal

Enrolling = Callable[[aiohttp.ClientSession, TerminalKey], Awaitable[EnrolledTerminal]]
Made = TypeVar("Made")
IdentityOption = Annotated[
    Path | None,
    typer.Option(help="New file for the terminal's identity, closed to other users; default as in kiosk.toml."),
]
ServerOption = Annotated[
    str | None, typer.Option(help="Base URL of the server, e.g. https://huijian.example; default as in kiosk.toml.")
]


def enrol(
    server: ServerOption = None,
    identity: IdentityOption = None,
    code_file: Annotated[
        Path | None, typer.Option(help="File with the one-time code; without it, it is asked for.")
    ] = None,
    file: ConfigOption = None,
    json: Json = False,
) -> None:
    """Enrol this machine as the terminal of a room, by a one-time code. 登记终端

    The code is shown by `huijian admin terminals enrol ROOM`. The key is made here, in the TPM where there is one, and
    its private half never leaves this machine.
    """
    base, new = _named(file, server, identity)
    code = _secret(code_file, "--code-file") if code_file else str(typer.prompt("Code 登记码")).strip()
    _become(new, base, lambda http, key: enrolment.enrol(http, base, code, key), json)


def migrate(
    token_file: Annotated[Path, typer.Option(help="File with the terminal's token of a former version.")],
    server: ServerOption = None,
    identity: IdentityOption = None,
    file: ConfigOption = None,
    json: Json = False,
) -> None:
    """Exchange the token of a former version for a key, once; the token is worth nothing afterwards. 旧令牌换密钥"""
    base, new = _named(file, server, identity)
    token = _secret(token_file, "--token-file")
    _become(new, base, lambda http, key: enrolment.migrate(http, base, token, key), json)


def _named(file: Path | None, server: str | None, identity: Path | None) -> tuple[str, Path]:
    """Return the server and the new file, from the options or from kiosk.toml. Raises BadParameter."""
    settings = KioskSettings.load(file)
    base, new = server or settings.server, identity or settings.identity_file
    if base is None or new is None:
        missing = "--server" if base is None else "--identity"
        raise typer.BadParameter("name it here or in kiosk.toml. 请在此或 kiosk.toml 中写明。", param_hint=missing)
    checked = _checked(base)
    usable(lambda: identity_file.check_free(new))
    return checked, new


def _become(file: Path, server: str, enrolling: Enrolling, json: bool) -> None:
    """Make a key, have the server take it, and write the identity. Raises VisitError where the server refuses."""
    key = usable(enrolment.new_key)

    async def ask() -> EnrolledTerminal:
        async with aiohttp.ClientSession(trust_env=False, middlewares=(refuse_redirects,)) as http:
            return await enrolling(http, key)

    enrolled = asyncio.run(ask())
    took_effect()
    usable(lambda: identity_file.write(file, Identity(server, enrolled.terminal, key)))
    values = {"terminal": enrolled.terminal, "room": enrolled.room, "site": enrolled.site}
    say({**values, "key": key.kind, "file": str(file)}, json)


def usable(make: Callable[[], Made]) -> Made:
    """Return what `make` returns, a file or a key. Raises BadParameter with what to do about a file or a key."""
    try:
        return make()
    except (IdentityError, KeyUnusable, NoServer, private_files.NotPrivate) as error:
        raise typer.BadParameter(str(error), param_hint="--identity") from error


def _checked(server: str) -> str:
    try:
        return server_url(server)
    except NoServer as error:
        raise typer.BadParameter(str(error), param_hint="--server") from error


def _secret(file: Path, option: str) -> str:
    """Return what is in a file with a secret. Raises BadParameter."""
    try:
        text = decoded(private_files.read(file)).strip()
    except private_files.NotPrivate as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    if not text:
        raise typer.BadParameter(f"{file} is empty. 文件为空", param_hint=option)
    return text
