"""Visiting rooms over HTTP, each with the terminal that acts for it: an administrator adds, renames, closes and opens
those of the own site."""

from broker.control.store.records import Room, TerminalState
from broker.kernel.errors import Conflict, NotFound
from signaling.api.administration.access import READERS, REFUSED, WRITERS, check_reach, note, room_in_path
from signaling.api.administration.messages import Because, NewName, OfSite, RoomForm, RoomList, RoomView
from signaling.auth.scope import scope
from signaling.server.routes import Call, Table

table = Table("rooms")
ROOMS = "/api/v1/rooms"
ROOM = f"{ROOMS}/{{room}}"


@table.add("GET", ROOMS, roles=READERS, zh="会见室一览", en="All rooms")
async def get_rooms(call: Call, query: OfSite) -> RoomList:
    """The rooms that the caller may know of, or those of one site."""
    own = scope(call.user)
    if own is not None and query.site not in (None, own):
        return RoomList(rooms=[])
    return RoomList(rooms=await _views(call, await call.context.store.rooms(query.site or own)))


@table.add(
    "POST",
    ROOMS,
    roles=WRITERS,
    zh="增设会见室",
    en="Add a room",
    status=201,
    problems=(Conflict, NotFound),
    refused=REFUSED,
)
async def add_room(call: Call, body: RoomForm) -> RoomView:
    """A visiting room of a prison, a bureau or an office."""
    check_reach(call, body.site)
    room = await call.context.store.add_room(body.id, body.site, body.name)
    await note(call, "RoomAdded", room=room.id, site=room.site)
    return await _view(call, room.id)


@table.add("POST", f"{ROOM}/rename", roles=WRITERS, zh="更改会见室名称", en="Rename a room", refused=REFUSED)
async def rename_room(call: Call, body: NewName) -> RoomView:
    """The name on the door of the room; its id stays."""
    room = await room_in_path(call)
    await call.context.store.rename_room(room.id, body.name)
    call.context.names.forget()
    await note(call, "RoomRenamed", room=room.id, name=body.name)
    return await _view(call, room.id)


@table.add(
    "POST", f"{ROOM}/close", roles=WRITERS, zh="停用会见室", en="Close a room", problems=(Conflict,), refused=REFUSED
)
async def close_room(call: Call, body: Because) -> RoomView:
    """Its terminal is revoked, and visits that are booked there are moved or cancelled, before."""
    room = await room_in_path(call)
    await call.context.store.close_room(room.id)
    await note(call, "RoomClosed", room=room.id, reason=body.reason)
    return await _view(call, room.id)


@table.add(
    "POST",
    f"{ROOM}/reopen",
    roles=WRITERS,
    zh="恢复会见室",
    en="Open a room again",
    problems=(Conflict,),
    refused=REFUSED,
)
async def reopen_room(call: Call, body: Because) -> RoomView:
    """A terminal is enrolled there anew."""
    room = await room_in_path(call)
    await call.context.store.reopen_room(room.id)
    await note(call, "RoomReopened", room=room.id, reason=body.reason)
    return await _view(call, room.id)


async def _view(call: Call, id: str) -> RoomView:
    return (await _views(call, [await call.context.store.room(id)]))[0]


async def _views(call: Call, rooms: list[Room]) -> list[RoomView]:
    store = call.context.store
    codes = await store.open_codes()
    acting = {each.room: each for each in await store.terminals() if each.state is not TerminalState.REVOKED}
    return [
        RoomView(
            id=room.id,
            site=room.site,
            name=room.name,
            closed_at=room.closed_at,
            terminal=acting[room.id].id if room.id in acting else None,
            terminal_state=acting[room.id].state.value if room.id in acting else None,  # type: ignore[arg-type]
            code_until=codes.get(room.id),
        )
        for room in rooms
    ]
