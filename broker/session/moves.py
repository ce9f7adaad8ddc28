"""Moves: the state follows what is known. `MOVES` is the one table of them, tried in its order; `settle` applies what
is due until nothing is. The state diagram is drawn from the same table (`edges`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from broker.kernel.clock import Instant
from broker.session import endings
from broker.session.effects import (
    ClosePorts,
    Effect,
    FinishRecording,
    HoldReason,
    LeaseGate,
    NoteAbsence,
    OpenPorts,
    Reason,
    RequestRebooking,
    SetDeadline,
    ShutGate,
    StartRecording,
)
from broker.session.parts import check_in, extension, farewell
from broker.session.parts.gate import LEASE, RENEW
from broker.session.parts.processes import Recorder
from broker.session.readiness import Missing, hold_reasons, lost, missing
from broker.session.state import End, Session, State
from config.law import LAWS
from config.policy import Policy

Outcome = tuple[Session, tuple[Effect, ...]]


@dataclass(frozen=True, slots=True)
class Move:
    """A move from a state to another, or within one where only effects are due.

    `cause` says in words when it is due. `take` returns None while it is not, else the session, in the state `after`,
    and the effects.
    """

    before: State
    after: State
    cause: str
    take: Callable[[Session, Instant, Policy], Outcome | None]


def settle(session: Session, now: Instant, policy: Policy) -> Outcome:
    """Move the state as far as what is known allows, collecting what must be done about it."""
    effects: tuple[Effect, ...] = ()
    while (outcome := _next(session, now, policy)) is not None:
        session, more = outcome
        effects += more
    return session, effects


def _next(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    for move in MOVES:
        if move.before is session.state and (outcome := move.take(session, now, policy)) is not None:
            assert outcome[0].state is move.after, f"{move} led to {outcome[0].state}"
            return outcome
    return None


def edges() -> dict[tuple[State, State], tuple[str, ...]]:
    """The state diagram: (before, after) -> causes, in the order in which they are tried."""
    found: dict[tuple[State, State], tuple[str, ...]] = {}
    for move in MOVES:
        if move.before is not move.after:
            key = (move.before, move.after)
            found[key] = (*found.get(key, ()), move.cause)
    return found


# --- the end ------------------------------------------------------------------------------------------------------


def _close(session: Session, end: End) -> Outcome:
    drill = session.slot.drill  # takes nothing from a person, so that nothing is given back or noted
    end = replace(end, rebook=(end.rebook or end.reason is Reason.TECHNICAL) and not drill)
    effects: list[Effect] = []
    if session.gate.hard_stop is not None:
        effects.append(ShutGate(end.reason))
    if session.processes.recorded:
        effects.append(FinishRecording(end.reason))
    if session.state is not State.SCHEDULED:
        effects.append(ClosePorts())
    if end.reason is Reason.NO_SHOW and end.side is not None and not drill:
        effects.append(NoteAbsence(end.side))
    if end.rebook:
        effects.append(RequestRebooking(end.cause))
    gate = replace(session.gate, leased_at=None)
    return replace(session, state=State.ENDED, end=end, gate=gate), tuple(effects)


def _ordered_end(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    return _close(session, session.end) if session.end is not None else None


def _limit_reached(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    session = _with_deadline(session, policy)
    stop = session.gate.stop_at
    if stop is None or now.mono < stop:
        return None
    in_time = session.gate.deadline is not None and session.gate.deadline <= stop
    reason = Reason.TIME_LIMIT if in_time else Reason.SLOT_END
    return _close(session, endings.time_over(reason, session, now, policy))


def _grace_over(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    reasons, since = hold_reasons(session, policy), session.gate.held_since
    if not reasons or since is None or now.mono < since + policy.hold_grace.total_seconds():
        return None
    return _close(_with_deadline(session, policy), endings.hold_outlasted(session, now, policy))


def _both_finished(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """End the visit when both sides say that they have finished (Guangdong 31(2))."""
    if not farewell.agreed(session.farewell, now):
        return None
    return _close(session, endings.both_finished(session, now, policy))


def _word_over(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Forget a side's word that was not answered."""
    kept = farewell.standing(session.farewell, now)
    return None if kept is session.farewell else (replace(session, farewell=kept), ())


