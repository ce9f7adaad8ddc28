"""`huijian export`: recordings that are handed over (移交). One officer asks, another decides, the running server
builds the package, and the one who asked fetches it. The rules are those of the API."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.control.store.records import Role, User
from broker.kernel.errors import NotFound
from huijian.admin.context import AdminContext
from huijian.admin.text_options import name_option, reason_option
from huijian.output import Json, say, say_all
from huijian.remote.server import Api, perform, server_of, works_remotely
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from huijian.retention.second_officer import check_permit
from recorder.archive.catalog import Catalog
from recorder.export import verifier_page
from recorder.export.queue import Exports, Row, State
from signaling.exports.worker import package_path

app = typer.Typer(no_args_is_help=True, help="Hand recordings over, by two officers. 移交")
AUDITORS, DECIDING = (Role.AUDITOR,), (Role.AUDITOR, Role.ADMIN)
Id = Annotated[str, typer.Argument(help="Id of the request: exp_…")]
COPIED = 1 << 20  # bytes at once
SHOWN = ("id", "session", "state", "receiver", "by", "decided_by", "progress", "failure", "expires_at")


@app.command("request", epilog='Example: export request ses_… --receiver 某法院 --reason "庭审举证" --as shen')
@works_remotely
def request(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help="Id of the session: ses_…")],
    receiver: Annotated[str, name_option("To whom it is handed over; written over the picture.")],
    reason: Annotated[str, reason_option("Why; it is journaled and stands in the package.")],
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Ask for a package; another officer approves it. Only for auditors of the site or of the province."""
    password = "" if server_of(ctx) else password_for(user, password_stdin)
    if not 2 <= len(receiver.strip()) <= 60:
        raise typer.BadParameter("--receiver has 2 to 60 letters. 接收人须为 2 至 60 个字")

    async def work(admin: AdminContext) -> Row:
        recording = await Catalog(admin.store.engine).row(session)
        site = str(recording["site"]) if recording else None
        auditor = await officer(admin, str(user), password, AUDITORS, site)
        if recording is None:
            raise NotFound("There is no such recording.", "没有该录像。")
        now = admin.store.clock.now().wall
        made = await Exports(admin.store.engine).add(
            session, str(site), reason, receiver.strip(), [auditor.id], auditor.id, now
        )
        await _note(admin, "ExportRequested", made, auditor, reason=reason, downloaders=[auditor.id])
        return _shown(made)

    def ask(api: Api) -> Row:
        return _seen(api.post("recordings", session, "exports", body={"reason": reason, "receiver": receiver.strip()}))

    say(perform(ctx, work, ask), json)


@app.command("approve")
@works_remotely
def approve(
    ctx: typer.Context, export: Id, user: As = None, password_stdin: PasswordStdin = False, json: Json = False
) -> None:
    """Approve a request, as another officer than the one who asked. The running server builds the package."""
    say(_decide(ctx, export, True, "", user, password_stdin), json)


