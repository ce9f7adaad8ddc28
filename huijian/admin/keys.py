"""The commands `huijian admin keys`: keys of booking systems, and of programs that monitor the service."""

from pathlib import Path
from typing import Annotated, Any

import typer

from huijian.admin.context import AdminContext, run_admin
from huijian.admin.text_options import name_argument
from huijian.output import Json, free_file, say, say_all, say_secret

app = typer.Typer(no_args_is_help=True, help="Keys of booking and monitoring systems. 接口密钥")


@app.command("add", epilog="Example: keys add 省预约平台")
def add(
    ctx: typer.Context,
    name: Annotated[str, name_argument("Name of the system that uses the key.")],
    observer: Annotated[
        bool, typer.Option("--observer", help="A key that may read /metrics and /api/v1/overview, and nothing else.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="New file for the key, closed to other users; it is not printed then.")
    ] = None,
    json: Json = False,
) -> None:
    """Add a key and print it. It is stored nowhere and cannot be shown again."""
    free_file(key_file)

    async def work(admin: AdminContext) -> dict[str, Any]:
        key = await admin.store.add_api_key(name, "obs" if observer else "key")
        record = await admin.store.api_key_by_token(key)
        assert record is not None  # added a moment ago
        await admin.note("KeyAdded", key=record.id)
        return {"id": record.id, "name": name, "key": key}

    say_secret(run_admin(ctx, work), "key", key_file, json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all keys that were ever added, without their secrets."""
    say_all(run_admin(ctx, lambda admin: admin.store.api_keys()), json)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the key, as listed: key_…")],
    json: Json = False,
) -> None:
    """Revoke a key for good. It takes effect at once."""

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.revoke_api_key(id)
        await admin.note("KeyRevoked", key=id)
        return {"id": id, "revoked": True}

    say(run_admin(ctx, work), json)
