"""The commands `huijian admin terminals`: the enrolled device of each room."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.control.store.records import Terminal, TerminalState
from broker.kernel.errors import NotFound
from huijian.admin.context import AdminContext
from huijian.admin.text_options import reason_option
from huijian.output import Json, free_file, say, say_all, say_secret
from huijian.remote.server import Api, as_record, needed, own_password, perform, works_remotely
from huijian.retention.officer import PasswordStdin

app = typer.Typer(no_args_is_help=True, help="The enrolled device of each room. 终端")


@app.command("enrol", epilog="Example: terminals enrol panlong-1 --json · terminals enrol panlong --spare")
@works_remotely
def enrol(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="Id of the room in which the device stands; with --spare, of the site.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Revoke the present device of the room when the code is used.")
    ] = False,
    spare: Annotated[
        bool, typer.Option("--spare", help="A spare of the site, without a room until an approver assigns it one.")
    ] = False,
    code_file: Annotated[
        Path | None, typer.Option(help="New file for the code, closed to other users; it is not printed then.")
    ] = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Print a one-time code by which the device of a room is enrolled. 登记码

    Type the code at the device, into `huijian kiosk enrol`. It is good once, and for a day (`enrolment_code_hours`).
    A spare (备用终端) takes a room of its site over by an approver's word: `huijian terminals assign`.
    """
    free_file(code_file)
    if spare and replace:
        raise typer.BadParameter(
            "a spare replaces no device: leave --replace out. 备用终端不替换设备", param_hint="--spare"
        )

    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        life = timedelta(hours=admin.settings.enrolment_code_hours)
        if spare:
            opened = await admin.store.open_spare_enrolment(room, life, admin.author)
        else:
            opened = await admin.store.open_enrolment(room, life, admin.author, replace)
        place = {"site": opened.site} if spare else {"room": room}
        await admin.note("EnrolmentOpened", **place, replaces=replace, until=opened.expires_at)
        return {**place, "code": opened.code, "expires_at": opened.expires_at}

    def ask(api: Api) -> dict[str, Any]:
        if spare:
            made = api.post("sites", room, "spare-enrolment", body={"password": password})
        else:
            made = api.post("rooms", room, "enrolment", body={"password": password, "replace": replace})
        place = {"site": made["site"]} if spare else {"room": room}
        return {**place, "code": made["code"], "expires_at": made["expires_at"]}

    say_secret(perform(ctx, work, ask), "code", code_file, json)


@app.command("list")
@works_remotely
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all devices that were ever enrolled, with their state and the fingerprint of their key.

    `conflicted`: the key was used in two places; both are refused until `readmit`, or a new enrolment with --replace.
    `token`: a former version has enrolled it; `huijian kiosk migrate` gives it a key.
    """

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        return [_row(terminal) for terminal in await admin.store.terminals()]

    def ask(api: Api) -> list[dict[str, Any]]:
        return [_seen(view) for view in api.get("terminal-register")["terminals"]]

    say_all(perform(ctx, work, ask), json)


def _row(terminal: Terminal) -> dict[str, Any]:
    values = asdict(terminal)
    del values["public_key"]
    return {"id": values.pop("id"), "room": values.pop("room"), "state": terminal.state, **values}


def _seen(view: dict[str, Any]) -> dict[str, Any]:
    """Return a terminal of a server's register as the list shows it."""
    values = as_record(Terminal, view)
    del values["public_key"]
    return {"id": values.pop("id"), "room": values.pop("room"), "state": view["state"], **values}


@app.command("readmit", epilog="Example: terminals readmit panlong-1 --reason 已查明并销毁另一份密钥")
@works_remotely
def readmit(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="Id of the room whose device is refused, or of a spare: trm_…")],
    reason: Annotated[str, reason_option("Why; a server asks for it.")] = "",
    json: Json = False,
) -> None:
    """Admit a device again whose key was used in two places. 处理身份冲突

    Only after the other place was found and its key destroyed; in doubt enrol the device anew, with --replace.
    """
    needed(ctx, "--reason", reason)

    async def work(admin: AdminContext) -> dict[str, Any]:
        terminal = await admin.store.readmit_terminal(room)
        facts = {"reason": reason} if reason else {}
        await admin.note("TerminalReadmitted", terminal=terminal.id, room=room, **facts)
        return {"id": terminal.id, "room": room, "readmitted": True}

    def ask(api: Api) -> dict[str, Any]:
        id = _refused(api.get("terminal-register")["terminals"], room)
        api.post("terminals", id, "readmit", body={"reason": reason})
        return {"id": id, "room": room, "readmitted": True}

    say(perform(ctx, work, ask), json)


def _refused(register: list[dict[str, Any]], room: str) -> str:
    """Return the id of the terminal of a room whose key was used in two places; a spare is named by its own id. Raises
    NotFound."""
    conflicted = [each for each in register if each["state"] == TerminalState.CONFLICTED]
    for terminal in conflicted:
        if room in (terminal["room"], terminal.get("home"), terminal["id"]):
            return str(terminal["id"])
    raise NotFound(f"No terminal of room {room} waits for a decision.", f"会见室 {room} 没有待处理的终端身份冲突。")


@app.command("revoke")
@works_remotely
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the device, as listed: trm_…")],
    reason: Annotated[str, reason_option("Why; a server asks for it.")] = "",
    json: Json = False,
) -> None:
    """Revoke a device for good. Its room is then free for another one."""
    needed(ctx, "--reason", reason)

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.revoke_terminal(id)
        await admin.note("TerminalRevoked", terminal=id, **({"reason": reason} if reason else {}))
        return {"id": id, "revoked": True}

    def ask(api: Api) -> dict[str, Any]:
        api.post("terminals", id, "revoke", body={"reason": reason})
        return {"id": id, "revoked": True}

    say(perform(ctx, work, ask), json)