def _check_in_missed(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """End a session that was not running while people could have come: they have missed nothing, the service has."""
    if now.wall < check_in.deadline(session.slot, policy):
        return None
    return _close(session, End(Reason.TECHNICAL, now.wall, cause="desk_missed"))


def _not_approved(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """End a visit between inmates that only one institution has approved (Yunnan 7, Guangdong 16)."""
    if not session.slot.awaits_approval or now.wall < check_in.deadline(session.slot, policy):
        return None
    article = LAWS[policy.law].booking.pairing
    return _close(session, End(Reason.REFUSED, now.wall, article=article, cause="not_approved"))


def _not_eligible(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Refuse a visit of people who may not meet when check-in closes: neither a fault nor their absence."""
    if not session.bars or now.wall < check_in.deadline(session.slot, policy):
        return None
    bar = session.bars[0]
    return _close(session, End(Reason.REFUSED, now.wall, article=bar.article, cause=str(bar.kind)))


def _too_late(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    late = check_in.late_side(session.check_in, session.slot)
    if late is None or now.wall < check_in.deadline(session.slot, policy):
        return None
    return _close(session, endings.not_in_time(late, session.slot.holds_inmates(late), now, policy))


def _never_began(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if now.wall < session.slot.ends_at:
        return None
    lacking = missing(session, now, policy)
    return _close(session, End(Reason.TECHNICAL, now.wall, cause=str(lacking[0] if lacking else Missing.RECORDER)))


# --- before the visit ---------------------------------------------------------------------------------------------


def _check_in_opens(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Open the check-in, once its time has come. From now on the session keeps the pack by which it was opened."""
    if session.slot.awaits_approval or now.wall < session.slot.starts_at - policy.check_in_lead:
        return None
    return replace(session, state=State.CHECK_IN, pack=policy.sha256), (OpenPorts(),)


def _complete(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    return None if missing(session, now, policy) else (replace(session, state=State.READY), ())


def _incomplete(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    return (replace(session, state=State.CHECK_IN), ()) if missing(session, now, policy) else None


def _start_recording(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Start the recorder at the start of the visit and not earlier: what is before it is evidence of nothing (decision
    5)."""
    if now.wall < session.slot.starts_at or session.processes.recorder is not Recorder.IDLE:
        return None
    processes = replace(session.processes, recorder=Recorder.STARTING, recorded=True)
    return replace(session, processes=processes), (StartRecording(),)


def _begin(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if now.wall < session.slot.starts_at or not session.processes.recorder.writes:
        return None
    left = session.slot.ends_at + policy.slot_reserve - now.wall
    gate = replace(session.gate, hard_stop=now.mono + left.total_seconds())
    return _open(replace(session, gate=gate), now, policy)


# --- the visit ----------------------------------------------------------------------------------------------------


def _open(session: Session, now: Instant, policy: Policy) -> Outcome:
    """Open the gate, or keep it open: one lease, never past the moment at which everything stops."""
    gate, slot = session.gate, session.slot
    assert gate.stop_at is not None, "the gate opens only after the slot's end is known on the monotonic clock"
    until, muted = min(now.mono + LEASE, gate.stop_at), frozenset(session.interventions.muted)
    lease = LeaseGate(until, gate.stop_at, extension.limit(slot, policy), muted, gate.crossed)
    # A gate that opens may be another worker's: it knows of no approval, and a lease raises no limit.
    open_already = session.state is State.LIVE
    longer = () if open_already else extension.effects(session.extensions, slot, gate, policy)
    opened_at = now.mono if gate.opened_at is None else gate.opened_at
    gate = replace(gate, held_since=None, held_by=None, reopens_at=None, leased_at=now.mono, opened_at=opened_at)
    return replace(session, state=State.LIVE, gate=gate), (*longer, lease)


def _with_deadline(session: Session, policy: Policy) -> Session:
    """The session with the moment at which its minutes are over, once a packet has crossed, in whichever direction.

    Holds do not stretch it. Only an earlier first crossing, reported late, moves it, and only forward: the earliest
    wins. An approval in time is all that puts it off.
    """
    gate = session.gate
    if gate.crossed is None:
        return session
    deadline = gate.crossed + extension.allowed(session.extensions, session.slot, policy).total_seconds()
    if gate.deadline is not None and gate.deadline <= deadline:
        return session
    return replace(session, gate=replace(gate, deadline=deadline))


def _set_deadline(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    after = _with_deadline(session, policy)
    stop = after.gate.stop_at
    return None if after is session or stop is None else (after, (SetDeadline(stop),))


def _hold(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    reasons = hold_reasons(session, policy)
    if not reasons:
        return None
    reopens_at = None if lost(session, policy) else now.mono
    gate = replace(session.gate, held_since=now.mono, held_by=reasons[0], reopens_at=reopens_at, leased_at=None)
    return replace(session, state=State.HELD, gate=gate), (ShutGate(reasons[0]),)


def _cause_passes_on(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Let the next cause decide where an officer's hold began this one and was lifted while something else is lost."""
    if session.gate.held_by is not HoldReason.SUPERVISOR or session.hold is not None:
        return None
    reasons = hold_reasons(session, policy)
    return (replace(session, gate=replace(session.gate, held_by=reasons[0])), ()) if reasons else None


def _lost_again(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """Begin to wait anew: what comes and goes is one hold, not many."""
    if session.gate.reopens_at is None or not lost(session, policy):
        return None
    return replace(session, gate=replace(session.gate, reopens_at=None)), ()


def _back(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if session.gate.reopens_at is not None or lost(session, policy):
        return None
    reopens_at = now.mono + policy.reopen_after.total_seconds()
    return replace(session, gate=replace(session.gate, reopens_at=reopens_at)), ()


def _renew(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    leased_at = session.gate.leased_at
    due = leased_at is None or now.mono >= leased_at + RENEW
    return _open(session, now, policy) if due else None


def _pause_over(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    resumes_at = session.gate.resumes_at
    if resumes_at is None or now.mono < resumes_at:
        return None
    return replace(session, gate=replace(session.gate, resumes_at=None)), ()


def _record_again(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if session.processes.recorder is not Recorder.IDLE:
        return None
    processes = replace(session.processes, recorder=Recorder.STARTING)
    return replace(session, processes=processes), (StartRecording(),)


def _resume(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    reopens_at = session.gate.reopens_at
    if hold_reasons(session, policy) or reopens_at is None or now.mono < reopens_at:
        return None
    return _open(session, now, policy)


_SCHEDULED, _CHECK_IN, _READY, _LIVE, _HELD, _ENDED = State
_ORDERED = "ended by an officer"
_FINISHED = "both sides say that they have finished"
_CANCELLED = "ended by an officer, or the slot is cancelled"

MOVES: tuple[Move, ...] = (
    Move(_SCHEDULED, _ENDED, "the slot is cancelled", _ordered_end),
    Move(_SCHEDULED, _ENDED, "the second institution has not approved in time", _not_approved),
    Move(_SCHEDULED, _ENDED, "check-in was missed while the service was down", _check_in_missed),
    Move(_SCHEDULED, _CHECK_IN, "check-in opens", _check_in_opens),
    Move(_CHECK_IN, _ENDED, _CANCELLED, _ordered_end),
    Move(_CHECK_IN, _ENDED, "a listed person may not meet", _not_eligible),
    Move(_CHECK_IN, _ENDED, "a side has not come in time", _too_late),
    Move(_CHECK_IN, _ENDED, "the slot is over", _never_began),
    Move(_CHECK_IN, _READY, "nothing is missing", _complete),
    Move(_READY, _ENDED, _CANCELLED, _ordered_end),
    Move(_READY, _ENDED, "a side has not come in time", _too_late),
    Move(_READY, _ENDED, "the slot is over", _never_began),
    Move(_READY, _CHECK_IN, "a condition fails", _incomplete),
    Move(_READY, _READY, "the slot begins and the recorder is idle", _start_recording),
    Move(_READY, _LIVE, "the slot has begun and the recorder writes", _begin),
    Move(_LIVE, _ENDED, _ORDERED, _ordered_end),
    Move(_LIVE, _ENDED, _FINISHED, _both_finished),
    Move(_LIVE, _LIVE, "a side's word is too old", _word_over),
    Move(_LIVE, _ENDED, "the limit or the slot's end is reached", _limit_reached),
    Move(_LIVE, _HELD, "a reason to hold", _hold),
    Move(_LIVE, _LIVE, "the limit is known", _set_deadline),
    Move(_LIVE, _LIVE, "the lease is due", _renew),
    Move(_HELD, _ENDED, _ORDERED, _ordered_end),
    Move(_HELD, _ENDED, _FINISHED, _both_finished),
    Move(_HELD, _HELD, "a side's word is too old", _word_over),
    Move(_HELD, _HELD, "an officer's hold is lifted and another cause is left", _cause_passes_on),
    Move(_HELD, _HELD, "the pause after a restart is over", _pause_over),
    Move(_HELD, _ENDED, "the limit or the slot's end is reached", _limit_reached),
    Move(_HELD, _ENDED, "the hold has lasted too long", _grace_over),
    Move(_HELD, _HELD, "the recorder is idle", _record_again),
    Move(_HELD, _HELD, "the limit is known", _set_deadline),
    Move(_HELD, _HELD, "what was lost is lost again", _lost_again),
    Move(_HELD, _HELD, "what was lost is back", _back),
    Move(_HELD, _LIVE, "no reason to hold has been left for long enough", _resume),
)
"""Every move, in the order in which the moves of a state are tried."""
