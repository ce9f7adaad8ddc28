"""Messages of the WebSocket that are not orders: page reports of supervisors, answers to attention checks, and what
terminals find in their rooms and report of themselves."""

from broker.kernel.errors import Forbidden
from broker.kernel.ids import SessionId
from broker.presence import presence
from broker.presence.sight import flaw
from broker.session import events as ev
from broker.session.parts.alerts import Observed as Findings
from broker.session.state import State
from signaling.api.messages.socket import Ack, Attentive, Observed, Presence, Report
from signaling.api.messages.terminals import TerminalReport
from signaling.auth.scope import Caller, Terminal
from signaling.server.context import Context
from signaling.views.presence import watcher_of


def take_report(context: Context, caller: Caller, report: Report) -> Ack | None:
    """Give a report to the broker; only the answer to an attention check is acknowledged.

    Raises Forbidden for a caller who may not report this, NotFound for a question that is not open or a session of
    other rooms, TooMany for a terminal whose findings or state change all the time.
    """
    if isinstance(report, Observed):
        _observed(context, caller, report)
        return None
    if isinstance(report, TerminalReport):
        _of_terminal(context, caller, report)
        return None
    watcher = watcher_of(caller)
    if watcher is None:
        raise Forbidden("Only supervisors are counted.", "仅管理员计入在岗人数。")
    if isinstance(report, Attentive):
        context.broker.answer(watcher, report.prompt)
        return Ack(re=report.id)
    context.broker.page_report(watcher, report.page, _page_report(report))
    return None


def _page_report(report: Presence) -> presence.Report:
    showing = frozenset((SessionId(shown.session), shown.side) for shown in report.showing)
    duty = frozenset(SessionId(session) for session in report.duty)
    found = {
        (SessionId(shown.session), shown.side): flaw(shown.width, shown.height, shown.seen) for shown in report.showing
    }
    flaws = {picture: wrong for picture, wrong in found.items() if wrong is not None}
    return presence.Report(report.visible, showing, duty, flaws)


def _of_terminal(context: Context, caller: Caller, report: TerminalReport) -> None:
    if not isinstance(caller, Terminal):
        raise Forbidden("Only a terminal reports its own state.", "仅终端可上报自身状态。")
    context.terminal_reports.take(caller.id, context.mono())
    context.fleet.reported(caller, report)


def _observed(context: Context, caller: Caller, report: Observed) -> None:
    """Tell the session what a terminal finds in its own picture and sound, where it is new. It is advisory: a terminal
    that lies can call supervisors, or fail to, and nothing else."""
    if not isinstance(caller, Terminal):
        raise Forbidden("Only a room's terminal says what its camera sees.", "仅会见室终端可上报本室画面情况。")
    session = context.seen(SessionId(report.session), caller).session
    side = session.slot.side_of_room(caller.room)
    findings = Findings(report.black, report.frozen, report.silent, report.heads)
    unchanged = session.alerts.observed.get(side) == findings
    if unchanged or side not in session.processes.media or session.state is State.ENDED:
        return
    context.findings.take(caller.id, context.mono())
    fact = ev.RoomObserved(side, report.black, report.frozen, report.silent, report.heads, caller.id)
    context.broker.tell(session.id, fact)
