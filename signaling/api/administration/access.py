"""The reach of administrators: those of the province administer every site, those of a site their own rooms, terminals
and users; auditors read. What another site has does not exist for them."""

from typing import Any

from broker.control.store.records import Room, Site
from broker.kernel.errors import Forbidden, NotFound
from signaling.auth.scope import Role, author, found, scope
from signaling.server.routes import Call

READERS = (Role.ADMIN, Role.AUDITOR)
WRITERS = (Role.ADMIN,)
REFUSED = "AdministrationRefused"
"""Journal kind of a refused change."""


def check_province(call: Call) -> None:
    """Check that the caller belongs to the province and to no site. Raises Forbidden."""
    if scope(call.user) is not None:
        raise Forbidden("An administrator of the province does this.", "此事项由省级系统管理员办理。")


def check_reach(call: Call, site: str | None) -> None:
    """Check that what belongs to `site` (None: to the province) exists for the caller. Raises NotFound."""
    if scope(call.user) not in (None, site):
        raise NotFound()


async def site_in(call: Call, id: str) -> Site:
    """Return a site that exists for the caller. Raises NotFound."""
    check_reach(call, id)
    return await found(call.context.store.site(id))


async def room_in_path(call: Call) -> Room:
    """Return the room in the path, which exists for the caller. Raises NotFound."""
    room = await found(call.context.store.room(call.id("room")))
    check_reach(call, room.site)
    return room


async def note(call: Call, kind: str, /, **data: Any) -> None:
    """Journal what the caller has changed, and return when the entry is on disk."""
    call.context.journal.note(kind, None, author(call.user), data)
    await call.context.journal.flush()
