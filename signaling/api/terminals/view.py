"""One terminal as officers see it: what it reports, the verdicts on its last test by the rules of its site, its next
visit, and what is wrong with it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from broker.booking.slot import Slot
from broker.control.store.devices.reports import WaitingOrder
from broker.control.store.records import Terminal, TerminalState
from broker.session.parts.equipment import passes, verdicts
from broker.session.state import Session, State
from config.articles.equipment import EquipmentRules
from signaling.api.messages.orders import Figures
from signaling.api.messages.session_view import Words
from signaling.api.messages.terminals import (
    DeviceView,
    Duty,
    LineView,
    NextVisitView,
    TerminalReport,
    TerminalView,
    TestView,
    WaitingOrderView,
)
from signaling.live.fleet import Seen
from signaling.views.check_in import check_views
from signaling.views.texts import Text

MEETING = frozenset({State.READY, State.LIVE, State.HELD})
"""States of a session in which people wait in the room for each other, or meet: no restart then."""
UNTESTED = timedelta(days=1)
"""A terminal whose last test is older has not been tested today."""
TROUBLES = {
    "conflicted": Text(
        "密钥在两处使用，已停用，待系统管理员处理", "Its key is used in two places: refused until decided"
    ),
    "offline": Text("未连接", "Not connected"),
    "no_key": Text("仍用旧令牌，请换密钥", "It has a former token: give it a key"),
    "page": Text("终端页面无响应", "Its page does not answer"),
    "test": Text("设备检测未通过", "The equipment test has failed"),
    "untested": Text("一天内未检测设备", "Not tested for a day"),
    "replaced": Text("已由备用终端代替", "A spare stands in for it"),
}
"""What can be wrong with a terminal, the worst first."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a view is made from: the record, what was seen, the orders that wait, the sessions of its room, the rules of
    its site, and names. `room_name` is "" for no room."""

    terminal: Terminal
    seen: Seen
    waiting: Sequence[WaitingOrder]
    sessions: Sequence[Session]
    rules: EquipmentRules
    site_name: str
    room_name: str
    now: datetime


def terminal_view(facts: Facts) -> TerminalView:
    """Return a terminal with all that is known of it."""
    terminal, seen, report = facts.terminal, facts.seen, facts.seen.report
    test = None if report is None else _test(report, facts.rules)
    figures = report.test.figures if report is not None and report.test is not None else None
    return TerminalView(
        id=terminal.id,
        site=terminal.site,
        site_name=facts.site_name,
        room=terminal.room or None,
        room_name=facts.room_name or None,
        home=terminal.home,
        duty=duty(terminal),
        state=cast(Literal["active", "token", "conflicted"], terminal.state.value),
        connected=seen.connected,
        last_seen=seen.at,
        reported_at=seen.reported_at,
        version=report.version if report else None,
        shows=report.shows if report else None,
        page_alive=report.page_alive if report else None,
        started_at=report.started_at if report else None,
        temperature=report.temperature if report else None,
        disk=report.disk if report else None,
        clock=figures.clock if figures else None,
        devices=[] if report is None else _devices(report),
        test=test,
        line=None if figures is None else _line(figures),
        waiting=[_waiting(order) for order in facts.waiting],
        in_visit=any(session.state in MEETING for session in facts.sessions),
        next_visit=_next(facts.sessions),
        troubles=[_words(code) for code in TROUBLES if code in set(_troubles(facts, test))],
    )


def weight(view: TerminalView) -> tuple[int, str, str]:
    """Return the place of a terminal in the list: by its worst trouble, then by site and room."""
    codes = list(TROUBLES)
    worst = min((codes.index(trouble.code) for trouble in view.troubles), default=len(codes))
    return worst, view.site, view.room or view.home or "~"


def duty(terminal: Terminal) -> Duty:
    """Return for which room a terminal acts, if for any."""
    if terminal.room:
        return "own_room" if terminal.room == terminal.home else "stand_in"
    return "spare" if terminal.home is None else "replaced"


def of_room(sessions: Sequence[Session], room: str) -> list[Session]:
    """Return the sessions of a room that are not over, the earliest first."""
    mine = [each for each in sessions if each.state is not State.ENDED and room and room in _rooms(each.slot)]
    return sorted(mine, key=lambda session: session.slot.starts_at)


def _rooms(slot: Slot) -> tuple[str, str]:
    return slot.prison.room, slot.visitor.room


def _test(report: TerminalReport, rules: EquipmentRules) -> TestView | None:
    if report.test is None:
        return None
    figures = report.test.figures.model_dump(exclude_none=True)
    found = verdicts(figures, rules)
    checks = check_views({check: verdict.value for check, verdict in found.items()}, figures)
    return TestView(at=report.test.at, passed=passes(found), faults=list(report.test.faults), checks=checks)


def _devices(report: TerminalReport) -> list[DeviceView]:
    return [DeviceView(kind=each.kind, name=each.name, works=each.works) for each in report.devices]


def _line(figures: Figures) -> LineView:
    return LineView.model_validate(figures.model_dump(include=set(LineView.model_fields)))


def _troubles(facts: Facts, test: TestView | None) -> Iterator[str]:
    terminal, seen = facts.terminal, facts.seen
    if terminal.state is TerminalState.CONFLICTED:
        yield "conflicted"
    if terminal.state is TerminalState.TOKEN:
        yield "no_key"
    if not seen.connected:
        yield "offline"
    elif seen.report is not None and seen.report.page_alive is False:
        yield "page"
    if test is not None and not test.passed:
        yield "test"
    if seen.connected and (test is None or facts.now - test.at > UNTESTED):
        yield "untested"
    if duty(terminal) == "replaced":
        yield "replaced"


def _next(sessions: Sequence[Session]) -> NextVisitView | None:
    if not sessions:
        return None
    session = sessions[0]
    return NextVisitView(session=session.id, state=session.state.value, starts_at=session.slot.starts_at)


def _waiting(order: WaitingOrder) -> WaitingOrderView:
    return WaitingOrderView.model_validate(
        {"id": order.id, "order": order.order, "created_at": order.created_at, "expires_at": order.expires_at}
    )


def _words(code: str) -> Words:
    return Words(code=code, zh=TROUBLES[code].zh, en=TROUBLES[code].en)
