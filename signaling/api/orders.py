"""What officers and terminals order, from the socket and from REST alike: who may, what it must contain, and the fact
that the broker is told. Whether the visit's state allows it is the broker's to say."""

from typing import assert_never

from broker.booking.packs import ground
from broker.kernel.errors import BadRequest, Forbidden, PolicyViolation
from broker.kernel.ids import PersonId, SessionId
from broker.session import events as ev
from broker.session.parts.check_in import required
from broker.session.state import Session
from config.checkin import Tick
from config.policy import Policy
from signaling.api import acting
from signaling.api import messages as msg
from signaling.auth.scope import Duty, Terminal, Who, check_sees, duty, own_duty
from signaling.server.ports import Broker
from signaling.views import alerts


def carry_out(broker: Broker, who: Who, order: msg.Order) -> None:
    """Tell the broker what was ordered.

    Raises NotFound or Forbidden for the wrong caller, PolicyViolation for an unknown article or an incomplete check,
    Conflict when the visit's state does not allow it.
    """
    live = broker.live(SessionId(order.session))
    check_sees(who, live.session.slot)
    broker.tell(live.session.id, fact_of(who, live.session, live.policy, order))


def fact_of(who: Who, session: Session, policy: Policy, order: msg.Order) -> ev.Fact:
    """The fact that an order means."""
    slot = session.slot
    match order:
        case msg.SelfTest():
            return _self_test(who, session, order)
        case msg.CheckIn():
            own = own_duty(who, slot, order.side)
            _check_complete(order, policy)
            return ev.PersonCheckedIn(order.side, PersonId(order.person), own.user, _named(order))
        case msg.TickPerson():
            own = own_duty(who, slot, order.side)
            _check_needed(session, order, policy)
            return ev.Ticked(order.side, PersonId(order.person), order.tick, order.on, own.user)
        case msg.Seat():
            return ev.SeatReady(order.side, order.ready, own_duty(who, slot, order.side).user)
        case msg.Absent():
            return ev.PersonAbsent(order.side, PersonId(order.person), own_duty(who, slot, order.side).user)
        case msg.Equipment():
            return ev.SelfTested(order.side, order.passed, own_duty(who, slot, order.side).user)
        case msg.Hold():
            return _hold(duty(who, slot), policy, order)
        case msg.Resume():
            return _resume(duty(who, slot), session, order)
        case msg.End():
            return _end(duty(who, slot), policy, order)
        case msg.Warn() | msg.Acknowledge() | msg.Mute() | msg.Remark():
            return acting.fact_of(who, session, policy, order)
        case msg.Speak():
            own = duty(who, slot)
            return ev.SpeechBegan(own.user, own.site, frozenset(order.sides), order.article)
        case msg.Hush():
            return ev.SpeechEnded(duty(who, slot).user)
        case msg.TakeAlert() | msg.FinishAlert():
            return alerts.fact_of(who, session, order)
    assert_never(order)


def _self_test(who: Who, session: Session, order: msg.SelfTest) -> ev.Fact:
    if not isinstance(who, Terminal):
        raise Forbidden("A self-test is the terminal's; officers report equipment.", "自检只能由终端提交。")
    found = {part: getattr(order, part) for part in ("camera", "microphone", "speaker", "network")}
    parts = {part: "passed" if good else "failed" for part, good in found.items()}
    if order.speaker and not order.speaker_checked:
        parts["speaker"] = "not_checked"
    return ev.SelfTested(session.slot.side_of_room(who.room), all(found.values()), who.id, parts)


def _hold(own: Duty, policy: Policy, order: msg.Hold) -> ev.Fact:
    known = ground(policy, order.article)
    if not known.may_hold:
        raise PolicyViolation("This code holds no visit.", "该条款不适用于中止。", articles=[known.article])
    return ev.HoldOrdered(own.user, own.site, order.article, order.note)


def _resume(own: Duty, session: Session, order: msg.Resume) -> ev.Fact:
    """Under the article of the hold that it lifts."""
    article = session.hold.article if session.hold is not None else ""
    return ev.ResumeOrdered(own.user, own.site, order.note, article)


def _end(own: Duty, policy: Policy, order: msg.End) -> ev.Fact:
    known = ground(policy, order.article)
    if not (known.may_hold or known.must_end):
        raise PolicyViolation(
            "This code only reminds; it ends nothing.", "该代码仅用于提醒，不得据以终止会见。", articles=[known.article]
        )
    return ev.EndOrdered(own.user, own.site, order.article, order.note)


_CHECKS = {
    "yunnan": ["云南 第十一条", "云南 第十二条"],
    "guangdong": ["广东 第二十四条"],
}


def _check_complete(order: msg.CheckIn, policy: Policy) -> None:
    if order.identity and order.security and order.rules:
        return
    raise PolicyViolation(
        "Identity, security check and rules must all be ticked.",
        "身份核验、安全检查、告知规定须全部完成。",
        articles=_CHECKS.get(policy.law, []),
    )


def _named(order: msg.CheckIn) -> tuple[Tick, ...]:
    return tuple(tick for tick in Tick if getattr(order, tick))


def _check_needed(session: Session, order: msg.TickPerson, policy: Policy) -> None:
    """A check that the rules do not ask of this person is not noted. Whether they are listed is the broker's to say."""
    person = next((one for one in session.slot.people_of(order.side) if one.id == order.person), None)
    if person is not None and order.tick not in required(person, policy.check_in):
        raise BadRequest("This person does not need this check.", "该人员不需要此项核验。", tick=str(order.tick))
