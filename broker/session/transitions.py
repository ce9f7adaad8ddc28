"""The life of one session (会见), pure: `step(session, fact, now, policy) -> (session, effects)`.

SCHEDULED -> CHECK_IN <-> READY -> LIVE <-> HELD -> ENDED. `TRANSITIONS` says which facts each state takes; a fact
changes one part of the session; `moves.settle` then moves the state as far as what is known allows. `wakes_at` says
when to come back if nothing happens. Nothing here waits, sends or reads a clock, so thirty minutes are tested in a
microsecond.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from broker.booking.packs import ground
from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict
from broker.kernel.ids import Side
from broker.session import alert_causes, moves, refusals
from broker.session import events as ev
from broker.session.effects import (
    ClosePorts,
    Effect,
    FinishRecording,
    HoldReason,
    OpenPorts,
    Reason,
    RequestRebooking,
    ShutGate,
)
from broker.session.events import Fact
from broker.session.moves import Outcome
from broker.session.parts import (
    alerts,
    check_in,
    drill_mark,
    eligibility,
    extension,
    extension_request,
    farewell,
    gate,
    hold,
    interventions,
    processes,
    talkback,
)
from broker.session.parts.gate import RENEW
from broker.session.parts.moment import Moment, Table
from broker.session.parts.processes import Recorder
from broker.session.readiness import fresh_until, hold_reasons
from broker.session.state import End, Session, State
from config.policy import Policy

Change = Callable[[Session, Any, Instant, Policy], Session]

# --- a fact changes one part of the session -----------------------------------------------------------------------


def _of_part(name: str, table: Table) -> dict[type, Change]:
    """The table of a part as changes of the session that holds the part under `name`."""
    return {kind: _change(name, kind, change) for kind, change in table.items()}


def _change(name: str, kind: type, change: Callable[..., Any]) -> Change:
    follows = gate.FOLLOWS.get(kind)

    def changed(session: Session, fact: Any, now: Instant, policy: Policy) -> Session:
        before = getattr(session, name)
        part = change(before, fact, Moment(session.slot, now, session.gate.crossed))
        if part is before:
            return session
        session = replace(session, **{name: part})
        return session if follows is None else replace(session, gate=follows(session.gate))

    return changed


def _unchanged(session: Session, fact: Fact, now: Instant, policy: Policy) -> Session:
    return session


def _ended(session: Session, fact: ev.EndOrdered, now: Instant, policy: Policy) -> Session:
    """End the visit under a code; one by which both sides part is the word of the officer's side only. A code that says
    that visitors are late counts as such where it is so: they have not arrived. What they lose by it is another
    decision (`broker.booking.absence`)."""
    code = ground(policy, fact.article)
    if code.by_agreement:
        word = farewell.Word(fact.by, False, fact.article, fact.note, now.wall, now.mono)
        side = session.slot.side_of_site(fact.site)
        return replace(session, farewell=farewell.say(session.farewell, side, word, now))
    end = End(Reason(code.reason), now.wall, by=fact.by, article=fact.article, cause=fact.note)
    came = check_in.parties_complete(session.check_in, session.slot, Side.VISITOR)
    if session.state is State.CHECK_IN and code.late and not came:
        end = replace(end, reason=Reason.NO_SHOW, side=Side.VISITOR)
    return replace(session, end=end)


def _cancelled(session: Session, fact: ev.SlotCancelled, now: Instant, policy: Policy) -> Session:
    """End the session because its slot is cancelled; a code of a fault or an emergency has it booked again first."""
    code = policy.intervention(fact.article)
    again = code is not None and code.technical
    end = End(Reason.CANCELLED, now.wall, by=fact.by, article=fact.article, cause=fact.note, rebook=again)
    return replace(session, end=end)


def _withdrawn(session: Session, fact: ev.ApprovalWithdrawn, now: Instant, policy: Policy) -> Session:
    """End the visit: its slot is cancelled on record. An end that was ordered before stands."""
    if session.end is not None:
        return session
    end = End(Reason.CANCELLED, now.wall, by=fact.by, article=fact.article, cause=fact.reason)
    return replace(session, end=end)


def _approved(session: Session, fact: ev.SecondApproval, now: Instant, policy: Policy) -> Session:
    slot = replace(session.slot, second_approved_by=fact.by, second_article=fact.article)
    return replace(session, slot=slot)


# --- the table ----------------------------------------------------------------------------------------------------

_NOTED: Mapping[type, Change] = {
    ev.TimePassed: _unchanged,
    ev.AttentionAsked: _unchanged,
    ev.AttentionAnswered: _unchanged,
    ev.AttentionMissed: _unchanged,
    ev.TerminalChanged: _unchanged,  # before people meet, its equipment is to be tested (`check_in.ORDERS`)
}
"""Facts that change no part: time, and what belongs in the journal and on the timeline only."""

_SEEN: Mapping[type, Change] = {
    **_NOTED,
    **_of_part("processes", processes.FACTS),
    **_of_part("gate", gate.FACTS),
    **_of_part("talkback", talkback.FACTS),
    **_of_part("alerts", alerts.FACTS),
    **_of_part("extensions", extension.FACTS),
    **_of_part("bars", eligibility.FACTS),
    **_of_part("drill", drill_mark.FACTS),
    ev.ApprovalWithdrawn: _withdrawn,
    ev.SecondApproval: _approved,
}
_CHECK_IN = _of_part("check_in", check_in.ORDERS)
_TEST: Mapping[type, Change] = {ev.SelfTested: _CHECK_IN[ev.SelfTested]}
_CANCEL: Mapping[type, Change] = {ev.SlotCancelled: _cancelled}
_END: Mapping[type, Change] = {ev.EndOrdered: _ended}
_HELD_WITH_WORDS: Mapping[type, Change] = _of_part("interventions", {ev.HoldOrdered: interventions.shown})
_HOLD_ORDERS = _of_part("hold", hold.ORDERS)


def _hold(session: Session, fact: ev.HoldOrdered, now: Instant, policy: Policy) -> Session:
    """Hold the visit, and show the words that go with it."""
    held = _HOLD_ORDERS[ev.HoldOrdered](session, fact, now, policy)
    return _HELD_WITH_WORDS[ev.HoldOrdered](held, fact, now, policy)


_HOLD: Mapping[type, Change] = {**_HOLD_ORDERS, ev.HoldOrdered: _hold}
_FAREWELL = _of_part("farewell", farewell.ORDERS)
_INTERVENE: Mapping[type, Change] = {
    **_of_part("interventions", interventions.ORDERS),
    **_of_part("alerts", alerts.ORDERS),
}
_TALKBACK = _of_part("talkback", talkback.ORDERS)
_EXTENDED = _of_part("extensions", extension.ORDERS)
_ANSWERED = _of_part("extension_requests", extension_request.APPROVED)


def _extended(session: Session, fact: ev.ExtensionApproved, now: Instant, policy: Policy) -> Session:
    """Take an approval; it answers the request that waits."""
    longer = _EXTENDED[ev.ExtensionApproved](session, fact, now, policy)
    return longer if longer is session else _ANSWERED[ev.ExtensionApproved](longer, fact, now, policy)


_EXTEND: Mapping[type, Change] = {
    **_of_part("extension_requests", extension_request.ORDERS),
    ev.ExtensionApproved: _extended,
}
_DRILL = _of_part("drill", drill_mark.ORDERS)
_BEFORE: Mapping[type, Change] = {**_SEEN, **_CHECK_IN, **_CANCEL, **_END, **_INTERVENE, **_EXTEND, **_DRILL}
_BEGUN: Mapping[type, Change] = {**_SEEN, **_TEST, **_END, **_HOLD, **_FAREWELL, **_INTERVENE, **_TALKBACK, **_EXTEND}

TRANSITIONS: Mapping[State, Mapping[type, Change]] = {
    State.SCHEDULED: {**_SEEN, **_CANCEL, **_EXTEND},
    State.CHECK_IN: _BEFORE,
    State.READY: _BEFORE,
    State.LIVE: _BEGUN,
    State.HELD: _BEGUN,
    State.ENDED: {},
}
"""What may happen in which state. What is absent is refused when a person asked for it, ignored when it was seen."""


def step(session: Session, fact: Fact, now: Instant, policy: Policy) -> Outcome:
    """Take one fact at `now`. Raises Conflict when a person orders what this state does not allow, and what
    `broker.session.refusals` raises when the law does not."""
    change = TRANSITIONS[session.state].get(type(fact))
    if change is None:
        if type(fact) in _SEEN:
            return session, ()
        raise Conflict(f"Not possible while {session.state}.", "当前状态不允许此操作。", state=str(session.state))
    refusals.check(session, fact, now, policy)
    return _follow(session, change(session, fact, now, policy), now, policy)


def _follow(before: Session, session: Session, now: Instant, policy: Policy) -> Outcome:
    """What follows from a change: the state, then each part that depends on it, and their effects."""
    session, effects = moves.settle(_counted(session, policy), now, policy)
    longer = _extension_effects(before, session, policy)
    if not (session.begun and session.processes.can_record_talkback):
        session = replace(session, talkback=None)
    speaking = talkback.effects(before.talkback, session.talkback)
    calls: tuple[Effect, ...] = ()
    if session.state is not State.SCHEDULED:
        part, calls = alert_causes.follow(session, now, policy)
        session = replace(session, alerts=part)
    return session, _with_new_relay(before, session, (*longer, *speaking, *effects, *calls))


def _counted(session: Session, policy: Policy) -> Session:
    if session.state not in (State.CHECK_IN, State.READY):
        return session
    return replace(session, check_in=check_in.counted(session.check_in, session.slot, policy.check_in))


def _extension_effects(before: Session, after: Session, policy: Policy) -> tuple[Effect, ...]:
    """The order for a relay whose gate may be open, or is held, to raise the limit at once by a new approval."""
    if len(after.extensions) <= len(before.extensions) or not after.begun:
        return ()
    return extension.effects(after.extensions, after.slot, after.gate, policy)[-1:]


def _with_new_relay(before: Session, after: Session, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """The effects of a step, with the ports first where it has admitted the session to a relay worker.

    A lease of a control process that died may still run there: what is held is shut at once.
    """
    admitted = after.processes.relay and not before.processes.relay
    if not admitted or after.state in (State.SCHEDULED, State.ENDED):
        return effects
    stale = (ShutGate(HoldReason.TAKEN_UP),) if after.state is State.HELD else ()
    return (OpenPorts(), *stale, *(effect for effect in effects if effect != OpenPorts()))


def abort(session: Session, now: Instant) -> Outcome:
    """End a session whose step or effect has failed: shut, close and say so, without asking the tables again."""
    end = End(Reason.TECHNICAL, now.wall, cause="internal_error", rebook=True)
    part, calls = alert_causes.close_all(session.alerts, now)
    effects = (
        ShutGate(Reason.TECHNICAL),
        FinishRecording(Reason.TECHNICAL),
        ClosePorts(),
        RequestRebooking(end.cause),
    )
    lease_over = replace(session.gate, leased_at=None)
    return replace(session, state=State.ENDED, end=end, gate=lease_over, alerts=part), (*effects, *calls)


# --- when to come back --------------------------------------------------------------------------------------------


def wakes_at(session: Session, now: Instant, policy: Policy) -> float | None:
    """The monotonic moment at which TimePassed is due if nothing happens before; None when the session is over.

    A moment that has passed stays due until a step has acted on it, so a caller who asks a little late misses nothing.
    """
    moments = (_state_wakes_at(session, now, policy), alert_causes.wakes_at(session, now, policy))
    return min((moment for moment in moments if moment is not None), default=None)


def _state_wakes_at(session: Session, now: Instant, policy: Policy) -> float | None:
    times, word = session.gate, farewell.wakes_at(session.farewell)
    match session.state:
        case State.SCHEDULED:
            opens = session.slot.starts_at - policy.check_in_lead
            return _on_mono(check_in.deadline(session.slot, policy) if session.slot.awaits_approval else opens, now)
        case State.CHECK_IN | State.READY:
            return _before_opening(session, now, policy)
        case State.LIVE:
            assert times.leased_at is not None
            return min(moment for moment in (times.leased_at + RENEW, times.stop_at, word) if moment is not None)
        case State.HELD:
            assert times.held_since is not None
            held = bool(hold_reasons(session, policy))
            due = times.held_since + policy.hold_grace.total_seconds() if held else times.reopens_at
            limit = now.mono if times.limit_due else times.stop_at
            return min(moment for moment in (due, limit, times.resumes_at, word) if moment is not None)
        case State.ENDED:
            return None


def _on_mono(wall: datetime, now: Instant) -> float:
    return now.mono + (wall - now.wall).total_seconds()


def _before_opening(session: Session, now: Instant, policy: Policy) -> float:
    """Only moments at which a step would do something; one that did nothing would be due again at once, for ever."""
    slot, ready = session.slot, session.state is State.READY
    walls = [slot.ends_at]
    if session.bars or not check_in.all_came(session.check_in, slot):
        walls.append(slot.starts_at + policy.late_grace)
    if ready and session.processes.recorder in (Recorder.IDLE, Recorder.WRITING):
        walls.append(slot.starts_at)
    # Just after the bound, which itself still counts as fresh.
    tests = session.check_in.tested.values() if ready else ()
    stale = [math.nextafter(fresh_until(at, policy), math.inf) for at in tests]
    return min([_on_mono(wall, now) for wall in walls] + stale)
