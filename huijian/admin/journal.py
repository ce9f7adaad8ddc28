"""`huijian admin journal`: read it, and prove that nobody changed it."""

import json as json_
from typing import Annotated, Any

import typer

from broker.control.journal import reader
from huijian.admin.office import Office, in_office
from huijian.errors import FOUND
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="Who did what, when. 日志")


@app.command("verify", epilog="Exit code 4 when the chain is broken.")
def verify(ctx: typer.Context, json: Json = False) -> int:
    """Walk the hash chain. Write the head down elsewhere: a cut tail shows by it alone."""

    async def work(office: Office) -> dict[str, Any]:
        broken = await office.journal.verify()
        entries, head = await reader.head(office.store.engine)
        return {"whole": broken is None, "broken_at": broken, "entries": entries, "head": head}

    found = in_office(ctx, work)
    say(found, json)
    return 0 if found["whole"] else FOUND


@app.command("list", epilog="Example: journal list --session ses_… --json")
def listed(
    ctx: typer.Context,
    session: Annotated[str | None, typer.Option(help="Of this session only.")] = None,
    after: Annotated[int, typer.Option(help="Entries after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    json: Json = False,
) -> None:
    """Entries in order."""

    async def work(office: Office) -> list[dict[str, Any]]:
        found = await office.journal.entries(session, after, limit)
        shown = ("seq", "at", "session", "kind", "author")
        return [{**{name: getattr(one, name) for name in shown}, "data": json_.loads(one.data)} for one in found]

    say_all(in_office(ctx, work), json)
