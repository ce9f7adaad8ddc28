"""The options of `huijian kiosk`, and the commands below it. Each option beats its setting in `kiosk.toml`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from broker.kernel.ids import Side
from huijian.kiosk.configuration import ConfigOption, chosen, config
from huijian.kiosk.enrolment import enrol, migrate
from huijian.kiosk.install import install
from huijian.kiosk.officer_pin import pin

IDENTITY = "HUIJIAN_TERMINAL_IDENTITY"


class LogLevel(StrEnum):
    """Lowest level of the lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


app = typer.Typer(invoke_without_command=True, add_completion=False)
app.command(epilog="Example: kiosk enrol --server https://huijian.example --identity terminal.json")(enrol)
app.command(epilog="Example: kiosk migrate --server https://huijian.example --token-file t --identity terminal.json")(
    migrate
)
app.command(epilog="Example: kiosk config --check /etc/huijian/kiosk.toml")(config)
app.command(epilog="Example: kiosk pin --config /etc/huijian/kiosk.toml")(pin)
app.command(epilog="Example: kiosk install --dry-run · sudo kiosk install --apply")(install)


@app.callback()
def kiosk(
    ctx: typer.Context,
    file: ConfigOption = None,
    identity: Annotated[
        Path | None, typer.Option(envvar=IDENTITY, help="File with the terminal's identity, made by `kiosk enrol`.")
    ] = None,
    headless: Annotated[
        bool | None,
        typer.Option("--headless/--page", help="No browser and no screen; for drills, tests and recorded sources."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="With --headless: generated, file:PATH, or device[:CAMERA,MICROPHONE].")
    ] = None,
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
    log_level: Annotated[LogLevel | None, typer.Option(help="How much to log.")] = None,
) -> None:
    """Be the terminal of one visiting room. 会见室终端

    Shows the room's page in Chromium, tests the equipment, sends the room's picture and sound while its visit is on,
    and shows the far room. It comes back by itself after every interruption. Its identity is made
    once, by `huijian kiosk enrol`; its settings are in `/etc/huijian/kiosk.toml`.
    """
    if ctx.invoked_subcommand is not None:
        return
    from huijian.kiosk.run import Rehearsal, run

    options = {
        "identity": identity,
        "headless": headless,
        "source": source,
        "speaker": speaker,
        "chromium": chromium,
        "chromium_flags": tuple(chromium_flag) if chromium_flag else None,
        "log_level": log_level,
    }
    settings = chosen(file, options)
    if settings.identity_file is None:
        raise typer.BadParameter(
            f"give --identity or set {IDENTITY}; `huijian kiosk enrol` makes the file. 请先登记终端"
        )
    run(settings, settings.identity_file, Rehearsal(stats_every, side, confirm, acknowledge))
