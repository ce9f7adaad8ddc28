"""`huijian sessions`: shows sessions and relay workers of a running server, read by REST with the caller's
credential."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from broker.kernel.errors import BadRequest, NotSignedIn, VisitError
from huijian import top as overview
from huijian.options import settings_of
from huijian.output import Json, say, say_all
from huijian.remote import requests as remote

OVERVIEW = "/api/v1/overview"
WHO = (
    "HUIJIAN_TOKEN holds an officer's token (from POST /api/v1/sign-in), who sees the sessions of their site; or "
    "HUIJIAN_KEY an observer's key (huijian admin keys add NAME --observer), who sees all. Ids and numbers, no names."
)
app = typer.Typer(no_args_is_help=True, help=f"Sessions as they run. 运行情况\n\n{WHO}")

Server = Annotated[str | None, typer.Option(help="A running server; default: the one on these settings' data.")]


@app.command("list", epilog="Example: HUIJIAN_KEY=obs_secret_… huijian sessions list")
def listed(ctx: typer.Context, server: Server = None, json: Json = False) -> None:
    """The sessions of the next hour, those that run, and those that ended in the last ten minutes."""
    answer = remote.get(address(ctx, server), OVERVIEW)
    say_all(answer["sessions"] if json else overview.session_rows(answer), json)


@app.command("top", epilog="Example: HUIJIAN_KEY=obs_secret_… huijian sessions top --server https://huijian.example")
def top(
    ctx: typer.Context,
    server: Server = None,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds between looks.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, print plainly and end.")] = False,
    json: Json = False,
) -> None:
    """All sessions and relay workers, live, until Ctrl-C; in a pipe, with --once or with --json a single look."""
    base, console = address(ctx, server), Console()
    if json:
        say(remote.get(base, OVERVIEW), as_json=True)
    elif once or not console.is_terminal:
        for line in overview.plain_lines(remote.get(base, OVERVIEW)):
            print(line)
    else:
        _watch(console, lambda: remote.get(base, OVERVIEW), every)


def _watch(console: Console, read: Callable[[], dict[str, Any]], every: float) -> None:
    """Show the overview until Ctrl-C, read every `every` seconds. A server that is away is waited for; a refusal of the
    first request is an error."""
    latest, trouble = read(), ""
    try:
        with Live(overview.screen(latest, trouble), console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(overview.screen(latest, trouble), refresh=True)
                time.sleep(every)
                try:
                    latest, trouble = read(), ""
                except NotSignedIn:
                    raise
                except VisitError as error:
                    trouble = error.detail_en
    except KeyboardInterrupt:
        return  # Ctrl-C is how the display ends


def address(ctx: typer.Context, server: str | None) -> str:
    """Return the server's base URL: the option, or what the server of these settings wrote into their run_dir."""
    server = server or (ctx.obj.server if ctx.obj else None)
    if server is not None:
        return server
    from config.settings import ADDRESS_FILE

    file: Path = settings_of(ctx).run_dir / ADDRESS_FILE
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        raise BadRequest(
            "No server runs on this data folder; say which with --server.",
            "此数据目录上没有运行中的服务，请用 --server 指明。",
        ) from None
