"""`huijian admin terminals`: the one device of each room."""

from typing import Annotated, Any

import typer

from huijian.admin.office import Office, in_office
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="The enrolled device of each room. 终端")


@app.command("enrol", epilog="Example: terminals enrol panlong-1 --json")
def enrol(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="The room it will stand in.")],
    replace: Annotated[bool, typer.Option("--replace", help="Revoke the present one.")] = False,
    json: Json = False,
) -> None:
    """Enrol a device. Its token is shown this once; give it to `huijian kiosk`."""

    async def work(office: Office) -> dict[str, Any]:
        token = await office.store.enrol_terminal(room, replace)
        terminal = await office.store.terminal_by_token(token)
        assert terminal is not None  # a moment ago
        await office.note("TerminalEnrolled", terminal=terminal.id, room=room, replaced=replace)
        return {"id": terminal.id, "room": room, "site": terminal.site, "token": token}

    say(in_office(ctx, work), json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """All devices ever enrolled."""
    say_all(in_office(ctx, lambda office: office.store.terminals()), json)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="As listed: trm_…")],
    json: Json = False,
) -> None:
    """Take a device's right away for ever; its room is then free for another."""

    async def work(office: Office) -> dict[str, Any]:
        await office.store.revoke_terminal(id)
        await office.note("TerminalRevoked", terminal=id)
        return {"id": id, "revoked": True}

    say(in_office(ctx, work), json)
