"""`huijian admin journal export`: the entries of some days as a signed file, for an auditor of the province."""

import hashlib
import json as json_
import shutil
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.control.store.records import Role
from broker.kernel.clock import in_shanghai
from config import private_files
from huijian.admin.context import AdminContext
from huijian.admin.text_options import reason_option
from huijian.output import Json, free_file, say
from huijian.remote.server import Api, perform, server_of, works_remotely
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from signaling.journal.builder import JournalExports
from signaling.journal.order import MANIFEST, Made, Order
from signaling.journal.source import numbers_of

AUDITORS = (Role.AUDITOR,)


@works_remotely
def export(
    ctx: typer.Context,
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, in Asia/Shanghai.")],
    reason: Annotated[str, reason_option("For what it is needed; it is journaled and signed.")],
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day; default: the first.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A new file; default: journal-DAYS.zip here.")] = None,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Export the entries of some days, signed: for auditors of the province. 导出日志

    The ZIP has the entries as they are hashed (JSON Lines), the signed checkpoints, the public keys, a workbook for
    readers and a signed manifest. `huijian verify --journal FILE` proves it anywhere, without the database, and names
    each entry that was changed. The file has what officers wrote in it and is open to its owner alone.
    """
    password = "" if server_of(ctx) else password_for(user, password_stdin)
    days = since.date(), (until or since).date()

    async def work(admin: AdminContext) -> dict[str, Any]:
        auditor = await officer(admin, str(user), password, AUDITORS, None)
        return await _export(admin, auditor.id, days, reason, out)

    def ask(api: Api) -> dict[str, Any]:
        target = out or Path(f"journal-{days[0]}_{days[1]}.zip")
        free_file(target)
        body = {"from": str(days[0]), "to": str(days[1]), "reason": reason}
        api.download("journal", "exports", to=target, body=body)
        return exported_facts(target)

    say(perform(ctx, work, ask), json)


def exported_facts(file: Path) -> dict[str, Any]:
    """Return what an export is, by its manifest."""
    with zipfile.ZipFile(file) as packed:
        manifest = packed.read(MANIFEST)
    value = json_.loads(manifest)
    facts = {name: value[name] for name in ("entries", "first", "last")}
    return {"file": str(file), **facts, "manifest": hashlib.sha256(manifest).hexdigest()}


async def _export(
    admin: AdminContext, by: str, days: tuple[date, date], reason: str, out: Path | None
) -> dict[str, Any]:
    engine, settings = admin.store.engine, admin.settings
    first, last = await numbers_of(engine, *days)
    order = Order(
        since=days[0],
        until=days[1],
        first=first,
        last=last,
        by=by,
        reason=reason,
        made_at=in_shanghai(admin.store.clock.now().wall).isoformat(timespec="seconds"),
        archive_dir=str(settings.archive_dir),
        keys_dir=str(settings.keys_dir),
        signing=settings.archive_signing,
        folder="",
    )
    target = out or Path(order.name)
    free_file(target)
    async with JournalExports(settings, engine).made(order) as made:
        await _keep(admin, order, made, target)
    return {"file": str(target), "entries": made.entries, "first": first, "last": last, "manifest": made.manifest}


async def _keep(admin: AdminContext, order: Order, made: Made, target: Path) -> None:
    """Journal the export, then put the file where it was wanted, closed to others."""
    facts = {"from": str(order.since), "to": str(order.until), "first": order.first, "last": order.last}
    facts |= {"reason": order.reason, "manifest": made.manifest}
    admin.journal.note("JournalExported", None, f"user:{order.by}", facts)
    await admin.journal.flush()
    private_files.create(target, b"")
    with Path(made.path).open("rb") as source, target.open("wb") as file:
        shutil.copyfileobj(source, file)
