"""`huijian admin keys`: for upstream booking systems, and for programs that watch the service run."""

from typing import Annotated, Any

import typer

from huijian.admin.office import Office, in_office
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="Keys of booking and monitoring systems. 接口密钥")


@app.command("add", epilog="Example: keys add 省预约平台")
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Which system it is for.")],
    observer: Annotated[
        bool, typer.Option("--observer", help="May read /metrics and /api/v1/overview, and nothing else.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a key; it is shown this once."""

    async def work(office: Office) -> dict[str, Any]:
        key = await office.store.add_api_key(name, "obs" if observer else "key")
        known = await office.store.api_key_by_token(key)
        assert known is not None  # a moment ago
        await office.note("KeyAdded", key=known.id)
        return {"id": known.id, "name": name, "key": key}

    say(in_office(ctx, work), json)


@app.command("list")
def listed(ctx: typer.Context, json: Json = False) -> None:
    """All keys ever made, without their secrets."""
    say_all(in_office(ctx, lambda office: office.store.api_keys()), json)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="As listed: key_…")],
    json: Json = False,
) -> None:
    """Take a key's right away for ever."""

    async def work(office: Office) -> dict[str, Any]:
        await office.store.revoke_api_key(id)
        await office.note("KeyRevoked", key=id)
        return {"id": id, "revoked": True}

    say(in_office(ctx, work), json)
