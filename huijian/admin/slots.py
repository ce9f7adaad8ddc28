"""The commands `huijian admin slots`: approved slots by hand, where no booking system posts them.

With `--server` the order goes to a running server over REST, with the key in HUIJIAN_KEY or the account that has signed
in. Without it, the slot passes the same checks and is stored, and the next start of the server finds it.
"""

import json as json_
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.authority import slot_acts
from broker.authority.slot_acts import SlotAct
from broker.booking.identity import Document
from broker.booking.packs import pack_named
from broker.booking.rebooking import RebookingState, rebooking_of
from broker.booking.slot import Slot
from broker.control.persistence import this_boot
from broker.control.store.records import Role
from broker.control.store.secrets import identity_key
from broker.kernel.clock import SHANGHAI, SystemClock
from broker.kernel.errors import BadRequest
from broker.kernel.ids import PersonId
from broker.session.events import SlotCancelled
from broker.session.refusals import check_cancellation
from broker.session.snapshot import from_json
from broker.session.state import Session, State
from huijian.admin.context import AdminContext
from huijian.admin.text_options import name_option, reason_option
from huijian.instance_lock import is_running
from huijian.output import Json, say, say_all
from huijian.remote.server import Api, perform, server_of, works_remotely
from huijian.retention.officer import As, PasswordStdin, password_for, signed_in
from huijian.retention.second_officer import check_permit
from huijian.streams import encodable, read_input

app = typer.Typer(no_args_is_help=True, help="Approved slots. 会见时段")


@app.command("add", epilog="Example: slots example | slots add - --server http://127.0.0.1:8470")
@works_remotely
def add(
    ctx: typer.Context,
    order: Annotated[Path, typer.Argument(help="File with JSON as for POST /api/v1/slots; '-' reads stdin.")],
    json: Json = False,
) -> None:
    """Add an approved slot for two rooms.

    With --server a running server takes it at once. Without it the slot is stored, and the server finds it at its next
    start.
    """
    body = _read(order)

    def ask(api: Api) -> dict[str, Any]:
        return api.post("slots", body=body)

    async def work(admin: AdminContext) -> dict[str, Any]:
        slot, rebooks, documents = await _slot(admin, body)
        await admin.store.add_slot(slot, rebooks, admin.author, documents)
        await admin.note("SlotAdded", slot=slot.id, session=slot.session, **({"rebooks": rebooks} if rebooks else {}))
        return {"slot": slot.id, "session_id": slot.session}

    say(perform(ctx, work, ask), json)


@app.command("list")
@works_remotely
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

    def ask(api: Api) -> list[dict[str, Any]]:
        return [_seen(view) for view in api.get("slots", day=f"{start:%Y-%m-%d}")["slots"]]

    say_all(perform(ctx, work, ask), json)


def _seen(view: dict[str, Any]) -> dict[str, Any]:
    """Return a slot of a server as the list shows it, without the names of people."""
    times = {name: datetime.fromisoformat(view[name]).astimezone(SHANGHAI) for name in ("starts_at", "ends_at")}
    rooms = {"prison_room": view["prison"]["room"], "visitor_room": view["visitor"]["room"]}
    return {"id": view["id"], "session": view["session"], **rooms, **times, "minutes": view["minutes"]}


@app.command("cancel")
@works_remotely
def cancel(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the slot, as listed: slt_…")],
    article: Annotated[str, typer.Option(help="Code of the rules, such as YN-18 or GD-36 for a fault.")] = "",
    reason: Annotated[str, reason_option("Why, in words.")] = "",
    json: Json = False,
) -> None:
    """Cancel an approved slot by its id. A running server learns of it within a second, with --server or without.

    Once a person has been checked in, --article and --reason are needed. A fault's code requests that the visit is
    booked again first. A visit that goes on is ended by an officer, not cancelled; one that was going on when the
    service stopped may be cancelled, and the next start ends it.
    """

    def ask(api: Api) -> dict[str, Any]:
        if article or reason:
            code = {"article": article} if article else {}
            api.post("slots", id, "cancel", body={**code, "reason": reason})
        else:
            api.delete("slots", id)
        return {"id": id, "cancelled": True}

    async def work(admin: AdminContext) -> dict[str, Any]:
        slot, now = await admin.store.slot(id), admin.store.clock.now()
        policy, kept = pack_named(slot.policy), await admin.store.snapshot(slot.session)
        session = Session(slot) if kept is None else from_json(slot, kept.data, now, this_boot())
        fact = SlotCancelled(admin.author, article, reason.strip())
        if session.begun and not is_running(admin.settings.data_dir):
            session = replace(session, state=State.READY)  # no officer can end it: what is checked in is cancelled
        check_cancellation(session, fact, now, policy)
        code = policy.intervention(article)
        fault = code is not None and code.technical
        request = rebooking_of(slot, fact.note, now.wall, policy) if fault else None
        await admin.store.cancel_slot(id, admin.author, article, fact.note, request)
        await admin.note("SlotCancelled", slot=id, article=article, note=fact.note)
        return {"id": id, "cancelled": True}

    say(perform(ctx, work, ask), json)


