"""The command `huijian admin history`: the index by which visits are found, made anew from what it is made of."""

from typing import Any

import typer

from broker.kernel.clock import SystemClock
from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, say
from signaling.history.keeper import HistoryKeeper
from signaling.history.sources import Sources
from signaling.views.recordings import Recordings

app = typer.Typer(no_args_is_help=True, help="The history of visits. 会见历史")


@app.command("rebuild", epilog="Example: huijian admin history rebuild")
def rebuild(ctx: typer.Context, json: Json = False) -> None:
    """Write every visit of the history anew, from slots, sessions, journal and manifests. A running service completes
    the history by itself; this is for an index that was damaged or restored. It can be repeated and broken off. Marks,
    ratings and what was forgotten stay as they are."""

    async def work(admin: AdminContext) -> dict[str, Any]:
        recordings = Recordings(admin.store.engine)
        sources = Sources(admin.store, recordings, admin.settings.archive_dir, lambda session: None)
        keeper = HistoryKeeper(sources, admin.store, admin.journal, SystemClock(), admin.settings)
        visits = await keeper.complete(everything=True, pace=0.0)
        forgotten = await keeper.sweep()
        await admin.note("HistoryRebuilt", visits=visits, forgotten=forgotten)
        return {"visits": visits, "forgotten": forgotten}

    say(run_admin(ctx, work), json)
