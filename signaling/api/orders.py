"""The table of orders: one row for each class of `messages/orders.py`. A row says which role may send the order, what
it is called, and which fact it means to the broker. `api/sessions.py` makes a REST address of each row,
`live/socket.py` takes the same orders as messages, and both end in `carry_out`. Whether the law and the state of the
visit allow an order is decided by the core."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from broker.control.session_runner import SessionRunner
from broker.kernel.errors import Forbidden, NotFound
from broker.kernel.ids import AlertId, ApprovalId, PersonId, SessionId, Side, WarningId, new_id
from broker.session import events as ev
from broker.session.parts import equipment
from broker.session.repeats import says_nothing_new
from config.articles.notices import CannedWarning
from config.check_in import Tick
from config.policy import Policy
from signaling.api.messages import orders
from signaling.api.messages.orders import Order
from signaling.auth.scope import Caller, Role, Terminal, User, author, duty, own_duty, role_of
from signaling.auth.seen_session import seen_session
from signaling.server.context import Context

Body = TypeVar("Body", bound=Order)
REFUSED = "OrderRefused"
"""Journal kind of a refused order, by REST and by WebSocket."""


@dataclass(frozen=True, slots=True)
class Row(Generic[Body]):
    """One order of the table. `fact` translates it; `by_rest` is false for orders that need the sender's socket.
    `urgent`: it stops something, and waits for no limit on how often its sender may change something.
    `forbidden`, in English and Chinese, tells other roles on the WebSocket why they may not send it."""

    order: type[Body]
    role: Role
    zh: str
    en: str
    fact: Callable[[Caller, SessionRunner, Body], ev.Fact]
    by_rest: bool = True
    urgent: bool = False
    forbidden: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """The order's name in WebSocket messages and, with hyphens, in its REST address."""
        return self.order.order_type


def carry_out(context: Context, caller: Caller, session: str, order: Order, id: str | None = None) -> None:
    """Tell the broker what was ordered. An order that says nothing new is accepted, and nothing follows from it; nor
    from one that was carried out before under the same `id`.

    Raises NotFound or Forbidden for the wrong caller, PolicyViolation for what the rules refuse, Conflict when the
    visit's state does not allow it, TooMany for an author who changes things all the time.
    """
    live = seen_session(context.broker, SessionId(session), caller)
    row = row_of(order)
    if role_of(caller) is not row.role:
        raise Forbidden(*row.forbidden)
    if id is not None and context.order_ids.repeats(author(caller), id, session, order):
        return
    _tell(context, caller, live, row, order)
    if id is not None:
        context.order_ids.remember(author(caller), id, session, order)


def _tell(context: Context, caller: Caller, live: SessionRunner, row: "Row[Any]", order: Order) -> None:
    fact = row.fact(caller, live, order)
    if says_nothing_new(live.session, fact, context.now(), live.policy):
        return
    if not row.urgent:
        changes = context.terminal_changes if isinstance(caller, Terminal) else context.changes
        changes.take(author(caller), context.mono())
    context.broker.tell(live.session.id, fact)


def row_of(order: Order) -> Row[Any]:
    """The row of an order, or of the WebSocket message of an order."""
    return next(row for row in ROWS if isinstance(order, row.order))


# ---- check-in ------------------------------------------------------------------------------------------------------


def _self_test(caller: Caller, live: SessionRunner, order: orders.SelfTest) -> ev.Fact:
    figures = order.figures.model_dump(exclude_none=True)
    found = equipment.verdicts(figures, live.policy.equipment)
    terminal, side = _terminal(caller, live)
    return ev.SelfTested(side, equipment.passes(found), terminal, found, figures, test=order.test or "")


def _check_in(caller: Caller, live: SessionRunner, order: orders.CheckIn) -> ev.Fact:
    own = own_duty(caller, live.session.slot, order.side)
    ticks = tuple(tick for tick in Tick if getattr(order, tick))
    return ev.PersonCheckedIn(order.side, PersonId(order.person), own.user, ticks)


def _tick(caller: Caller, live: SessionRunner, order: orders.TickPerson) -> ev.Fact:
    own = own_duty(caller, live.session.slot, order.side)
    return ev.Ticked(order.side, PersonId(order.person), order.tick, order.on, own.user)


def _seat(caller: Caller, live: SessionRunner, order: orders.Seat) -> ev.Fact:
    own = own_duty(caller, live.session.slot, order.side)
    return ev.SeatReady(order.side, order.ready, own.user)