@app.command("rebookings")
@works_remotely
def rebookings(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Closed requests, too.")] = False,
    json: Json = False,
) -> None:
    """List the visits that are to be booked again first, without the names of people. 另行优先安排会见

    A slot that is added with "rebooks": "rbk_…" keeps a request; it lists the same inmates.
    """

    async def work(admin: AdminContext) -> list[dict[str, Any]]:
        found = await admin.store.rebookings(state=None if every else RebookingState.OPEN)
        return [
            {
                "id": request.id,
                "state": str(request.state),
                "slot": request.slot,
                "cause": request.cause,
                "article": request.article,
                "at": request.at.astimezone(SHANGHAI),
                "new_slot": request.new_slot or "",
            }
            for request in found
        ]

    def ask(api: Api) -> list[dict[str, Any]]:
        found = [_asked(view) for view in api.get("rebookings")["rebookings"]]
        return [row for row in found if every or row["state"] == str(RebookingState.OPEN)]

    say_all(perform(ctx, work, ask), json)


def _asked(view: dict[str, Any]) -> dict[str, Any]:
    """Return a re-booking request of a server as the list shows it."""
    row = {"id": view["id"], "state": view["state"], "slot": view["slot"], "cause": view["cause"]["code"]}
    at = datetime.fromisoformat(view["at"]).astimezone(SHANGHAI)
    return {**row, "article": view["article"], "at": at, "new_slot": view["new_slot"] or ""}


@app.command("example")
def example() -> None:
    """Print an example of an order: thirty minutes from now on, one person on each side.

    "id" is the booking system's lasting number of a person; "id_number" may stand in its place. Optional: "role":
    "interpreter" where "language" is not "zh"; "dialect_reason" in Guangdong; "relation_decision" ("by" and "reason")
    where the relation is not one of kin or guardians; "second_approval" of the slot where both sides are prisons.
    """
    now = SystemClock().now().wall.astimezone(SHANGHAI).replace(microsecond=0)
    order = {
        "prison_room": "first-prison-1",
        "visitor_room": "panlong-1",
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(minutes=40)).isoformat(),
        "minutes": 30,
        "people": [
            {"id": "inmate-0001", "side": "prison", "name": "张某"},
            {
                "id": "kin-0001",
                "side": "visitor",
                "name": "李某",
                "relation": "配偶",
                "first_visit": True,
                "role": "party",
            },
        ],
        "approved_by": "第一监狱",
        "article": "云南 第八条",
        "language": "zh",
    }
    text = json_.dumps(order, ensure_ascii=False, indent=2)
    print(text if encodable(text) else json_.dumps(order, indent=2))


@app.command("approve", epilog="Example: slots approve slt_… --by 第二监狱 --as gao")
@works_remotely
def approve(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of the slot, as listed: slt_…")],
    by: Annotated[str, name_option("Institution of the visitor side, and who approved there.")],
    article: Annotated[str, typer.Option(help="Article of the approval.")] = "云南 第七条",
    user: As = None,
    password_stdin: PasswordStdin = False,
    json: Json = False,
) -> None:
    """Add the second institution's approval to a slot between two prisons, which opens only with both.

    The approver of the visitor side's institution gives it with the own password (--as); with --server the booking
    system's key may bring it. 第二方批准由另一方监所的审批人以本人密码作出。
    """
    password = "" if server_of(ctx) else password_for(user, password_stdin)

    def ask(api: Api) -> dict[str, Any]:
        return api.post("slots", id, "approve", body={"approved_by": by, "article": article})

    async def work(admin: AdminContext) -> dict[str, Any]:
        officer = await signed_in(admin, str(user), password, (Role.APPROVER,))
        slot = await admin.store.slot(id)
        place = slot_acts.relation(officer.site, slot.prison.site, slot.visitor.site)
        slot_acts.check(SlotAct.APPROVE_SECOND, str(officer.role), place)
        await check_permit(admin, officer.id)
        await admin.store.approve_second(id, by, article)
        data = {"slot": slot.id, "article": article, "second": True}
        admin.journal.note("SlotApproved", slot.session, f"user:{officer.id}", data)
        await admin.journal.flush()
        return {"id": slot.id, "approved_by": by, "article": article}

    say(perform(ctx, work, ask), json)


def _read(order: Path) -> Any:
    try:
        return json_.loads(read_input() if str(order) == "-" else order.read_text("utf-8-sig"))
    except ValueError as error:
        raise BadRequest(f"{order}: not JSON: {error}", f"{order} 不是 JSON。") from error


async def _slot(admin: AdminContext, body: Any) -> tuple[Slot, str | None, dict[PersonId, Document]]:
    """Return the slot that an order describes, by the same rules as POST /api/v1/slots, the re-booking request that it
    keeps, and what is shown of its people's documents. Raises BadRequest."""
    from pydantic import ValidationError

    from signaling.api.messages.slots import SlotOrder
    from signaling.api.slot_form import documents_of, slot_of

    try:
        order = SlotOrder.model_validate_json(json_.dumps(body))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadRequest(f"{where}: {first['msg']}", f"字段 {where} 不符合要求。") from error
    key = identity_key(admin.settings.keys_dir)
    slot = await slot_of(order, admin.store, admin.store.clock.now().wall, key)
    return slot, order.rebooks, documents_of(order, slot)
