"""`huijian hold`: legal holds on recordings (证据保全). A held recording is not deleted, even when it is due.

A hold is a row of the database and a signed line in the chain of the recording's site; no other process needs to run.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from broker.control.store.records import Role, User
from broker.kernel.clock import SHANGHAI
from broker.kernel.errors import NotFound
from huijian.admin.context import AdminContext
from huijian.admin.text_options import reason_option
from huijian.output import Json, say, say_all
from huijian.remote.server import Api, perform, server_of, works_remotely
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from huijian.retention.second_officer import check_permit
from recorder.archive.catalog import Catalog
from signaling.retention.purge_context import repaired_holds

app = typer.Typer(no_args_is_help=True, help="Keep recordings beyond their due date. 保全")
AUDITORS = (Role.AUDITOR,)
Sessions = Annotated[list[str] | None, typer.Argument(help="Ids of sessions: ses_…")]
Reason = Annotated[str, reason_option("The reason; it is journaled and signed.")]
Site = Annotated[str | None, typer.Option(help="Instead of ids: all recordings of this site …")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="… that began on this day or later.")]
LastDay = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="… and on this day at the latest.")]


@app.command("add", epilog='Example: hold add ses_… --reason "法院调取 2026-114" --as shen')
@works_remotely
def add(
    ctx: typer.Context,
    reason: Reason,
    sessions: Sessions = None,
    site: Site = None,
    since: Day = None,
    until: LastDay = None,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Hold recordings; only for auditors of their site or of the province."""
    _check_choice(sessions, site, since, until)
    password = _password(ctx, sessions, user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        chosen, auditor = await _chosen(admin, sessions, site, since, until, str(user), password)
        now, holds = admin.store.clock.now().wall, await repaired_holds(admin)
        numbers = []
        for session in chosen:
            numbers.append(await holds.add(session, reason, auditor.id, now))
            await _note(admin, "HoldAdded", session, auditor, hold=numbers[-1], reason=reason)
        return _answer(chosen, auditor.id, "hold", numbers)

    def ask(api: Api) -> dict[str, Any]:
        made = [_last(api.post("recordings", session, "holds", body={"reason": reason})) for session in sessions or ()]
        return _answer(list(sessions or ()), made[-1]["by"], "hold", [hold["id"] for hold in made])

    say(perform(ctx, work, ask), json)


@app.command("lift")
@works_remotely
def lift(
    ctx: typer.Context,
    reason: Reason,
    sessions: Sessions = None,
    site: Site = None,
    since: Day = None,
    until: LastDay = None,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Lift every hold of recordings. The next purge after their due date then deletes them.

    The auditor's password must be some days old (setting `second_person_hours`). 密码设置满规定时间后方可解除保全。
    """
    _check_choice(sessions, site, since, until)
    password = _password(ctx, sessions, user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        chosen, auditor = await _chosen(admin, sessions, site, since, until, str(user), password)
        await check_permit(admin, auditor.id)
        now, holds = admin.store.clock.now().wall, await repaired_holds(admin)
        if sessions is None:  # of a period only some may be held
            held = {row["session"] for row in await holds.listed()}
            chosen = [session for session in chosen if session in held]
        counts = []
        for session in chosen:
            counts.append(await holds.lift(session, reason, auditor.id, now))
            await _note(admin, "HoldLifted", session, auditor, holds=counts[-1], reason=reason)
        return _answer(chosen, auditor.id, "lifted", counts)

    def ask(api: Api) -> dict[str, Any]:
        standing = [hold["session"] for hold in api.get("holds")["holds"]]
        for session in sessions or ():
            api.post("recordings", session, "holds", "lift", body={"reason": reason})
        counts = [standing.count(session) for session in sessions or ()]
        return _answer(list(sessions or ()), None, "lifted", counts)

    say(perform(ctx, work, ask), json)


@app.command("list")
@works_remotely
def listed(
    ctx: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    json: Json = False,
) -> None:
    """List the standing holds, with reason and author."""

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        return await (await repaired_holds(admin)).listed(all)

    def ask(api: Api) -> list[dict[str, Any]]:
        if all:
            raise typer.BadParameter("a server lists those that stand. 远程只列出有效的保全", param_hint="--all")
        found: list[dict[str, Any]] = api.get("holds")["holds"]
        return found

    say_all(perform(ctx, work, ask), json)


def _password(ctx: typer.Context, sessions: list[str] | None, user: str | None, from_stdin: bool) -> str:
    """Return the password of the auditor; at a server it is the one who has signed in, and recordings are named."""
    if server_of(ctx) is None:
        return password_for(user, from_stdin)
    if not sessions:
        raise typer.BadParameter("with --server give ids of sessions. 远程请给出会见编号")
    return ""


def _last(holds: dict[str, Any]) -> dict[str, Any]:
    """Return the newest hold in the answer to an order."""
    newest: dict[str, Any] = max(holds["holds"], key=lambda hold: int(hold["id"]))
    return newest


def _check_choice(sessions: list[str] | None, site: str | None, since: datetime | None, until: datetime | None) -> None:
    if bool(sessions) == any(value is not None for value in (site, since, until)):
        raise typer.BadParameter(
            "give ids of sessions, or --site, --since and --until, and not both. 会见编号与单位、日期只能给一种"
        )


async def _chosen(
    admin: AdminContext,
    sessions: list[str] | None,
    site: str | None,
    since: datetime | None,
    until: datetime | None,
    user: str,
    password: str,
) -> tuple[list[str], User]:
    """Return the recordings that are meant, and the auditor, who may decide about each. Raises NotFound."""
    catalog = Catalog(admin.store.engine)
    if not sessions:
        auditor = await officer(admin, user, password, AUDITORS, site)
        first = None if since is None else since.replace(tzinfo=SHANGHAI)
        end = None if until is None else until.replace(tzinfo=SHANGHAI) + timedelta(days=1)
        found = await catalog.begun_between(site, first, end)
        if not found:
            raise NotFound("There is no recording of this site and time.", "该单位该时间没有录像。")
        return found, auditor
    for session in dict.fromkeys(sessions):
        row = await catalog.row(session)
        auditor = await officer(admin, user, password, AUDITORS, str(row["site"]) if row else None)
    return list(dict.fromkeys(sessions)), auditor


def _answer(sessions: list[str], auditor: str | None, name: str, numbers: list[int]) -> dict[str, Any]:
    by = {} if auditor is None else {"by": auditor}
    if len(sessions) == 1:
        return {name: numbers[0], "session": sessions[0], **by}
    return {"recordings": len(sessions), name: numbers, "sessions": sessions, **by}


async def _note(admin: AdminContext, kind: str, session: str, auditor: User, **data: Any) -> None:
    admin.journal.note(kind, session, f"user:{auditor.id}", data)
    await admin.journal.flush()
