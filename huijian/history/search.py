"""`huijian visits`: searches the history of visits on a running server, with an auditor's credential."""

from typing import Annotated, Any

import typer

from huijian.output import Json, say, say_all
from huijian.remote import requests as remote
from huijian.sessions import Server, address

SEARCH = "/api/v1/visits/search"
app = typer.Typer(
    no_args_is_help=True,
    help="The history of visits, for auditors. 会见历史\n\nHUIJIAN_TOKEN holds an auditor's token (from POST "
    "/api/v1/sign-in). Each search is journaled.",
)


@app.callback()
def visits() -> None:
    """Search the history of visits, as an auditor."""  # a group, also while it has one command


@app.command("search", epilog="Example: HUIJIAN_TOKEN=… huijian visits search --inmate 刘 --intervention warning")
def search(
    ctx: typer.Context,
    since: Annotated[str | None, typer.Option(help="First day (2026-03-02), or a moment.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, or a moment.")] = None,
    site: Annotated[str | None, typer.Option(help="Id of a site.")] = None,
    room: Annotated[str | None, typer.Option(help="Id of a room.")] = None,
    slot: Annotated[str | None, typer.Option(help="Id of the slot or its session, or the booking system's.")] = None,
    inmate: Annotated[str | None, typer.Option(help="Part of the inmate's name, or the id.")] = None,
    visitor: Annotated[str | None, typer.Option(help="Part of a visitor's name, or the id.")] = None,
    supervisor: Annotated[str | None, typer.Option(help="An officer who was on duty.")] = None,
    watched_by: Annotated[str | None, typer.Option(help="An account that watched the visit or its recording.")] = None,
    state: Annotated[str | None, typer.Option(help="scheduled, running, archived, ended, cancelled, …")] = None,
    ending: Annotated[str | None, typer.Option(help="Code of the ending, as completed or no_show.")] = None,
    article: Annotated[str | None, typer.Option(help="Code of a ground, as YN-16-1.")] = None,
    intervention: Annotated[str | None, typer.Option(help="warning, mute, hold, end, talkback, note or any.")] = None,
    alert: Annotated[str | None, typer.Option(help="Kind of an alert, or any.")] = None,
    quality: Annotated[str | None, typer.Option(help="good, fair or poor.")] = None,
    order: Annotated[str, typer.Option(help="newest or oldest first.")] = "newest",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Visits that are shown.")] = 20,
    after: Annotated[str | None, typer.Option(help="Where the next page begins: `next` of the last (--json).")] = None,
    server: Server = None,
    json: Json = False,
) -> None:
    """Search for visits; every word that is given has to be true of a visit."""
    asked = {name: value for name, value in ctx.params.items() if name not in ("server", "json") and value is not None}
    answer = remote.search(address(ctx, server), SEARCH, asked)
    if json:
        say(answer, True)
        return
    say_all([_row(visit) for visit in answer["visits"]], False)


def _row(visit: dict[str, Any]) -> dict[str, Any]:
    """Return a visit as one line of a table."""
    ending = visit["ending"] or {}
    return {
        "session": visit["session"],
        "starts_at": visit["starts_at"],
        "state": visit["state"],
        "prison": f"{visit['prison']['site']}/{visit['prison']['room']}",
        "visitor": f"{visit['visitor']['site']}/{visit['visitor']['room']}",
        "ending": ending.get("code"),
        "seconds": visit["seconds"],
        "interventions": sum(act["count"] for act in visit["interventions"]),
        "alerts": visit["alerts"],
    }