def _absent(caller: Caller, live: SessionRunner, order: orders.Absent) -> ev.Fact:
    own = own_duty(caller, live.session.slot, order.side)
    return ev.PersonAbsent(order.side, PersonId(order.person), own.user)


def _acknowledge_rules(caller: Caller, live: SessionRunner, order: orders.AcknowledgeRules) -> ev.Fact:
    terminal, side = _terminal(caller, live)
    return ev.RulesAcknowledged(side, terminal, live.policy.rules_text.id, order.language, order.manner)


def _equipment(caller: Caller, live: SessionRunner, order: orders.Equipment) -> ev.Fact:
    own = own_duty(caller, live.session.slot, order.side)
    return ev.SelfTested(order.side, order.passed, own.user, reason=order.reason.strip())


def _override_drill(caller: Caller, live: SessionRunner, order: orders.OverrideDrill) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.DrillOverridden(own.user, own.site, order.reason.strip())


# ---- holding and ending --------------------------------------------------------------------------------------------


def _hold(caller: Caller, live: SessionRunner, order: orders.Hold) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.HoldOrdered(own.user, own.site, order.article, order.note, _shown(live.policy, order))


def _shown(policy: Policy, order: orders.Hold) -> ev.Shown | None:
    """The words that go with a hold, None where it has none."""
    if order.text_id is None:
        return None
    canned = _canned(policy, order.text_id)
    sides = tuple(side for side in Side if order.sides is None or side in order.sides)
    return ev.Shown(WarningId(new_id("wrn")), sides, canned.zh, canned.en)


def _resume(caller: Caller, live: SessionRunner, order: orders.Resume) -> ev.Fact:
    """The fact stands under the article of the hold that it lifts."""
    own, hold = duty(caller, live.session.slot), live.session.hold
    return ev.ResumeOrdered(own.user, own.site, order.note, hold.article if hold is not None else "")


def _end(caller: Caller, live: SessionRunner, order: orders.End) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.EndOrdered(own.user, own.site, order.article, order.note)


def _finished(caller: Caller, live: SessionRunner, order: orders.Finished) -> ev.Fact:
    terminal, side = _terminal(caller, live)
    return ev.RoomFinished(side, terminal) if order.on else ev.FarewellWithdrawn(side, terminal)


def _go_on(caller: Caller, live: SessionRunner, order: orders.GoOn) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.FarewellWithdrawn(own.side, own.user, own.site)


# ---- interventions that leave the gate open ------------------------------------------------------------------------


def _warn(caller: Caller, live: SessionRunner, order: orders.Warn) -> ev.Fact:
    own = duty(caller, live.session.slot)
    zh = en = (order.text or "").strip()
    if order.text_id is not None:
        canned = _canned(live.policy, order.text_id)
        zh, en = canned.zh, canned.en
    sides = tuple(side for side in Side if side in order.sides)
    return ev.WarningGiven(WarningId(new_id("wrn")), own.user, own.site, sides, order.article, zh, en)


def _canned(policy: Policy, text_id: str) -> CannedWarning:
    canned = policy.canned(text_id)
    if canned is None:
        raise NotFound("There is no such text in these rules.", "适用规定中没有该劝阻用语。")
    return canned


def _acknowledge(caller: Caller, live: SessionRunner, order: orders.Acknowledge) -> ev.Fact:
    terminal, side = _terminal(caller, live)
    return ev.WarningAcknowledged(side, WarningId(order.warning), terminal)


def _mute(caller: Caller, live: SessionRunner, order: orders.Mute) -> ev.Fact:
    """A mute is lifted under the article under which it was ordered."""
    own, muted = duty(caller, live.session.slot), live.session.interventions.muted.get(order.side)
    lifted = muted.article if muted is not None else ""
    article = (order.article or "") if order.on else lifted
    return ev.MuteOrdered(own.user, own.site, order.side, order.on, article, order.note)


def _remark(caller: Caller, live: SessionRunner, order: orders.Remark) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.NoteMade(own.user, own.site, order.text.strip())


def _speak(caller: Caller, live: SessionRunner, order: orders.Speak) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.SpeechBegan(own.user, own.site, frozenset(order.sides), order.article)


def _hush(caller: Caller, live: SessionRunner, order: orders.Hush) -> ev.Fact:
    return ev.SpeechEnded(duty(caller, live.session.slot).user)


# ---- longer visits ---------------------------------------------------------------------------------------------------


