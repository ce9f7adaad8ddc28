"""Moves: the state follows what is known. `MOVES` is the one table of them, tried in its order; `settle` applies what
is due until nothing is. The state diagram is drawn from the same table (`edges`)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.session.effects import (
    ClosePorts,
    Effect,
    FinishRecording,
    Forfeit,
    LeaseGate,
    OpenPorts,
    Reason,
    RequestRebooking,
    SetDeadline,
    ShutGate,
    StartRecording,
)
from broker.session.parts import check_in, extension
from broker.session.parts.gate import LEASE, RENEW
from broker.session.parts.processes import Recorder
from broker.session.readiness import Missing, hold_reasons, missing
from broker.session.state import End, Session, State
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
    effects: list[Effect] = []
    if session.gate.hard_stop is not None:
        effects.append(ShutGate(end.reason))
    if session.processes.recorded:
        effects.append(FinishRecording(end.reason))
    if session.state is not State.SCHEDULED:
        effects.append(ClosePorts())
    if end.reason is Reason.TECHNICAL:
        effects.append(RequestRebooking(end.cause))
    if end.lost is not None and end.side is not None:
        effects.append(Forfeit(end.side, end.lost))
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
    return _close(session, End(Reason.TIME_LIMIT if in_time else Reason.SLOT_END, now.wall))


def _grace_over(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    reasons, since = hold_reasons(session, policy), session.gate.held_since
    if not reasons or since is None or now.mono < since + policy.hold_grace.total_seconds():
        return None
    end = End(Reason.TECHNICAL, now.wall, cause=str(reasons[0]))
    if session.hold is not None:
        hold = session.hold
        end = End(Reason.ENDED_BY_SUPERVISOR, now.wall, by=hold.by, article=hold.article, cause=hold.note)
    return _close(_with_deadline(session, policy), end)


def _check_in_missed(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    """End a session that was not running while people could have come: they have missed nothing, the service has."""
    if now.wall < check_in.deadline(session.slot, policy):
        return None
    return _close(session, End(Reason.TECHNICAL, now.wall, cause="desk_missed"))


def _too_late(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    late = check_in.late_side(session.check_in, session.slot)
    if late is None or now.wall < check_in.deadline(session.slot, policy):
        return None
    end = End(Reason.NO_SHOW, now.wall, side=late)
    if late is Side.VISITOR:  # a prisoner who is not brought has not missed the visit, and loses nothing
        article = policy.check_in.articles["late_consequence"]
        end = replace(end, article=article, lost=check_in.lost_by(session.check_in, session.slot, late, policy))
    return _close(session, end)


def _never_began(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if now.wall < session.slot.ends_at:
        return None
    lacking = missing(session, now, policy)
    return _close(session, End(Reason.TECHNICAL, now.wall, cause=str(lacking[0] if lacking else Missing.RECORDER)))


# --- before the visit ---------------------------------------------------------------------------------------------


def _check_in_opens(session: Session, now: Instant, policy: Policy) -> Outcome | None:
    if now.wall < session.slot.starts_at - policy.check_in_lead:
        return None
    return replace(session, state=State.CHECK_IN), (OpenPorts(),)


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
    gate = replace(gate, held_since=None, leased_at=now.mono)
    return replace(session, state=State.LIVE, gate=gate), (*longer, lease)


def _with_deadline(session: Session, policy: Policy) -> Session:
    """The session with the moment at which its minutes are over, once media has crossed both ways (decision 1).

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
    gate = replace(session.gate, held_since=now.mono, leased_at=None)
    return replace(session, state=State.HELD, gate=gate), (ShutGate(reasons[0]),)


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
    return None if hold_reasons(session, policy) else _open(_with_deadline(session, policy), now, policy)


_SCHEDULED, _CHECK_IN, _READY, _LIVE, _HELD, _ENDED = State
_ORDERED = "ended by an officer"
_CANCELLED = "ended by an officer, or the slot is cancelled"

MOVES: tuple[Move, ...] = (
    Move(_SCHEDULED, _ENDED, "the slot is cancelled", _ordered_end),
    Move(_SCHEDULED, _ENDED, "check-in was missed while the service was down", _check_in_missed),
    Move(_SCHEDULED, _CHECK_IN, "check-in opens", _check_in_opens),
    Move(_CHECK_IN, _ENDED, _CANCELLED, _ordered_end),
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
    Move(_LIVE, _ENDED, "the limit or the slot's end is reached", _limit_reached),
    Move(_LIVE, _HELD, "a reason to hold", _hold),
    Move(_LIVE, _LIVE, "the limit is known", _set_deadline),
    Move(_LIVE, _LIVE, "the lease is due", _renew),
    Move(_HELD, _ENDED, _ORDERED, _ordered_end),
    Move(_HELD, _HELD, "the pause after a restart is over", _pause_over),
    Move(_HELD, _ENDED, "the limit or the slot's end is reached", _limit_reached),
    Move(_HELD, _ENDED, "the hold has lasted too long", _grace_over),
    Move(_HELD, _HELD, "the recorder is idle", _record_again),
    Move(_HELD, _LIVE, "no reason to hold is left", _resume),
    Move(_HELD, _HELD, "the limit is known", _set_deadline),
)
"""Every move, in the order in which the moves of a state are tried."""
