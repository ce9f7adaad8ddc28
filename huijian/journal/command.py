"""The commands `huijian admin journal`: list entries, and check that none was changed."""

import json as json_
from pathlib import Path
from typing import Annotated, Any

import typer

from huijian.admin.context import AdminContext
from huijian.errors import FOUND, REFUSED
from huijian.journal import export, removal
from huijian.journal.check import Wanted, check
from huijian.journal.report import report_lines, report_values
from huijian.options import settings_of
from huijian.output import Json, say, say_all
from huijian.remote.server import Api, perform, works_remotely

PAGE = 1000  # entries of one answer of a server
app = typer.Typer(no_args_is_help=True, help="The journal: who did what, and when. 日志")
app.add_typer(removal.app, name="remove")
app.command("export", epilog='Example: journal export --from 2026-03-01 --to 2026-03-31 --reason "法院调取" --as shen')(
    export.export
)


@app.command("verify", epilog="Exit codes: 0 whole, 1 nothing to check, 3 the database cannot be read, 4 changed.")
def verify(
    ctx: typer.Context,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="A copy of the checkpoints that was kept elsewhere, or a syslog with them; may be repeated."),
    ] = None,
    archive: Annotated[Path | None, typer.Option(help="The archive, where it is not the settings' own.")] = None,
    public_key: Annotated[
        list[Path] | None,
        typer.Option(help="Trust only this key (PEM); may be repeated. Default: the installation's own."),
    ] = None,
    database: Annotated[
        Path | None, typer.Option(help="A copied database (SQLite) in place of the settings' own; only read.")
    ] = None,
    json: Json = False,
) -> int:
    """Hold the whole journal against its hash chain and against the signed checkpoints. 校验日志

    Checkpoints are taken from the archive and from every copy that is named. With --database, --public-key and
    --checkpoints nothing else of the installation is needed. A copy that was kept elsewhere shows what a hand on the
    machine has done with both, journal and archive. What lies after the newest checkpoint is said to be uncovered.
    """
    wanted = Wanted(tuple(checkpoints or ()), archive, tuple(public_key or ()), database)
    found = check(settings_of(ctx), wanted)
    if json:
        say(report_values(found), as_json=True)
    else:
        print("\n".join(report_lines(found)))
    if not found.whole:
        return FOUND
    return 0 if found.result.entries else REFUSED


@app.command("list", epilog="Example: journal list --session ses_… --json")
@works_remotely
def listed(
    ctx: typer.Context,
    session: Annotated[str | None, typer.Option(help="Only entries of this session.")] = None,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="List at most this many entries.")] = 100,
    json: Json = False,
) -> None:
    """List the entries of the journal in order."""

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        found = await admin.journal.entries(session, after, limit)
        shown = ("seq", "at", "session", "kind", "author")
        return [{**{name: getattr(entry, name) for name in shown}, "data": json_.loads(entry.data)} for entry in found]

    def ask(api: Api) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            behind, most = found[-1]["seq"] if found else after, min(PAGE, limit - len(found))
            page = api.get("journal", session=session, after=behind, limit=most)["entries"]
            found += page
            if len(page) < most:  # the end: a further look would find but the entry of the look before it
                break
        return found

    say_all(perform(ctx, work, ask), json)
