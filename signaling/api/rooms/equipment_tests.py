"""The history of a room's equipment tests (Yunnan 12): its own terminal adds to it, and it is read by that terminal, by
officers of the room's site and by those of the province. Verdicts are the server's, by the limits of the rules."""

from datetime import timedelta

from broker.control.store.devices.equipment_tests import EquipmentTest
from broker.control.store.records import TerminalState
from broker.kernel.errors import Forbidden, NotFound
from broker.kernel.ids import SessionId
from broker.session.parts import equipment
from config.articles.equipment import Cause
from config.policy import Policy
from signaling.api.messages.equipment import (
    EquipmentTestList,
    EquipmentTestQuery,
    EquipmentTestReport,
    EquipmentTestTaken,
    EquipmentTestView,
    RetestOrder,
)
from signaling.api.messages.sign_in import Done
from signaling.auth.scope import OFFICERS, Role, Terminal, author, found, own_duty, scope
from signaling.budgets.allowance import LIST
from signaling.server.routes import Call, Table
from signaling.views.check_in import check_views

table = Table("rooms")
TESTS = "/api/v1/rooms/{room}/tests"
RETEST_LIFE = timedelta(minutes=10)
"""A test that an officer wants now is not made up for later."""
MONTH = timedelta(days=31)
KIND = "EquipmentTested"
"""Journal kind of a test that no session has an entry of."""


@table.add("GET", TESTS, cost=LIST, roles=OFFICERS | {Role.TERMINAL}, zh="会见室设备检查记录", en="Tests of a room")
async def get_tests(call: Call, query: EquipmentTestQuery) -> EquipmentTestList:
    """Tests of a room's equipment, the newest first."""
    room = await _readable(call)
    tests = await call.context.store.equipment_tests(room, query.since, query.limit)
    return EquipmentTestList(tests=[_view(test) for test in tests])


@table.add(
    "POST",
    TESTS,
    roles=(Role.TERMINAL,),
    zh="终端提交设备检查结果",
    en="A terminal's test of its room",
    status=201,
    refused="EquipmentTestRefused",
)
async def add_test(call: Call, body: EquipmentTestReport) -> EquipmentTestTaken:
    """Keep a test of the caller's room; sent again, it changes nothing."""
    terminal, context = call.caller, call.context
    assert isinstance(terminal, Terminal)  # the row admits no other role
    if call.id("room") != terminal.room:
        raise Forbidden("A terminal reports tests of its own room.", "终端只能提交本会见室的检查结果。")
    context.terminal_changes.take(author(terminal), context.mono())
    policy = await _rules(call, terminal, body.session)
    test = _test(call, terminal, body, policy)
    if await _repeats(call, test):
        return EquipmentTestTaken(test=_view(test), opening=policy.equipment.opening)
    keep_from = context.now().wall - MONTH * policy.equipment.history
    if await context.store.add_equipment_test(test, keep_from) and test.session is None:
        failed = [check for check, verdict in test.parts.items() if verdict == equipment.Verdict.FAILED]
        about = {"room": test.room, "test": test.id, "cause": str(test.cause), "passed": test.passed, "failed": failed}
        context.journal.note(KIND, None, author(terminal), about)
    return EquipmentTestTaken(test=_view(test), opening=policy.equipment.opening)


async def _repeats(call: Call, test: EquipmentTest) -> bool:
    newest = await call.context.store.equipment_tests(test.room, limit=1)
    return any(test.id != before.id and test.repeats(before) for before in newest)


@table.add(
    "POST",
    "/api/v1/sessions/{session}/retest",
    roles=(Role.SUPERVISOR,),
    zh="要求重新检测本方设备",
    en="Have one's own room tested again",
    problems=(NotFound,),
    refused="TerminalOrderRefused",
)
async def retest(call: Call, body: RetestOrder) -> Done:
    """The room's terminal tests as soon as it is connected and no people meet in its room."""
    context, slot = call.context, call.session().session.slot
    own_duty(call.caller, slot, body.side)
    context.changes.take(author(call.caller), context.mono())
    terminal = await _terminal_of(call, slot.place(body.side).room)
    made = await context.store.add_terminal_order(terminal, "test", author(call.caller), RETEST_LIFE)
    about = {"id": made.id, "terminal": terminal, "room": slot.place(body.side).room, "order": "test"}
    context.journal.note("TerminalOrdered", slot.session, author(call.caller), about)
    context.fleet.deliver()
    return Done()


async def _terminal_of(call: Call, room: str) -> str:
    """Return the terminal that acts for a room. Raises NotFound where none does."""
    for terminal in await call.context.store.terminals():
        if terminal.room == room and terminal.state is TerminalState.ACTIVE:
            return terminal.id
    raise NotFound("No terminal acts for this room.", "该会见室没有可用的终端。")


def _test(call: Call, terminal: Terminal, body: EquipmentTestReport, policy: Policy) -> EquipmentTest:
    figures = body.figures.model_dump(exclude_none=True)
    parts = equipment.verdicts(figures, policy.equipment)
    at = call.context.now().wall - timedelta(seconds=body.age)
    session = SessionId(body.session) if body.session is not None else None
    passed = equipment.passes(parts)
    return EquipmentTest(body.id, terminal.room, terminal.id, at, Cause(body.cause), session, passed, parts, figures)


async def _rules(call: Call, terminal: Terminal, session: str | None) -> Policy:
    """The rules of the visit that a test was made for, or those in force at the terminal's site. Raises NotFound for a
    visit of others."""
    if session is not None:
        return call.context.seen(SessionId(session), terminal).policy
    site = await call.context.store.site(terminal.site)
    return call.context.broker.rules_in_force(site.policy)


async def _readable(call: Call) -> str:
    """Return the id of the room in the path. Raises NotFound where it does not exist for the caller."""
    room = await found(call.context.store.room(call.id("room")))
    if isinstance(call.caller, Terminal):
        if call.caller.room != room.id:
            raise NotFound()
        return room.id
    if scope(call.user) not in (None, room.site):
        raise NotFound()
    return room.id


def _view(test: EquipmentTest) -> EquipmentTestView:
    return EquipmentTestView(
        id=test.id,
        terminal=test.terminal,
        at=test.at,
        cause=test.cause.value,
        session=test.session,
        passed=test.passed,
        figures=dict(test.figures),
        checks=check_views(test.parts, test.figures),
    )
