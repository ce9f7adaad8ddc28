"""The commands `huijian admin journal`: list entries, and check that none was changed."""

import json as json_
from typing import Annotated, Any

import typer

from broker.control.journal import reader
from huijian.admin.context import AdminContext, run_admin
from huijian.errors import FOUND
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="The journal: who did what, and when. 日志")


@app.command("verify", epilog="The exit code is 4 when the chain is broken.")
def verify(ctx: typer.Context, json: Json = False) -> int:
    """Check the whole hash chain and print its head.

    Keep the head elsewhere: that entries are missing at the end shows only by comparing it.
    """

    async def work(admin: AdminContext) -> dict[str, Any]:
        broken = await admin.journal.verify()
        entries, head = await reader.head(admin.store.engine)
        return {"whole": broken is None, "broken_at": broken, "entries": entries, "head": head}

    found = run_admin(ctx, work)
    say(found, json)
    return 0 if found["whole"] else FOUND


@app.command("list", epilog="Example: journal list --session ses_… --json")
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

    say_all(run_admin(ctx, work), json)
