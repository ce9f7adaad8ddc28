"""What officers and terminals order, from the socket and from REST alike: who may, what it must contain, and the fact
that the broker is told. Whether the visit's state allows it is the broker's to say."""

from typing import assert_never

from broker import events as ev
from broker.errors import Forbidden, PolicyViolation
from broker.ids import PersonId, SessionId
from broker.session import Session
from config.policy import Intervention, Policy
from signaling import messages as msg
from signaling.auth import Duty, Terminal, Who, check_sees, duty, own_duty
from signaling.ports import Broker


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
            return ev.PersonCheckedIn(order.side, PersonId(order.person), own.user)
        case msg.Absent():
            return ev.PersonAbsent(order.side, PersonId(order.person), own_duty(who, slot, order.side).user)
        case msg.Equipment():
            return ev.SelfTested(order.side, order.passed, own_duty(who, slot, order.side).user)
        case msg.Hold():
            return _hold(duty(who, slot), policy, order)
        case msg.Resume():
            return _resume(duty(who, slot), session, policy, order)
        case msg.End():
            own = duty(who, slot)
            _ground(policy, order.article)
            return ev.EndOrdered(own.user, own.site, order.article, order.note)
    assert_never(order)


def _self_test(who: Who, session: Session, order: msg.SelfTest) -> ev.Fact:
    if not isinstance(who, Terminal):
        raise Forbidden("A self-test is the terminal's; officers report equipment.", "自检只能由终端提交。")
    passed = order.camera and order.microphone and order.speaker and order.network
    return ev.SelfTested(session.slot.side_of_room(who.room), passed, who.id)


def _hold(own: Duty, policy: Policy, order: msg.Hold) -> ev.Fact:
    ground = _ground(policy, order.article)
    if not ground.may_hold:
        raise PolicyViolation(
            "This code ends a visit; it cannot hold one.", "该条款不适用于中止。", articles=[ground.article]
        )
    return ev.HoldOrdered(own.user, own.site, order.article, order.note)


def _resume(own: Duty, session: Session, policy: Policy, order: msg.Resume) -> ev.Fact:
    """A visit that was held on a ground which demands its end is not resumed (Yunnan 17, Guangdong 29)."""
    held = policy.intervention(session.hold.article) if session.hold is not None else None
    if held is not None and held.must_end:
        raise PolicyViolation(
            "This ground ends the visit; end it under its article.",
            "该条款应当终止会见，不得恢复。",
            articles=[held.article],
        )
    return ev.ResumeOrdered(own.user, own.site, order.note)


def _ground(policy: Policy, code: str) -> Intervention:
    """The ground of that code. Raises PolicyViolation: nobody steps in without an article (Guangdong 31(2))."""
    known = policy.intervention(code)
    if known is None:
        raise PolicyViolation(
            f"The rules of {policy.name} have no such code.", "该条款代码不在适用规定中。", articles=[code]
        )
    return known


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
