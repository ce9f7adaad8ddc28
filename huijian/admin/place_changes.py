"""The commands that rename, close and reopen a site or a room: `huijian admin sites rename`, `rooms close`, and so on.
What was kept of a closed place stays; nothing new is booked, enrolled or added there."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple

import typer

from broker.control.store.records import Room, Site
from broker.control.store.store import Store
from huijian.admin.context import AdminContext
from huijian.admin.text_options import name_option, reason_option
from huijian.output import Json, say
from huijian.remote.server import Api, as_record, perform, works_remotely

SiteId = Annotated[str, typer.Argument(help="Id of the site.")]
RoomId = Annotated[str, typer.Argument(help="Id of the room.")]
Named = Annotated[str, name_option("The new name that people know it by; its id stays.")]
Reason = Annotated[str, reason_option("Why; it is journaled.")]


class _Kind(NamedTuple):
    """Sites or rooms: the word for one in the journal, the path of the interface, the record, and how one is read."""

    word: str
    path: str
    record: type[Site] | type[Room]
    read: Callable[[Store, str], Awaitable[Site | Room]]


SITE = _Kind("site", "sites", Site, Store.site)
ROOM = _Kind("room", "rooms", Room, Store.room)


def _change(
    ctx: typer.Context,
    kind: _Kind,
    id: str,
    verb: str,
    change: Callable[[Store], Awaitable[None]],
    facts: dict[str, str],
    json: bool,
) -> None:
    """Change a place here or at a server, note it with `facts`, and print the place as it is then."""

    async def work(admin: AdminContext) -> Any:
        await change(admin.store)
        await admin.note(f"{kind.word.capitalize()}{ENTRIES[verb]}", **{kind.word: id}, **facts)
        return await kind.read(admin.store, id)

    def ask(api: Api) -> dict[str, Any]:
        return as_record(kind.record, api.post(kind.path, id, verb, body=facts))

    say(perform(ctx, work, ask), json)


ENTRIES = {"rename": "Renamed", "close": "Closed", "reopen": "Reopened"}
"""How the journal's entries end, by the verb of the interface."""


@works_remotely
def rename_site(ctx: typer.Context, id: SiteId, name: Named, json: Json = False) -> None:
    """Give a site another name."""
    _change(ctx, SITE, id, "rename", lambda store: store.rename_site(id, name), {"name": name}, json)


@works_remotely
def close_site(ctx: typer.Context, id: SiteId, reason: Reason, json: Json = False) -> None:
    """Close a site whose rooms are closed and whose terminals are revoked. What was kept of it stays."""
    _change(ctx, SITE, id, "close", lambda store: store.close_site(id), {"reason": reason}, json)


@works_remotely
def reopen_site(ctx: typer.Context, id: SiteId, reason: Reason, json: Json = False) -> None:
    """Open a closed site again. Its rooms stay closed until each of them is opened."""
    _change(ctx, SITE, id, "reopen", lambda store: store.reopen_site(id), {"reason": reason}, json)


@works_remotely
def rename_room(ctx: typer.Context, id: RoomId, name: Named, json: Json = False) -> None:
    """Give a room another name."""
    _change(ctx, ROOM, id, "rename", lambda store: store.rename_room(id, name), {"name": name}, json)


@works_remotely
def close_room(ctx: typer.Context, id: RoomId, reason: Reason, json: Json = False) -> None:
    """Close a room whose terminal is revoked, and in which no visit is booked any more."""
    _change(ctx, ROOM, id, "close", lambda store: store.close_room(id), {"reason": reason}, json)


@works_remotely
def reopen_room(ctx: typer.Context, id: RoomId, reason: Reason, json: Json = False) -> None:
    """Open a closed room again. A terminal is enrolled there anew."""
    _change(ctx, ROOM, id, "reopen", lambda store: store.reopen_room(id), {"reason": reason}, json)


def add_to(sites: typer.Typer, rooms: typer.Typer) -> None:
    """Add the commands to those of sites and rooms."""
    sites.command("rename", epilog="Example: sites rename panlong --name 盘龙区司法局")(rename_site)
    sites.command("close", epilog="Example: sites close panlong --reason 机构撤并")(close_site)
    sites.command("reopen", epilog="Example: sites reopen panlong --reason 恢复设置")(reopen_site)
    rooms.command("rename", epilog="Example: rooms rename panlong-1 --name 视频会见一室")(rename_room)
    rooms.command("close", epilog="Example: rooms close panlong-1 --reason 装修")(close_room)
    rooms.command("reopen", epilog="Example: rooms reopen panlong-1 --reason 装修完成")(reopen_room)
