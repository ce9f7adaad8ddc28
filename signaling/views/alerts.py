"""Alerts (提醒) at the front door: what terminals find in their own rooms, the facts that officers' orders mean, and
what of alerts is shown. Rooms are shown nothing of them."""

from typing import TYPE_CHECKING

from broker.kernel.errors import Forbidden
from broker.kernel.ids import AlertId, SessionId, Side, UserId
from broker.session import events as ev
from broker.session.parts.alerts import GRAVE, Alert, Observed
from broker.session.state import Session, State
from signaling.api import messages as msg
from signaling.auth.scope import Terminal, Who, check_sees, duty
from signaling.views.names import Names
from signaling.views.texts import ALERTS, text_of

if TYPE_CHECKING:
    from signaling.server.context import Context

See = msg.TakeAlert | msg.FinishAlert


def fact_of(who: Who, session: Session, order: See) -> ev.Fact:
    """The fact that an order means. Raises NotFound or Forbidden: alerts are for the supervisors of the two sites."""
    own, alert = duty(who, session.slot), AlertId(order.alert)
    if isinstance(order, msg.TakeAlert):
        return ev.AlertTaken(alert, own.user, own.site)
    return ev.AlertFinished(alert, own.user, own.site)


def hear(house: "Context", who: Who, said: msg.Observed) -> None:
    """Take what a terminal finds in its own picture and sound; what says nothing new is nothing.

    It is advisory: a terminal that lies can call supervisors, or not, and nothing else. Raises Forbidden for everybody
    but terminals, NotFound for a session of other rooms, TooMany for one whose findings come and go all the time.
    """
    if not isinstance(who, Terminal):
        raise Forbidden("Only a room's terminal says what its camera sees.", "仅会见室终端可上报本室画面情况。")
    live = house.broker.live(SessionId(said.session))
    slot, known = live.session.slot, live.session.alerts.observed
    check_sees(who, slot)
    side = slot.side_of_room(who.room)
    seen = Observed(said.black, said.frozen, said.silent, said.heads)
    if known.get(side) == seen or side not in live.session.processes.media or live.session.state is State.ENDED:
        return
    house.findings.take(who.id, house.mono())
    fact = ev.RoomObserved(side, seen.black, seen.frozen, seen.silent, seen.heads, who.id)
    house.broker.tell(live.session.id, fact)


# ---- what is shown -------------------------------------------------------------------------------------------------


async def open_view(session: Session, names: Names, room: Side | None) -> list[msg.AlertView]:
    """The open ones in the order in which they came, for officers; a room (`room`) is shown none."""
    return [] if room is not None else [await _alert(one, names) for one in session.alerts.open]


async def record_view(session: Session, names: Names) -> list[msg.AlertView]:
    """All that are still kept, done ones too, in the order in which they came."""
    known = sorted((*session.alerts.open, *session.alerts.done), key=lambda one: (one.raised_at, one.id))
    return [await _alert(one, names) for one in known]


async def _alert(one: Alert, names: Names) -> msg.AlertView:
    text = text_of(ALERTS, _words(one))
    count, _, listed = one.detail.partition("/")
    return msg.AlertView(
        id=one.id,
        kind=one.kind.value,
        side=one.side,
        state=one.state.value,
        grave=one.kind in GRAVE,
        zh=text.zh.format(count=count, listed=listed),
        en=text.en.format(count=count, listed=listed),
        at=one.raised_at,
        taken_by=await _officer(one.taken_by, names),
        taken_at=one.taken_at,
        done_by=await _officer(one.done_by, names),
        done_at=one.done_at,
        why=one.why.value if one.why is not None else None,
    )


def _words(one: Alert) -> str:
    """Which words: those of the kind, or of its detail where that is a word."""
    return f"{one.kind}_{one.detail}" if one.detail.isalpha() else str(one.kind)


async def _officer(user: UserId | None, names: Names) -> msg.Officer | None:
    return msg.Officer(id=user, name=await names.user(user)) if user is not None else None
