"""The commands `huijian admin slots`: approved slots by hand, where no booking system posts them.

With `--server` the order goes to a running server over REST, with the key in HUIJIAN_KEY. Without it, the slot passes
the same checks and is stored, and the next start of the server finds it.
"""

import json as json_
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.kernel.clock import SHANGHAI, SystemClock
from broker.kernel.errors import BadRequest
from huijian.admin import remote
from huijian.admin.context import AdminContext, run_admin
from huijian.output import Json, say, say_all

app = typer.Typer(no_args_is_help=True, help="Approved slots. 会见时段")

Server = Annotated[
    str | None,
    typer.Option(help="Address of a running server, such as http://127.0.0.1:8470; HUIJIAN_KEY holds a key."),
]


@app.command("add", epilog="Example: slots example | slots add - --server http://127.0.0.1:8470")
def add(
    ctx: typer.Context,
    order: Annotated[Path, typer.Argument(help="File with JSON as for POST /api/v1/slots; '-' reads stdin.")],
    server: Server = None,
    json: Json = False,
) -> None:
    """Add an approved slot for two rooms.

    With --server a running server takes it at once. Without it the slot is stored, and the server finds it at its next
    start.
    """
    body = _read(order)
    if server is not None:
        say(remote.post(server, "/api/v1/slots", body), json)
        return

    async def work(admin: AdminContext) -> dict[str, Any]:
        slot = await _slot(admin, body)
        await admin.store.add_slot(slot)
        await admin.note("SlotAdded", slot=slot.id, session=slot.session)
        return {"slot": slot.id, "session_id": slot.session}

    say(run_admin(ctx, work), json)


@app.command("list")
def listed(
    ctx: typer.Context,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day to list; today in Shanghai by default.")
    ] = None,
    json: Json = False,
) -> None:
    """List the slots of a day, without the names of people."""
    start = (day or SystemClock().now().wall.astimezone(SHANGHAI)).replace(
        hour=0, minute=0, second=0, microsecond=0, tzinfo=SHANGHAI
    )

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        found = await admin.store.slots_between(start, start + timedelta(days=1))
        return [
            {
                "id": slot.id,
                "session": slot.session,
                "prison_room": slot.prison.room,
                "visitor_room": slot.visitor.room,
                "starts_at": slot.starts_at.astimezone(SHANGHAI),
                "ends_at": slot.ends_at.astimezone(SHANGHAI),
                "minutes": slot.minutes,
            }
            for slot in found
        ]

    say_all(run_admin(ctx, work), json)


@app.command("cancel")
def cancel(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the slot, as listed: slt_…")],
    server: Server = None,
    json: Json = False,
) -> None:
    """Cancel an approved slot by its id. A running server has to be told with --server."""
    if server is not None:
        remote.delete(server, f"/api/v1/slots/{id}")
        say({"id": id, "cancelled": True}, json)
        return

    async def work(admin: AdminContext) -> dict[str, Any]:
        await admin.store.cancel_slot(id)
        await admin.note("SlotCancelled", slot=id)
        return {"id": id, "cancelled": True}

    say(run_admin(ctx, work), json)


@app.command("example")
def example() -> None:
    """Print an example of an order: thirty minutes from now on, one person on each side.

    Optional members of a person: "role": "interpreter" where "language" is not "zh"; "dialect_reason" in Guangdong.
    """
    now = SystemClock().now().wall.astimezone(SHANGHAI).replace(microsecond=0)
    order = {
        "prison_room": "first-prison-1",
        "visitor_room": "panlong-1",
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(minutes=40)).isoformat(),
        "minutes": 30,
        "people": [
            {"side": "prison", "name": "张某"},
            {"side": "visitor", "name": "李某", "relation": "配偶", "first_visit": True, "role": "party"},
        ],
        "approved_by": "第一监狱",
        "article": "云南 第八条",
        "language": "zh",
    }
    print(json_.dumps(order, ensure_ascii=False, indent=2))


def _read(order: Path) -> Any:
    text = sys.stdin.read() if str(order) == "-" else order.read_text("utf-8")
    try:
        return json_.loads(text)
    except ValueError as error:
        raise BadRequest(f"{order}: not JSON: {error}") from error


async def _slot(admin: AdminContext, body: Any) -> Any:
    """Return the slot that an order describes, by the same rules as POST /api/v1/slots. Raises BadRequest."""
    from pydantic import ValidationError

    from signaling.api.messages.slots import SlotOrder
    from signaling.api.slot_form import slot_of

    try:
        order = SlotOrder.model_validate_json(json_.dumps(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{where}: {first['msg']}") from error
    return await slot_of(order, admin.store, admin.store.clock.now().wall)
