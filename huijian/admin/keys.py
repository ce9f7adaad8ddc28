"""The commands `huijian admin keys`: keys of booking systems, and of programs that monitor the service."""

from pathlib import Path
from typing import Annotated, Any

import typer

from broker.control.store.records import ApiKey
from huijian.admin.context import AdminContext
from huijian.admin.text_options import name_argument, reason_option
from huijian.output import Json, free_file, say, say_all, say_secret
from huijian.remote.server import Api, as_record, needed, own_password, perform, works_remotely
from huijian.retention.officer import PasswordStdin

app = typer.Typer(no_args_is_help=True, help="Keys of booking and monitoring systems. 接口密钥")


@app.command("add", epilog="Example: keys add 省预约平台")
@works_remotely
def add(
    ctx: typer.Context,
    name: Annotated[str, name_argument("Name of the system that uses the key.")],
    observer: Annotated[
        bool, typer.Option("--observer", help="A key that may read /metrics and /api/v1/overview, and nothing else.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="New file for the key, closed to other users; it is not printed then.")
    ] = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Add a key and print it. It is stored nowhere and cannot be shown again."""
    free_file(key_file)
    password = own_password(ctx, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        key = await admin.store.add_api_key(name, "obs" if observer else "key")
        record = await admin.store.api_key_by_token(key)
        assert record is not None  # added a moment ago
        await admin.note("KeyAdded", key=record.id)
        return {"id": record.id, "name": name, "key": key}

    def ask(api: Api) -> dict[str, Any]:
        kind = "monitoring" if observer else "booking"
        made = api.post("keys", body={"password": password, "name": name, "kind": kind})
        return {member: made[member] for member in ("id", "name", "key")}

    say_secret(perform(ctx, work, ask), "key", key_file, json)


@app.command("list")
@works_remotely
def listed(ctx: typer.Context, json: Json = False) -> None:
    """List all keys that were ever added, without their secrets."""

    async def work(admin: AdminContext) -> list[Any]:
        return await admin.store.api_keys()

    def ask(api: Api) -> list[Any]:
        return [as_record(ApiKey, view) for view in api.get("keys")["keys"]]

    say_all(perform(ctx, work, ask), json)


@app.command("revoke")
@works_remotely
def revoke(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the key, as listed: key_…")],
    reason: Annotated[str, reason_option("Why; a server asks for it.")] = "",
    json: Json = False,
) -> None:
    """Revoke a key for good. It takes effect at once."""
    needed(ctx, "--reason", reason)

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.revoke_api_key(id)
        await admin.note("KeyRevoked", key=id, **({"reason": reason} if reason else {}))
        return {"id": id, "revoked": True}

    def ask(api: Api) -> dict[str, Any]:
        api.post("keys", id, "revoke", body={"reason": reason})
        return {"id": id, "revoked": True}

    say(perform(ctx, work, ask), json)
