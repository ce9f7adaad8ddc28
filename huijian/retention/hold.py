"""`huijian hold`: legal holds on recordings (证据保全). A held recording is not deleted, even when it is due.

A hold is a row of the database and a signed line in the chain of the recording's site; no other process needs to run.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from broker.control.store.records import Role, User
from broker.kernel.clock import SHANGHAI
from broker.kernel.errors import NotFound
from huijian.admin.context import AdminContext, run_admin
from huijian.admin.text_options import reason_option
from huijian.output import Json, say, say_all
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
    password = password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        chosen, auditor = await _chosen(admin, sessions, site, since, until, str(user), password)
        now, holds = admin.store.clock.now().wall, await repaired_holds(admin)
        numbers = []
        for session in chosen:
            numbers.append(await holds.add(session, reason, auditor.id, now))
            await _note(admin, "HoldAdded", session, auditor, hold=numbers[-1], reason=reason)
        return _answer(chosen, auditor, "hold", numbers)

    say(run_admin(ctx, work), json)


@app.command("lift")
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
    password = password_for(user, password_stdin)

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
        return _answer(chosen, auditor, "lifted", counts)

    say(run_admin(ctx, work), json)


@app.command("list")
def listed(
    ctx: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    json: Json = False,
) -> None:
    """List the standing holds, with reason and author."""

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        return await (await repaired_holds(admin)).listed(all)

    say_all(run_admin(ctx, work), json)


def _check_choice(sessions: list[str] | None, site: str | None, since: datetime | None, until: datetime | None) -> None:
    if bool(sessions) == any(value is not None for value in (site, since, until)):
        raise typer.BadParameter("give ids of sessions, or --site, --since and --until, and not both")


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


def _answer(sessions: list[str], auditor: User, name: str, numbers: list[int]) -> dict[str, Any]:
    if len(sessions) == 1:
        return {name: numbers[0], "session": sessions[0], "by": auditor.id}
    return {"recordings": len(sessions), name: numbers, "sessions": sessions, "by": auditor.id}


async def _note(admin: AdminContext, kind: str, session: str, auditor: User, **data: Any) -> None:
    admin.journal.note(kind, session, f"user:{auditor.id}", data)
    await admin.journal.flush()