@app.command("refuse")
@works_remotely
def refuse(
    ctx: typer.Context,
    export: Id,
    reason: Annotated[str, reason_option("Why it is refused.")],
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Refuse a request, as another officer than the one who asked."""
    say(_decide(ctx, export, False, reason, user, password_stdin), json)


@app.command("build")
@works_remotely
def build(
    ctx: typer.Context, export: Id, user: As = None, password_stdin: PasswordStdin = False, json: Json = False
) -> None:
    """Have a package built again that failed, after its cause is mended."""
    password = "" if server_of(ctx) else password_for(user, password_stdin)

    async def work(admin: AdminContext) -> Row:
        row = await _row(admin, export)
        author = await officer(admin, str(user), password, DECIDING, row["site"])
        row = await Exports(admin.store.engine).again(export, admin.store.clock.now().wall)
        await _note(admin, "ExportBuildOrdered", row, author)
        return _shown(row)

    def ask(api: Api) -> Row:
        return _seen(api.post("exports", export, "build"))

    say(perform(ctx, work, ask), json)


@app.command("list")
@works_remotely
def listed(ctx: typer.Context, state: State | None = None, json: Json = False) -> None:
    """List the newest requests and how far each is."""

    async def work(admin: AdminContext) -> list[Row]:
        return [_shown(row) for row in await Exports(admin.store.engine).listed(state)]

    def ask(api: Api) -> list[Row]:
        wanted = None if state is None else str(state)
        return [_seen(view) for view in api.get("exports", state=wanted)["exports"]]

    say_all(perform(ctx, work, ask), json)


@app.command("download")
@works_remotely
def download(
    ctx: typer.Context,
    export: Id,
    to: Annotated[Path, typer.Option(help="The file to write; it must not exist.")],
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Copy a package that is ready to a file that only this account may read, as one of its receivers' officers."""
    password = "" if server_of(ctx) else password_for(user, password_stdin)
    if to.exists():
        raise typer.BadParameter(f"{to} exists. 文件已存在")

    async def work(admin: AdminContext) -> dict[str, Any]:
        row = await _row(admin, export)
        auditor = await officer(admin, str(user), password, AUDITORS, row["site"])
        row = await Exports(admin.store.engine).fetchable(export, auditor.id, admin.store.clock.now().wall)
        path = package_path(admin.settings, export)
        if not path.is_file():
            raise NotFound("The package is gone.", "移交包文件已不在，请重新申请。")
        await _note(admin, "ExportDownloaded", row, auditor)  # before its first byte leaves
        await asyncio.to_thread(_copy, path, to)
        return {"file": str(to), "bytes": row["bytes"], "sha256": row["sha256"]}

    def ask(api: Api) -> dict[str, Any]:
        view = api.get("exports", export)
        api.download("exports", export, "package", to=to)
        return {"file": str(to), "bytes": view["bytes"], "sha256": view["sha256"]}

    say(perform(ctx, work, ask), json)


@app.command("verifier")
def verifier(
    to: Annotated[Path, typer.Argument(help="The file to write, such as verify.html; it must not exist.")],
) -> None:
    """Write the page that checks packages, to be given to receivers by another way than in a package. 校验网页"""
    if to.exists():
        raise typer.BadParameter(f"{to} exists. 文件已存在")
    to.write_bytes(verifier_page.page())
    say({"file": str(to)}, False)


def _decide(ctx: typer.Context, export: str, yes: bool, note: str, user: str | None, password_stdin: bool) -> Row:
    password = "" if server_of(ctx) else password_for(user, password_stdin)

    async def work(admin: AdminContext) -> Row:
        row = await _row(admin, export)
        author = await officer(admin, str(user), password, DECIDING, row["site"])
        if author.id != row["by"]:
            if yes:
                await check_permit(admin, row["by"])  # it may have been barred, or got another password, since
            await check_permit(admin, author.id, row["by"])
        now = admin.store.clock.now().wall
        row = await Exports(admin.store.engine).decide(export, yes, author.id, note, now)
        kind = "ExportApproved" if yes else "ExportRefused"
        await _note(admin, kind, row, author, by=row["by"], note=note)
        return _shown(row)

    def ask(api: Api) -> Row:
        body = {"decision": "approve" if yes else "refuse", "note": note}
        return _seen(api.post("exports", export, "decide", body=body))

    return perform(ctx, work, ask)


def _copy(package: Path, to: Path) -> None:
    """Copy a package into a new file that only this account may read; what is written of it goes after a failure.
    Raises OSError."""
    with package.open("rb") as source:
        target = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(target, "wb") as file:
                shutil.copyfileobj(source, file, COPIED)
        except BaseException:
            to.unlink(missing_ok=True)
            raise


async def _row(admin: AdminContext, export: str) -> Row:
    return await Exports(admin.store.engine).row(export)


def _shown(row: Row) -> Row:
    return {name: row[name] for name in SHOWN}


def _seen(view: dict[str, Any]) -> Row:
    """Return a request at a server as the commands show it."""
    decided = view["decided_by"]
    return {**_shown(view), "by": view["by"]["id"], "decided_by": None if decided is None else decided["id"]}


async def _note(admin: AdminContext, kind: str, row: Row, author: User, **data: Any) -> None:
    admin.journal.note(kind, row["session"], f"user:{author.id}", {"export": row["id"], **data})
    await admin.journal.flush()
