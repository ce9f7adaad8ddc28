"""`huijian hold`: legal holds on recordings (证据保全). A held recording is not deleted, even when it is due."""

from typing import Annotated, Any

import typer

from broker.control.store.records import Role, User
from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, say, say_all
from huijian.retention.officer import As, PasswordStdin, officer, password_for
from recorder.archive.catalog import Catalog
from recorder.retention.holds import Holds

app = typer.Typer(no_args_is_help=True, help="Keep recordings beyond their due date. 保全")
AUDITORS = (Role.AUDITOR,)
Session = Annotated[str, typer.Argument(help="The session's id: ses_…")]
Reason = Annotated[str, typer.Option(help="The reason; it is journaled.")]


@app.command("add", epilog='Example: hold add ses_… --reason "法院调取 2026-114" --as shen')
def add(
    ctx: typer.Context,
    session: Session,
    reason: Reason,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Hold a recording; only for auditors of its site or of the province."""
    password = password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        auditor = await _auditor(admin, session, str(user), password)
        now = admin.store.clock.now().wall
        number = await Holds(admin.store.engine).add(session, reason, auditor.id, now)
        await _note(admin, "HoldAdded", session, auditor, hold=number, reason=reason)
        return {"hold": number, "session": session, "by": auditor.id}

    say(run_admin(ctx, work), json)


@app.command("lift")
def lift(
    ctx: typer.Context,
    session: Session,
    reason: Reason,
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Lift every hold of a recording. The next purge after its due date then deletes it."""
    password = password_for(user, password_stdin)

    async def work(admin: AdminContext) -> dict[str, Any]:
        auditor = await _auditor(admin, session, str(user), password)
        lifted = await Holds(admin.store.engine).lift(session, reason, auditor.id, admin.store.clock.now().wall)
        await _note(admin, "HoldLifted", session, auditor, holds=lifted, reason=reason)
        return {"session": session, "lifted": lifted, "by": auditor.id}

    say(run_admin(ctx, work), json)


@app.command("list")
def listed(
    ctx: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Lifted ones too.")] = False,
    json: Json = False,
) -> None:
    """List the standing holds, with reason and author."""
    say_all(run_admin(ctx, lambda admin: Holds(admin.store.engine).listed(all)), json)


async def _auditor(admin: AdminContext, session: str, user: str, password: str) -> User:
    row = await Catalog(admin.store.engine).row(session)
    return await officer(admin, user, password, AUDITORS, str(row["site"]) if row else None)


async def _note(admin: AdminContext, kind: str, session: str, auditor: User, **data: Any) -> None:
    admin.journal.note(kind, session, f"user:{auditor.id}", data)
    await admin.journal.flush()
