"""`huijian kiosk`: runs the terminal of one visiting room. The composition root of the kiosk: it adds the
demonstration's generated room to the sources."""

import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from broker.kernel.ids import Side
from config import private_files
from config.logs import configure
from config.network import NoServer, server_url
from huijian.streams import decoded

TOKEN = "HUIJIAN_TERMINAL_TOKEN"


class LogLevel(StrEnum):
    """Lowest level of what is logged on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def kiosk(
    server: Annotated[str, typer.Option(help="Base URL of the server, e.g. https://huijian.example")],
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the terminal's enrolment token; or set {TOKEN}.")
    ] = None,
    source: Annotated[str, typer.Option(help="generated, file:PATH, or device[:CAMERA,MICROPHONE].")] = "device",
    headless: Annotated[bool, typer.Option("--headless", help="No window; for rooms of tests.")] = False,
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

    Connects, tests the equipment, publishes the room's picture and sound while its visit is on, and shows the far
    room. It comes back by itself after every interruption. The token is made by `huijian admin terminals enrol`.
    """
    from huijian.demo.synthetic.sources import generated_sources
    from kiosk_agent.agent import KioskConfig, run_kiosk
    from kiosk_agent.media.source import SourceError

    try:
        server = server_url(server)
    except NoServer as error:
        raise typer.BadParameter(str(error), param_hint="--server") from error
    configure(log_level)
    config = KioskConfig(
        server,
        _token(token_file),
        source=source,
        extra_sources={"generated": generated_sources},
        headless=headless,
        stats_every=stats_every,
        side_hint=side,
        confirms=confirm,
        acknowledges=acknowledge,
    )
    try:
        asyncio.run(run_kiosk(config))
    except SourceError as error:
        raise typer.BadParameter(str(error), param_hint="--source") from error


def _token(file: Path | None) -> str:
    try:
        token = decoded(private_files.read(file)) if file is not None else os.environ.get(TOKEN, "")
    except private_files.NotPrivate as error:
        raise typer.BadParameter(str(error), param_hint="--token-file") from error
    token = token.strip()
    if not token:
        raise typer.BadParameter(f"give --token-file or set {TOKEN}")
    return token
