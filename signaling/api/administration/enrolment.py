"""Terminals over HTTP as administrators handle them: codes by which they are enrolled, and their end. Orders to those
in use are in `signaling/api/terminals/routes.py`."""

from datetime import timedelta

from broker.control.store.devices.terminals import OpenedCode
from broker.control.store.records import Terminal
from broker.kernel.errors import Busy, Conflict, NotFound
from signaling.api.accounts.changes import show_password
from signaling.api.administration.access import READERS, REFUSED, WRITERS, check_reach, note, room_in_path, site_in
from signaling.api.administration.messages import (
    Because,
    EnrolmentCode,
    EnrolmentForm,
    OfSite,
    RegisteredTerminal,
    TerminalRegister,
)
from signaling.api.administration.rooms import ROOM
from signaling.api.administration.sites import SITE
from signaling.api.messages.accounts import Word
from signaling.auth.scope import author, scope
from signaling.server.routes import Call, Table

table = Table("enrolment")


@table.add("GET", "/api/v1/terminal-register", roles=READERS, zh="终端登记簿", en="All terminals ever enrolled")
async def get_register(call: Call, query: OfSite) -> TerminalRegister:
    """Every terminal that was ever enrolled, with the fingerprint of its key, also those that were revoked."""
    own = scope(call.user)
    found = await call.context.store.terminals()
    seen = [each for each in found if own in (None, each.site) and query.site in (None, each.site)]
    return TerminalRegister(terminals=[_registered(each) for each in seen])


@table.add(
    "POST",
    f"{ROOM}/enrolment",
    roles=WRITERS,
    zh="生成终端登记码",
    en="Make a code for a room's terminal",
    status=201,
    problems=(Conflict, Busy),
    refused=REFUSED,
)
async def open_enrolment(call: Call, body: EnrolmentForm) -> EnrolmentCode:
    """A code that is typed at the device which stands in the room; a code before it is worthless. A room that has a
    terminal keeps it until the code is used, where `replace` says so."""
    room = await room_in_path(call)
    await show_password(call, body.password)
    opened = await call.context.store.open_enrolment(room.id, _life(call), author(call.user), body.replace)
    await note(call, "EnrolmentOpened", room=room.id, replaces=body.replace, until=opened.expires_at)
    return _code(opened)


@table.add(
    "POST",
    f"{SITE}/spare-enrolment",
    roles=WRITERS,
    zh="生成备用终端登记码",
    en="Make a code for a spare terminal",
    status=201,
    problems=(Conflict, Busy),
    refused=REFUSED,
)
async def open_spare_enrolment(call: Call, body: Word) -> EnrolmentCode:
    """A spare of the site acts for no room before an approver says so."""
    site = await site_in(call, call.id("site"))
    await show_password(call, body.password)
    opened = await call.context.store.open_spare_enrolment(site.id, _life(call), author(call.user))
    await note(call, "EnrolmentOpened", site=site.id, replaces=False, until=opened.expires_at)
    return _code(opened)


@table.add(
    "POST",
    "/api/v1/terminals/{terminal}/revoke",
    roles=WRITERS,
    zh="注销终端",
    en="Revoke a terminal",
    refused=REFUSED,
)
async def revoke_terminal(call: Call, body: Because) -> RegisteredTerminal:
    """Revoke a terminal for good; what it sends or shows ends within a second. Its room is then free for another."""
    id, store = call.id("terminal"), call.context.store
    terminal = await store.terminal(id)
    if terminal is None or terminal.revoked_at is not None:
        raise NotFound()
    check_reach(call, terminal.site)
    await store.revoke_terminal(id)
    await note(call, "TerminalRevoked", terminal=id, reason=body.reason)
    revoked = await store.terminal(id)
    assert revoked is not None  # rows of terminals stay
    return _registered(revoked)


def _life(call: Call) -> timedelta:
    return timedelta(hours=call.context.settings.enrolment_code_hours)


def _code(opened: OpenedCode) -> EnrolmentCode:
    return EnrolmentCode(site=opened.site, room=opened.room or None, code=opened.code, expires_at=opened.expires_at)


def _registered(terminal: Terminal) -> RegisteredTerminal:
    return RegisteredTerminal(
        id=terminal.id,
        site=terminal.site,
        room=terminal.room or None,
        home=terminal.home,
        state=terminal.state.value,
        enrolled_at=terminal.enrolled_at,
        revoked_at=terminal.revoked_at,
        key_kind=terminal.key_kind,
        key_at=terminal.key_at,
        fingerprint=terminal.fingerprint,
        conflicted_at=terminal.conflicted_at,
    )
