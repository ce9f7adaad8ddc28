"""How a session ends, by its cause: the decision tables of the ends that no single order makes. Pure; `moves` asks when
they are due.

| what happens | reason of the end | booked again first (Yunnan 18, Guangdong 36) |
|---|---|---|
| the hold lasts longer than its grace | by the cause that began the hold, see `hold_outlasted` | by that cause |
| the limit or the slot's end comes | time_limit or slot_end | if a fault began the hold that is on |
| both sides say that they have finished | completed | no |
| an officer orders the end | as the code says | under a code of a fault (YN-18, GD-36) |
| the visitors are not complete in time | no_show(visitor) | no |
| the prisoner is not brought in time | no_show(prison) | yes |
| the slot is over and the gate never opened | technical | yes |
| check-in was missed while the service was down | technical | yes |
| the machine was restarted under a visit, or the session failed | technical | yes |
| the slot is cancelled | cancelled | under a code of a fault |

No row takes a right from a person. Whether visitors stayed away without reason (无故, Guangdong 23) is an officer's
decision, made after the end (`broker.booking.absence`).
"""

from dataclasses import replace

from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.session.effects import HoldReason, Reason
from broker.session.parts import farewell
from broker.session.state import End, Session, State
from config.articles.grounds import Intervention
from config.policy import Policy


def hold_outlasted(session: Session, now: Instant, policy: Policy) -> End:
    """How a session ends whose hold is not lifted: the cause that began the hold decides, whatever came on top.

    | the hold began by | the session ends as | booked again first |
    |---|---|---|
    | an officer's hold under a code of a fault (YN-18, GD-36) | technical, with officer and code | yes |
    | an officer's hold under any other code | ended_by_supervisor, with officer and code | no |
    | a room, relay, recorder, storage or quorum lost, a restart | technical, with that cause | yes |

    An officer's hold that was lifted decides nothing more: the next cause does, if one is left. What began by a fault
    stays a fault, also when an officer holds the visit on top of it. An officer who means to end the visit orders that.
    """
    held_by, hold = session.gate.held_by or HoldReason.TAKEN_UP, session.hold
    if held_by is not HoldReason.SUPERVISOR or hold is None:
        return End(Reason.TECHNICAL, now.wall, cause=str(held_by), rebook=True)
    code = policy.intervention(hold.article)
    technical = code is not None and code.technical
    reason = Reason.TECHNICAL if technical else Reason.ENDED_BY_SUPERVISOR
    return End(reason, now.wall, by=hold.by, article=hold.article, cause=hold.note, rebook=technical)


def time_over(reason: Reason, session: Session, now: Instant, policy: Policy) -> End:
    """How a session ends at its limit or at the slot's end (`reason`). Time that a fault took and did not give back is
    given back by another visit (decision 1; Yunnan 18)."""
    lifted = session.gate.held_by is HoldReason.SUPERVISOR and session.hold is None
    if session.state is State.HELD and not lifted and (held := hold_outlasted(session, now, policy)).rebook:
        return replace(held, reason=reason)
    return End(reason, now.wall)


def both_finished(session: Session, now: Instant, policy: Policy) -> End:
    """How a session ends by the word of both sides: as the code says that an officer named, else as the pack's own."""
    word, code = farewell.last(session.farewell), _farewell_code(session, policy)
    reason = Reason.COMPLETED if code is None else Reason(code.reason)
    return End(reason, now.wall, by=word.by, article=code.code if code is not None else "", cause=word.note)


def _farewell_code(session: Session, policy: Policy) -> Intervention | None:
    named = [word.article for word in session.farewell.values() if word.article]
    return policy.intervention(named[-1]) if named else policy.farewell


def not_in_time(side: Side, inmates: bool, now: Instant, policy: Policy) -> End:
    """How a session ends because a side was not complete in time. A prisoner who was not brought, on either side where
    both have `inmates`, is the prison's failing, and the visit is booked again first; of visitors it is noted that they
    had not arrived, under the article that says by when."""
    if inmates:
        return End(Reason.NO_SHOW, now.wall, side=side, cause="not_brought", rebook=True)
    return End(Reason.NO_SHOW, now.wall, side=side, article=policy.check_in.articles["late_consequence"])
