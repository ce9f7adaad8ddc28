"""`huijian drill`: tries two rooms of a running server without people, shows how it goes step by step, and checks
signed results."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from broker.kernel.errors import BadRequest, VisitError
from huijian.options import settings_of
from huijian.output import Json, say, say_all
from huijian.remote import requests as remote

DRILLS = "/api/v1/drills"
FAILED = 4  # exit code where a step did not pass, or a result is not as it was signed
LOOK = 0.5  # seconds between looks
LONGEST = 240.0  # seconds for one drill, its sealing and its judgement
WHO = (
    "HUIJIAN_TOKEN holds the token of an approver or administrator (from POST /api/v1/sign-in) of one of the two "
    "sites, or of the province."
)
MARKS = {"passed": "[green]✓[/green]", "failed": "[red]✗[/red]", "not_reached": "[dim]–[/dim]"}
PROGRESS = {
    "tested": "设备自检通过 / equipment tested",
    "checked_in": "办理入场，双方画面声音到达 / checked in, both rooms send",
    "three": "管理员未到齐，不放行 / one officer short: nothing crosses",
    "fourth": "最后一名到位 / the last officer comes",
    "left": "一名管理员离开 / an officer leaves",
    "not_cut": "未按时切断 / it was not cut",
    "returned": "管理员返回 / the officer is back",
    "ended": "到时限结束 / it has ended",
    "sealed": "录像封存 / the recording is sealed",
    "over": "演练被结束 / it was ended",
    "given_up": "久无进展，放弃 / nothing came of it, so it was given up",
}
Server = Annotated[str | None, typer.Option(help="A running server; default: the one on these settings' data.")]


class RunByDefault(TyperGroup):
    """Group of commands in which `huijian drill A B` means `huijian drill run A B`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command first where none is given."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["run", *args]
        found: list[str] = super().parse_args(ctx, args)
        return found


app = typer.Typer(cls=RunByDefault, no_args_is_help=True, help=f"Try two rooms before visits. 演练\n\n{WHO}")


@app.command(epilog="Example: HUIJIAN_TOKEN=usr_… huijian drill yn-1 panlong")
def run(
    ctx: typer.Context,
    sites: Annotated[list[str] | None, typer.Argument(metavar="[SITE_A SITE_B]", help="The two sites.")] = None,
    rooms: Annotated[tuple[str, str] | None, typer.Option(help="The two rooms, the prison's first.")] = None,
    today: Annotated[bool, typer.Option("--today", help="The rooms of today's first visits, those left.")] = False,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Try the rooms of two sites: gate, cut, recording and proof. Exit code 4 where a step did not pass."""
    from huijian.sessions import address

    base = address(ctx, server)
    orders = list(_orders(base, sites or [], rooms, today))
    drills = [_run(base, order, quiet=as_json) for order in orders]
    if as_json:
        say_all(drills, as_json=True)
    elif not drills:
        print("今日没有需要演练的会见室 / no room is left to try today")
    if any(drill["state"] != "passed" for drill in drills):
        raise typer.Exit(FAILED)


@app.command("list", epilog="Example: HUIJIAN_TOKEN=usr_… huijian drill list")
def listed(ctx: typer.Context, server: Server = None, json: Json = False) -> None:
    """The drills of the last month, newest first."""
    from huijian.sessions import address

    drills = remote.get(address(ctx, server), DRILLS)["drills"]
    say_all(drills if json else [_row(drill) for drill in drills], json)


@app.command(epilog="Example: huijian drill verify /srv/huijian/drills/results/ses_….json")
def verify(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A signed result.")],
    json: Json = False,
) -> None:
    """Prove that a result is as it was signed, and that its recording is, while that is kept. Exit code 4 where not."""
    from broker.kernel import atomic_files
    from recorder.evidence.signing import trusted
    from recorder.evidence.verify import verify as check

    settings = settings_of(ctx)
    result = atomic_files.read_json(file)
    if result is None:
        raise BadRequest(f"{file} is no result of a drill.", f"{file} 不是演练结果文件。")
    keys = trusted(settings.keys_dir, settings.archive_signing)
    why = keys.vouch(result)
    recording = (result.get("recording") or {}).get("path")
    kept = isinstance(recording, str) and (settings.drills_dir / recording).is_file()
    damages = (
        [damage.kind for damage in check(recording, settings.drills_dir, keys).damages] if kept and not why else []
    )
    found = {"file": str(file), "signature": why or "genuine", "recording": "kept" if kept else "gone"}
    say({**found, "damages": damages, "state": result.get("state"), "failed_at": result.get("failed_at")}, as_json=json)
    if why or damages:
        raise typer.Exit(FAILED)


def _orders(base: str, sites: list[str], rooms: tuple[str, str] | None, today: bool) -> Iterable[dict[str, str]]:
    """Yield the body of each order. Raises BadRequest where not exactly one way is used to say which rooms."""
    if (len(sites) == 2) + (rooms is not None) + today != 1 or len(sites) not in (0, 2):
        raise BadRequest("Name two sites, or --rooms, or --today.", "请写两个单位，或 --rooms，或 --today。")
    if rooms is not None:
        yield {"prison_room": rooms[0], "visitor_room": rooms[1]}
    elif sites:
        yield {"prison_site": sites[0], "visitor_site": sites[1]}
    else:
        for pair in remote.get(base, f"{DRILLS}/due")["pairs"]:
            yield {"prison_room": pair["prison"]["room"], "visitor_room": pair["visitor"]["room"]}


def _run(base: str, order: Mapping[str, str], quiet: bool) -> dict[str, Any]:
    """Begin a drill and follow it to its end. Raises VisitError."""
    console = Console(highlight=False, soft_wrap=True, quiet=quiet)
    drill = remote.post(base, DRILLS, dict(order), remote.officer_token())
    console.print(f"演练 / drill {drill['id']}: {drill['prison']['room']} ⇄ {drill['visitor']['room']}")
    printed, until = 0, time.monotonic() + LONGEST
    while drill["state"] == "running":
        if time.monotonic() > until:
            raise VisitError(
                "The drill does not end; look at it with `huijian drill list`.", "演练未结束，请查看记录。"
            )
        time.sleep(LOOK)
        drill = remote.get(base, f"{DRILLS}/{drill['id']}")
        for step in drill["progress"][printed:]:
            console.print(f"  {PROGRESS.get(step, step)}")
        printed = max(printed, len(drill["progress"]))
    console.print(_table(drill))
    return drill


def _table(drill: Mapping[str, Any]) -> Table:
    verdict = (
        "通过 / passed" if drill["state"] == "passed" else f"未通过 / failed: {drill['failed_zh']} {drill['failed_en']}"
    )
    table = Table(title=f"演练结果 / result: {verdict}", title_justify="left", show_header=False)
    for step in drill["steps"]:
        figures = ", ".join(f"{name} {figure:g}" for name, figure in step["figures"].items())
        more = " ".join(filter(None, (figures, step["detail"])))
        table.add_row(MARKS[step["verdict"]], f"{step['zh']} / {step['en']}", more)
    return table


def _row(drill: Mapping[str, Any]) -> dict[str, Any]:
    rooms = f"{drill['prison']['room']} ⇄ {drill['visitor']['room']}"
    return {name: drill[name] for name in ("id", "begun_at", "state", "failed_at")} | {"rooms": rooms}