def _request_extension(caller: Caller, live: SessionRunner, order: orders.RequestExtension) -> ev.Fact:
    own, added = duty(caller, live.session.slot), timedelta(seconds=order.seconds)
    reason = order.reason.strip()
    return ev.ExtensionRequested(ApprovalId(order.request), own.user, own.site, added, order.article, reason)


def _decline_extension(caller: Caller, live: SessionRunner, order: orders.DeclineExtension) -> ev.Fact:
    assert isinstance(caller, User)  # the row admits no other role
    if caller.site is None:
        raise Forbidden()
    role, reason = str(caller.role), order.reason.strip()
    return ev.ExtensionDeclined(ApprovalId(order.request), caller.id, caller.site, role, reason)


# ---- alerts --------------------------------------------------------------------------------------------------------


def _take_alert(caller: Caller, live: SessionRunner, order: orders.TakeAlert) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.AlertTaken(AlertId(order.alert), own.user, own.site)


def _finish_alert(caller: Caller, live: SessionRunner, order: orders.FinishAlert) -> ev.Fact:
    own = duty(caller, live.session.slot)
    return ev.AlertFinished(AlertId(order.alert), own.user, own.site)


def _terminal(caller: Caller, live: SessionRunner) -> tuple[str, Side]:
    """The terminal that sends an order, and its side."""
    assert isinstance(caller, Terminal)  # the row admits no other role
    return caller.id, live.session.slot.side_of_room(caller.room)


S, T = Role.SUPERVISOR, Role.TERMINAL
NOT_A_TERMINAL = ("A self-test is the terminal's; officers report equipment.", "自检只能由终端提交。")
NOT_A_ROOM = (
    "A room says so itself; an officer's word is the end under END-COMPLETED.",
    "管理员请以会见完毕代码终止。",
)
NOT_FOR_THE_ROOM = (
    "The rules are acknowledged by the people in the room, at its terminal.",
    "须知由会见室内的人员在终端上自行确认。",
)
NOT_THE_ROOM = ("A warning is acknowledged in its room.", "劝阻只能由会见室终端确认。")
ROWS: tuple[Row[Any], ...] = (
    Row(orders.CheckIn, S, "人员核验入场", "A listed person is here", _check_in),
    Row(orders.TickPerson, S, "逐项核验", "One check of a listed person", _tick),
    Row(orders.Seat, S, "登记席位就绪", "The seat of a room is ready", _seat),
    Row(orders.Absent, S, "登记缺席", "A listed person will not come", _absent),
    Row(orders.Equipment, S, "登记设备检查", "Staff checked their room's equipment", _equipment),
    Row(
        orders.AcknowledgeRules,
        T,
        "确认须知",
        "A room has acknowledged the rules",
        _acknowledge_rules,
        forbidden=NOT_FOR_THE_ROOM,
    ),
    Row(orders.SelfTest, T, "终端自检结果", "A terminal's self-test", _self_test, forbidden=NOT_A_TERMINAL),
    Row(orders.OverrideDrill, S, "演练未通过仍开始会见", "Begin after a failed drill", _override_drill),
    Row(orders.Hold, S, "中止会见", "Hold", _hold, urgent=True),
    Row(orders.Resume, S, "恢复会见", "Resume", _resume),
    Row(orders.Speak, S, "插话", "Speak to the rooms", _speak, by_rest=False),
    Row(orders.Hush, S, "停止插话", "Stop speaking to the rooms", _hush, urgent=True),
    Row(orders.End, S, "终止会见", "End", _end, urgent=True),
    Row(orders.Finished, T, "会见完毕", "A room has finished", _finished, forbidden=NOT_A_ROOM),
    Row(orders.GoOn, S, "撤回会见完毕", "Take back that a side has finished", _go_on),
    Row(orders.Warn, S, "劝阻", "Warn", _warn),
    Row(orders.Acknowledge, T, "确认劝阻", "Acknowledge a warning", _acknowledge, forbidden=NOT_THE_ROOM),
    Row(orders.Mute, S, "静音与解除静音", "Mute a side", _mute, urgent=True),
    Row(orders.Remark, S, "会见记录", "Make a note", _remark),
    Row(orders.RequestExtension, S, "申请延长会见时间", "Ask for a longer visit", _request_extension),
    Row(orders.DeclineExtension, Role.APPROVER, "不予延长会见时间", "Decline a longer visit", _decline_extension),
    Row(orders.TakeAlert, S, "处理提醒", "See to an alert", _take_alert),
    Row(orders.FinishAlert, S, "完成提醒", "An alert is done", _finish_alert),
)
