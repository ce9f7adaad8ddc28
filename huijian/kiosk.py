"""`huijian kiosk`: runs the terminal of one visiting room, with its page in a browser or headless, and gives it its
identity before that. The composition root of the kiosk: it finds the browser, and adds the demonstration's generated
room to the sources of a headless one."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import aiohttp
import typer

from broker.kernel.ids import Side
from config import private_files
from config.logs import configure
from config.network import NoServer, server_url
from huijian.output import Json, say
from huijian.streams import decoded, took_effect
from kiosk_agent.identity import enrolment, identity_file
from kiosk_agent.identity.identity_file import Identity, IdentityError
from kiosk_agent.identity.keys import KeyUnusable, TerminalKey
from kiosk_agent.webrtc.peer import refuse_redirects
from signaling.api.messages.identity import EnrolledTerminal

app = typer.Typer(invoke_without_command=True, add_completion=False)
IDENTITY = "HUIJIAN_TERMINAL_IDENTITY"
Enrolling = Callable[[aiohttp.ClientSession, TerminalKey], Awaitable[EnrolledTerminal]]
Made = TypeVar("Made")
IdentityOption = Annotated[Path, typer.Option(help="New file for the terminal's identity, closed to other users.")]
ServerOption = Annotated[str, typer.Option(help="Base URL of the server, e.g. https://huijian.example")]


class LogLevel(StrEnum):
    """Lowest level of what is logged on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@app.callback()
def kiosk(
    ctx: typer.Context,
    identity: Annotated[
        Path | None, typer.Option(envvar=IDENTITY, help="File with the terminal's identity, made by `kiosk enrol`.")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="No browser and no screen; for drills, tests and recorded sources.")
    ] = False,
    source: Annotated[
        str, typer.Option(help="With --headless: generated, file:PATH, or device[:CAMERA,MICROPHONE].")
    ] = "device",
    speaker: Annotated[
        str | None, typer.Option(help="With --headless: ALSA name of the loudspeaker; none by default.")
    ] = None,
    chromium: Annotated[str | None, typer.Option(help="The room's browser, where it is not found by itself.")] = None,
    chromium_flag: Annotated[
        list[str] | None, typer.Option(help="A further flag of the browser; may be repeated.")
    ] = None,
    stats_every: Annotated[
        float | None, typer.Option(help="Print what is received as a JSON line every so many seconds.")
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm-warnings", help="Confirm warnings without a person; for rooms of tests.")
    ] = False,
    acknowledge: Annotated[
        bool,
        typer.Option("--acknowledge-rules", help="Acknowledge the rules without people; for drills and tests."),
    ] = False,
    side: Annotated[Side, typer.Option(help="Which made-up room to be before a visit says so.")] = Side.PRISON,
    log_level: Annotated[LogLevel, typer.Option(help="How much to say on standard error.")] = LogLevel.INFO,
) -> None:
    """Be the terminal of one visiting room. 会见室终端

    Shows the room's page in Chromium, tests the equipment, sends the room's picture and sound while its visit is on,
    and shows the far room. It comes back by itself after every interruption. Its identity is made
    once, by `huijian kiosk enrol`.
    """
    if ctx.invoked_subcommand is not None:
        return
    from huijian.demo.synthetic.sources import generated_sources
    from kiosk_agent.agent import KioskConfig, run_kiosk
    from kiosk_agent.media.source import SourceError
    from kiosk_agent.room.chromium import NoBrowser, find_browser
    from kiosk_agent.room.policies import install_policies
    from kiosk_agent.room.room import Browser

    if identity is None:
        raise typer.BadParameter(f"give --identity or set {IDENTITY}; `huijian kiosk enrol` makes the file")
    configure(log_level)
    mine = _usable(lambda: identity_file.read(identity))
    browser = None
    if not headless:
        try:
            browser = Browser(find_browser(chromium), tuple(chromium_flag or ()))
        except NoBrowser as error:
            raise typer.BadParameter(str(error), param_hint="--chromium") from error
        install_policies()
    config = KioskConfig(
        mine.server,
        mine,
        source=source,
        extra_sources={"generated": generated_sources},
        headless=headless,
        browser=browser,
        speaker=speaker,
        stats_every=stats_every,
        side_hint=side,
        confirms=confirm,
        acknowledges=acknowledge,
        tests_line=not (headless and source == "generated"),
    )

    def run() -> None:
        with identity_file.in_use(identity):
            asyncio.run(run_kiosk(config))

    try:
        _usable(run)
    except SourceError as error:
        raise typer.BadParameter(str(error), param_hint="--source") from error


@app.command(epilog="Example: kiosk enrol --server https://huijian.example --identity terminal.json")
def enrol(
    server: ServerOption,
    identity: IdentityOption,
    code_file: Annotated[
        Path | None, typer.Option(help="File with the one-time code; without it, it is asked for.")
    ] = None,
    json: Json = False,
) -> None:
    """Enrol this machine as the terminal of a room, by a one-time code. 登记终端

    The code is shown by `huijian admin terminals enrol ROOM`. The key is made here, in the TPM where there is one, and
    its private half never leaves this machine.
    """
    base = _checked(server)
    _usable(lambda: identity_file.check_free(identity))
    code = _secret(code_file, "--code-file") if code_file else str(typer.prompt("Code 登记码")).strip()
    _become(identity, base, lambda http, key: enrolment.enrol(http, base, code, key), json)


@app.command(epilog="Example: kiosk migrate --server https://huijian.example --token-file t --identity terminal.json")
def migrate(
    server: ServerOption,
    token_file: Annotated[Path, typer.Option(help="File with the terminal's token of a former version.")],
    identity: IdentityOption,
    json: Json = False,
) -> None:
    """Exchange the token of a former version for a key, once; the token is worth nothing afterwards. 旧令牌换密钥"""
    base = _checked(server)
    _usable(lambda: identity_file.check_free(identity))
    token = _secret(token_file, "--token-file")
    _become(identity, base, lambda http, key: enrolment.migrate(http, base, token, key), json)


def _become(file: Path, server: str, enrolling: Enrolling, json: bool) -> None:
    """Make a key, have the server take it, and write the identity. Raises VisitError where the server refuses."""
    key = _usable(enrolment.new_key)

    async def ask() -> EnrolledTerminal:
        async with aiohttp.ClientSession(trust_env=False, middlewares=(refuse_redirects,)) as http:
            return await enrolling(http, key)

    enrolled = asyncio.run(ask())
    took_effect()
    _usable(lambda: identity_file.write(file, Identity(server, enrolled.terminal, key)))
    values = {"terminal": enrolled.terminal, "room": enrolled.room, "site": enrolled.site}
    say({**values, "key": key.kind, "file": str(file)}, json)


def _usable(make: Callable[[], Made]) -> Made:
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
        raise typer.BadParameter(f"{file} is empty", param_hint=option)
    return text
