"""The commands `huijian admin terminals`: the enrolled device of each room."""

from pathlib import Path
from typing import Annotated, Any

import typer

from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, free_file, say, say_all, say_secret

app = typer.Typer(no_args_is_help=True, help="The enrolled device of each room. 终端")


@app.command("enrol", epilog="Example: terminals enrol panlong-1 --json")
def enrol(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(help="Id of the room in which the device stands.")],
    replace: Annotated[bool, typer.Option("--replace", help="Revoke the present device of the room.")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="New file for the token, closed to other users; it is not printed then.")
    ] = None,
    json: Json = False,
) -> None:
    """Enrol a device for a room and print its token, which cannot be shown again.

    Give the token to `huijian kiosk` on the device.
    """
    free_file(token_file)

    async def work(admin: AdminContext) -> dict[str, Any]:
        token = await admin.store.enrol_terminal(room, replace)
        terminal = await admin.store.terminal_by_token(token)
        assert terminal is not None  # enrolled a moment ago
        await admin.note("TerminalEnrolled", terminal=terminal.id, room=room, replaced=replace)
        return {"id": terminal.id, "room": room, "site": terminal.site, "token": token}

    say_secret(run_admin(ctx, work), "token", token_file, json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all devices that were ever enrolled."""
    say_all(run_admin(ctx, lambda admin: admin.store.terminals()), json)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the device, as listed: trm_…")],
    json: Json = False,
) -> None:
    """Revoke a device for good. Its room is then free for another one."""

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.revoke_terminal(id)
        await admin.note("TerminalRevoked", terminal=id)
        return {"id": id, "revoked": True}

    say(run_admin(ctx, work), json)
