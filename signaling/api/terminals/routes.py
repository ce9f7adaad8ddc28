"""The addresses of the fleet. Officers see the terminals of their site, those of the province all of them; the site's
administrators and approvers have one tested or restarted, and an approver's word alone moves a room to a spare."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from broker.control.store.devices.spares import Change
from broker.control.store.records import Terminal, TerminalState
from broker.kernel.errors import Conflict, CredentialTooNew, NotFound
from broker.session import events as ev
from broker.session.state import Session
from signaling.api.messages.terminals import Assignment, RoomReason, TerminalList, TerminalQuery, TerminalView
from signaling.api.terminals.view import MEETING, Facts, of_room, terminal_view, weight
from signaling.auth.scope import OFFICERS, Role, User, author, scope
from signaling.auth.second_officer import check_permit
from signaling.auth.session_expiry import end_terminals
from signaling.budgets.allowance import LIST
from signaling.live.fleet import Seen
from signaling.server.context import Context
from signaling.server.routes import Call, Table

table = Table("fleet")
TERMINALS = "/api/v1/terminals"
TERMINAL = f"{TERMINALS}/{{terminal}}"
READS = OFFICERS | {Role.OBSERVER}
ORDERS = (Role.APPROVER, Role.ADMIN)
REFUSED = "TerminalOrderRefused"
"""Journal kind of an order that was refused."""
ORDERED, ASSIGNED, RELEASED, READMITTED = (
    "TerminalOrdered",
    "TerminalAssigned",
    "TerminalReleased",
    "TerminalReadmitted",
)
ORDER_LIFE = timedelta(hours=12)
"""An order waits so long for a terminal that is off line: one of yesterday would come as a surprise."""


@table.add("GET", TERMINALS, cost=LIST, roles=READS, zh="终端一览", en="All terminals")
async def get_terminals(call: Call, query: TerminalQuery) -> TerminalList:
    """The terminals in use that the caller may see, those in trouble first."""
    site = _scope(call)
    if query.site is not None and site not in (None, query.site):
        return TerminalList(server_time=call.context.now().wall, terminals=[])
    views = await in_use(call.context, query.site or site)
    return TerminalList(server_time=call.context.now().wall, terminals=sorted(views, key=weight))


@table.add("GET", TERMINAL, roles=READS, zh="终端详情", en="One terminal")
async def get_terminal(call: Call) -> TerminalView:
    """One terminal with all that is known of it."""
    return await _view(call, await _found(call))


@table.add(
    "POST",
    f"{TERMINAL}/test",
    roles=ORDERS,
    zh="要求终端检测设备",
    en="Have a terminal test its equipment",
    problems=(Conflict,),
    refused=REFUSED,
)
async def test(call: Call) -> TerminalView:
    """The terminal tests as soon as it is connected and no people meet in its room."""
    return await _order(call, await _found(call), "test")


@table.add(
    "POST",
    f"{TERMINAL}/restart",
    roles=ORDERS,
    zh="重新启动终端程序",
    en="Restart a terminal's program",
    problems=(Conflict,),
    refused=REFUSED,
)
async def restart(call: Call) -> TerminalView:
    """The program ends in order and is started again. Refused while people meet in its room, or are about to."""
    terminal = await _found(call)
    if any(session.state in MEETING for session in _sessions(call.context, terminal)):
        raise Conflict(
            "The room is in a visit: restart its terminal when the visit is over.",
            "该会见室正在会见，请在会见结束后重新启动。",
        )
    return await _order(call, terminal, "restart")


@table.add(
    "POST",
    f"{TERMINAL}/assign",
    roles=(Role.APPROVER,),
    zh="由备用终端接替会见室",
    en="Let a spare terminal act for a room",
    problems=(Conflict, CredentialTooNew),
    refused=REFUSED,
)
async def assign(call: Call, body: Assignment) -> TerminalView:
    """A terminal without a room takes over a room of its site from the next moment; the one that acted for it is out of
    service until the spare is released. A visit that has begun goes on with the new one."""
    terminal = await _found(call)
    await check_permit(call.context, call.user.id)
    change = await call.context.store.assign_terminal(terminal.id, body.room)
    return await _changed(call, ASSIGNED, terminal.id, change, body.reason)


@table.add(
    "POST",
    f"{TERMINAL}/release",
    roles=(Role.APPROVER,),
    zh="备用终端退出，原终端恢复",
    en="Release a spare from its room",
    problems=(Conflict, CredentialTooNew),
    refused=REFUSED,
)
async def release(call: Call, body: RoomReason) -> TerminalView:
    """The spare leaves the room, and the room's own terminal acts for it again."""
    terminal = await _found(call)
    await check_permit(call.context, call.user.id)
    change = await call.context.store.release_terminal(terminal.id)
    return await _changed(call, RELEASED, terminal.id, change, body.reason)


