"""`huijian terminals`: shows the fleet of a running server and gives its terminals orders, by REST with the caller's
credential."""

import os
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from huijian.output import Json, say, say_all
from huijian.remote import requests as remote
from huijian.sessions import Server, address

TERMINALS = "/api/v1/terminals"
WHO = (
    "HUIJIAN_TOKEN holds an officer's token (from POST /api/v1/sign-in), who sees the terminals of their site, all of "
    "them for those of the province; to look, HUIJIAN_KEY with an observer's key does as well (huijian admin keys add "
    "NAME --observer). Approvers and admins order tests and restarts, approvers alone move a room to a spare, admins "
    "alone readmit a key that was used in two places."
)
app = typer.Typer(no_args_is_help=True, help=f"The terminals of all rooms. 终端\n\n{WHO}")
Id = Annotated[str, typer.Argument(help="Id of the terminal, as listed: trm_…")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes into the journal.")]


@app.command("list", epilog="Example: HUIJIAN_KEY=obs_secret_… huijian terminals list --site first-prison")
def listed(
    ctx: typer.Context,
    site: Annotated[str | None, typer.Option(help="Only those of this site.")] = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """List the terminals, those in trouble first: state, last seen, last test, version, temperature, next visit."""
    path = TERMINALS if site is None else f"{TERMINALS}?site={quote(site, safe='')}"
    found = remote.get(address(ctx, server), path)["terminals"]
    say_all(found if json else [row(terminal) for terminal in found], json)


@app.command("show", epilog="Example: huijian terminals show trm_…")
def show(ctx: typer.Context, id: Id, server: Server = None, json: Json = False) -> None:
    """Show one terminal: its devices, the figures and verdicts of its last test, and the orders that wait for it."""
    _say(remote.get(address(ctx, server), _path(id)), json)


@app.command("history", epilog="Example: HUIJIAN_TOKEN=usr_… huijian terminals history panlong-1 --limit 20")
def history(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="Id of the room.")],
    limit: Annotated[int, typer.Option(min=1, max=500, help="So many of the newest.")] = 50,
    server: Server = None,
    json: Json = False,
) -> None:
    """List the equipment tests of a room, the newest first: why, result, what failed, and the line's figures."""
    found = remote.get(address(ctx, server), f"/api/v1/rooms/{quote(room, safe='')}/tests?limit={limit}")["tests"]
    say_all(found if json else [test_row(each) for each in found], json)


@app.command("test", epilog="Example: HUIJIAN_TOKEN=usr_… huijian terminals test trm_…")
def test(ctx: typer.Context, id: Id, server: Server = None, json: Json = False) -> None:
    """Have a terminal test its equipment, as soon as no people meet in its room. 检测设备"""
    _say(_order(address(ctx, server), id, "test"), json)


@app.command("restart", epilog="Example: HUIJIAN_TOKEN=usr_… huijian terminals restart trm_…")
def restart(ctx: typer.Context, id: Id, server: Server = None, json: Json = False) -> None:
    """Restart a terminal's program in order. Refused while its room is in a visit. 重新启动

    The order waits twelve hours for a terminal that is off line.
    """
    _say(_order(address(ctx, server), id, "restart"), json)


@app.command("assign", epilog="Example: huijian terminals assign trm_… panlong-1 --reason 主机故障")
def assign(
    ctx: typer.Context,
    id: Id,
    room: Annotated[str, typer.Argument(help="Id of a room of the same site.")],
    reason: Reason,
    server: Server = None,
    json: Json = False,
) -> None:
    """Let a spare terminal act for a room from now on; the room's own one is out of service. 备用终端接替

    A visit that has begun goes on with the spare. `release` gives the room back.
    """
    _say(_order(address(ctx, server), id, "assign", {"room": room, "reason": reason}), json)


@app.command("release", epilog="Example: huijian terminals release trm_… --reason 主机已修复")
def release(ctx: typer.Context, id: Id, reason: Reason, server: Server = None, json: Json = False) -> None:
    """Take a spare out of the room for which it acts; the room's own terminal resumes. 备用终端退出"""
    _say(_order(address(ctx, server), id, "release", {"reason": reason}), json)


@app.command("readmit", epilog="Example: huijian terminals readmit trm_… --reason 已查明并销毁另一份密钥")
def readmit(ctx: typer.Context, id: Id, reason: Reason, server: Server = None, json: Json = False) -> None:
    """Admit a terminal again whose key was used in two places, once the other place was found. 处理身份冲突"""
    _say(_order(address(ctx, server), id, "readmit", {"reason": reason}), json)


def row(terminal: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of a terminal in the list."""
    test, visit = terminal["test"], terminal["next_visit"]
    return {
        "id": terminal["id"],
        "site": terminal["site"],
        "room": terminal["room"] or f"({terminal['duty']})",
        "connected": terminal["connected"],
        "last_seen": terminal["last_seen"],
        "trouble": ", ".join(trouble["code"] for trouble in terminal["troubles"]),
        "test": None if test is None else "passed" if test["passed"] else "failed",
        "tested_at": None if test is None else test["at"],
        "version": terminal["version"],
        "temperature": terminal["temperature"],
        "next_visit": None if visit is None else visit["starts_at"],
    }


def test_row(test: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of a test in the history of its room; figures that were not measured are empty."""
    line = ("loss_up", "loss_down", "jitter", "round_trip", "up", "down")
    return {
        "at": test["at"],
        "cause": test["cause"],
        "passed": test["passed"],
        "failed": ", ".join(check["code"] for check in test["checks"] if check["verdict"] == "failed"),
        **{name: test["figures"].get(name) for name in line},
    }


def _say(terminal: Mapping[str, Any], json: bool) -> None:
    """Print one terminal: as the server has it, or in lines, with the checks of its test one a line."""
    if json:
        say(terminal, as_json=True)
        return
    say({**row(terminal), "duty": terminal["duty"], "home": terminal["home"], "disk": terminal["disk"]}, as_json=False)
    for check in (terminal["test"] or {"checks": []})["checks"]:
        print(f"check {check['code']}: {check['verdict']} {check['measured']} {check['en']}".rstrip())
    for order in terminal["waiting"]:
        print(f"waits: {order['order']} since {order['created_at']}")


def _order(server: str, id: str, order: str, body: Any = None) -> dict[str, Any]:
    return remote.post(server, f"{_path(id)}/{order}", body, os.environ.get("HUIJIAN_TOKEN", ""))


def _path(id: str) -> str:
    return f"{TERMINALS}/{quote(id, safe='')}"