@table.add(
    "POST",
    f"{TERMINAL}/readmit",
    roles=(Role.ADMIN,),
    zh="处理终端身份冲突",
    en="Readmit a terminal whose key was used in two places",
    problems=(Conflict, CredentialTooNew),
    refused=REFUSED,
)
async def readmit(call: Call, body: RoomReason) -> TerminalView:
    """Only after the other place was found and its key destroyed; in doubt enrol the terminal anew."""
    terminal = await _found(call)
    await check_permit(call.context, call.user.id)
    if terminal.state is not TerminalState.CONFLICTED:
        raise Conflict("This terminal is not refused.", "该终端没有待处理的身份冲突。")
    await call.context.store.readmit_terminal(terminal.id)
    data = {"terminal": terminal.id, "room": terminal.room, "reason": body.reason.strip()}
    call.context.journal.note(READMITTED, None, author(call.user), data)
    return await _view(call, await _found(call))


# ---- what the orders share -----------------------------------------------------------------------------------------


def _scope(call: Call) -> str | None:
    """Return the only site that the caller may know of; None for the whole province. Raises Forbidden."""
    return scope(call.caller) if isinstance(call.caller, User) else None


async def _found(call: Call) -> Terminal:
    """Return the terminal in the path, where the caller may know of it. Raises NotFound."""
    terminal = await call.context.store.terminal(call.id("terminal"))
    if terminal is None or terminal.state is TerminalState.REVOKED or _scope(call) not in (None, terminal.site):
        raise NotFound()
    return terminal


async def _order(call: Call, terminal: Terminal, order: Literal["test", "restart"]) -> TerminalView:
    if terminal.state is not TerminalState.ACTIVE:
        raise Conflict(
            "This terminal is refused, or has no key yet: an administrator has to decide first.",
            "该终端已停用或尚无密钥，请先由系统管理员处理。",
        )
    context, by = call.context, author(call.user)
    made = await context.store.add_terminal_order(terminal.id, order, by, ORDER_LIFE)
    data = {"id": made.id, "terminal": terminal.id, "room": terminal.room, "order": order}
    context.journal.note(ORDERED, None, by, data)
    context.fleet.deliver()
    return await _view(call, terminal)


async def _changed(call: Call, kind: str, terminal: str, change: Change, reason: str) -> TerminalView:
    """Write down that another terminal acts for a room, and have both programs connect anew."""
    context, by = call.context, author(call.user)
    data = {"room": change.room, "terminal": change.terminal, "former": change.former, "reason": reason.strip()}
    context.journal.note(kind, None, by, data)
    _tell_sessions(call, change, reason.strip())
    await end_terminals(context, {change.terminal, change.former} - {""})
    return await _view(call, await _found(call))


def _tell_sessions(call: Call, change: Change, reason: str) -> None:
    """Tell the sessions of the room that another terminal acts for it."""
    sessions = [live.session for live in call.context.broker.sessions()]
    for session in of_room(sessions, change.room):
        side, by = session.slot.side_of_room(change.room), call.user.id
        fact = ev.TerminalChanged(side, change.terminal, change.former, by, change.site, reason)
        call.context.broker.tell(session.id, fact)


async def in_use(context: Context, site: str | None) -> list[TerminalView]:
    """Return the terminals of a site, or of all, that are not revoked. Raises StorageUnavailable."""
    found = [each for each in await context.store.terminals() if each.state is not TerminalState.REVOKED]
    return await _views(context, [each for each in found if site in (None, each.site)])


async def _view(call: Call, terminal: Terminal) -> TerminalView:
    return (await _views(call.context, [terminal]))[0]


async def _views(context: Context, terminals: Iterable[Terminal]) -> list[TerminalView]:
    seen, waiting = await context.fleet.seen(), await context.store.waiting_orders()
    policies = {site.id: site.policy for site in await context.store.sites()}
    return [
        terminal_view(
            Facts(
                terminal=terminal,
                seen=seen.get(terminal.id, Seen()),
                waiting=[order for order in waiting if order.terminal == terminal.id],
                sessions=_sessions(context, terminal),
                rules=context.broker.rules_in_force(policies[terminal.site]).equipment,
                site_name=await context.names.site(terminal.site),
                room_name=await context.names.room(terminal.room) if terminal.room else "",
                now=context.now().wall,
            )
        )
        for terminal in terminals
    ]


def _sessions(context: Context, terminal: Terminal) -> list[Session]:
    return of_room([live.session for live in context.broker.sessions()], terminal.room)
