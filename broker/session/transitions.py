"""The life of one session (会见), pure: `step(session, fact, now, policy) -> (session, effects)`.

SCHEDULED -> CHECK_IN <-> READY -> LIVE <-> HELD -> ENDED. A fact changes what is known; `settle` then moves the
state as far as the known things allow. `wakes_at` says when to come back if nothing happens. Nothing here waits,
sends or reads a clock, so thirty minutes are tested in a microsecond.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict
from broker.kernel.ids import PersonId, SessionId, Side, SiteId, UserId
from broker.presence import quorum
from broker.presence.quorum import Watcher
from broker.session import alerts, check_in, extension, interventions, talkback
from broker.session import events as ev
from broker.session.alerts import Alerts
from broker.session.events import Effect, Fact, HoldReason, Reason
from broker.session.extension import Extended, allowed, limit
from broker.session.interventions import ACTS, Muted, Noted, Warned
from broker.session.talkback import Speech
from config.checkin import Consequence, Tick
from config.policy import Policy

LEASE = 3.0  # seconds the relay keeps the gate open without hearing from us: fail closed within the promised 3 s
RENEW = 1.0  # seconds between renewals: two may be lost before a healthy visit is interrupted


class State(StrEnum):
    """Where a session is in its life."""

    SCHEDULED = "scheduled"
    CHECK_IN = "check_in"
    READY = "ready"
    LIVE = "live"
    HELD = "held"
    ENDED = "ended"


class Recorder(StrEnum):
    """What the session knows of its recorder."""

    ABSENT = "absent"
    IDLE = "idle"
    STARTING = "starting"
    WRITING = "writing"

    @property
    def writes(self) -> bool:
        """Whether what happens now is on disk."""
        return self is Recorder.WRITING


class Missing(StrEnum):
    """What still stands between the session and READY."""

    STORAGE = "storage"
    RELAY = "relay"
    RECORDER = "recorder"
    PRISON_CHECK_IN = "prison_check_in"
    VISITOR_CHECK_IN = "visitor_check_in"
    PRISON_SELF_TEST = "prison_self_test"
    VISITOR_SELF_TEST = "visitor_self_test"
    PRISON_MEDIA = "prison_media"
    VISITOR_MEDIA = "visitor_media"
    PRISON_QUORUM = "prison_quorum"
    VISITOR_QUORUM = "visitor_quorum"
    VISITOR_LETTER = "visitor_letter"
    PRISON_SEAT = "prison_seat"
    VISITOR_SEAT = "visitor_seat"
    INTERPRETER = "interpreter"


@dataclass(frozen=True, slots=True)
class Hold:
    """A supervisor's hold; only the same site lifts it."""

    by: UserId
    site: SiteId
    article: str
    note: str


@dataclass(frozen=True, slots=True)
class End:
    """How and when a session ended. `lost`: what a side that did not come has given up."""

    reason: Reason
    at: datetime
    side: Side | None = None
    by: str = ""
    article: str = ""
    cause: str = ""
    lost: Consequence | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Everything known of one session. `*_mono` style values are seconds of the monotonic clock."""

    slot: Slot
    state: State = State.SCHEDULED
    storage: bool = True
    relay: bool = False
    recorder: Recorder = Recorder.ABSENT
    recorded: bool = False
    checked: frozenset[PersonId] = frozenset()
    absent: frozenset[PersonId] = frozenset()
    tested: Mapping[Side, float] = field(default_factory=dict)
    media: frozenset[Side] = frozenset()
    watchers: frozenset[Watcher] = frozenset()
    hold: Hold | None = None
    held_since: float | None = None
    resumes_at: float | None = None
    leased_at: float | None = None
    hard_stop: float | None = None
    crossed: float | None = None
    deadline: float | None = None
    end: End | None = None
    warnings: tuple[Warned, ...] = ()
    muted: Mapping[Side, Muted] = field(default_factory=dict)
    notes: tuple[Noted, ...] = ()
    # The check-in desk; `checked` above follows from the ticks (broker/session/check_in.py).
    ticks: Mapping[PersonId, frozenset[Tick]] = field(default_factory=dict)
    seats: frozenset[Side] = frozenset()
    equipment: Mapping[Side, check_in.Equipment] = field(default_factory=dict)
    talkback: Speech | None = None
    alerts: Alerts = field(default_factory=Alerts)
    extensions: tuple[Extended, ...] = ()

    @property
    def id(self) -> SessionId:
        """The session's id."""
        return self.slot.session

    @property
    def gate_open(self) -> bool:
        """Whether media may cross: in LIVE and in no other state."""
        return self.state is State.LIVE

    @property
    def begun(self) -> bool:
        """Whether the visit is going on, held or not."""
        return self.state in (State.LIVE, State.HELD)


Outcome = tuple[Session, tuple[Effect, ...]]


# --- what holds, derived and never stored -------------------------------------------------------------------------


def has_quorum(session: Session, side: Side, policy: Policy) -> bool:
    """Whether enough officers of the side's own site really watch (Yunnan 25)."""
    return quorum.reached(session.watchers, session.slot, side, policy.min_supervisors)


def self_test_fresh(session: Session, side: Side, now: Instant, policy: Policy) -> bool:
    """Whether the room's equipment passed its test lately enough (Yunnan 12)."""
    passed = session.tested.get(side)
    return passed is not None and now.mono <= _fresh_until(passed, policy)


def _fresh_until(passed: float, policy: Policy) -> float:
    return passed + policy.self_test_fresh.total_seconds()


def missing(session: Session, now: Instant, policy: Policy) -> tuple[Missing, ...]:
    """What still stands between the session and READY, in the order in which people would mend it."""
    found: list[Missing] = []
    for side in Side:
        checks = {
            "check_in": check_in.complete(session, side) or check_in.lacks_only_letters(session, side, policy),
            "letter": not check_in.lacks_letter(session, side, policy),
            "seat": side in session.seats,
            "self_test": self_test_fresh(session, side, now, policy),
            "media": side in session.media,
            "quorum": has_quorum(session, side, policy),
        }
        found += [Missing(f"{side}_{name}") for name, holds in checks.items() if not holds]
    if not check_in.interpreted(session, policy):
        found.append(Missing.INTERPRETER)
    if not session.storage:
        found.append(Missing.STORAGE)
    if not session.relay:
        found.append(Missing.RELAY)
    if session.recorder is Recorder.ABSENT:
        found.append(Missing.RECORDER)
    return tuple(found)


def hold_reasons(session: Session, policy: Policy) -> tuple[HoldReason, ...]:
    """Why the gate must be shut in a session that has begun; empty means it may be open."""
    reasons = {
        HoldReason.SUPERVISOR: session.hold is not None,
        HoldReason.TAKEN_UP: session.resumes_at is not None,
        HoldReason.STORAGE_LOST: not session.storage,
        HoldReason.RELAY_LOST: not session.relay,
        HoldReason.RECORDER_LOST: session.recorder is not Recorder.WRITING,
        HoldReason.ROOM_LOST: session.media != frozenset(Side),
        HoldReason.QUORUM_LOST: not all(has_quorum(session, side, policy) for side in Side),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def stop_at(session: Session) -> float | None:
    """The monotonic moment at which media ends whatever happens; None before the gate first opened."""
    known = [moment for moment in (session.hard_stop, session.deadline) if moment is not None]
    return min(known, default=None)


# --- facts change what is known -----------------------------------------------------------------------------------


def _media(session: Session, fact: ev.RoomMedia, now: Instant) -> Session:
    media = session.media | {fact.side} if fact.flowing else session.media - {fact.side}
    return replace(session, media=media)


def _watchers(session: Session, fact: ev.WatchersChanged, now: Instant) -> Session:
    return replace(session, watchers=fact.watchers)


def _recorder_ready(session: Session, fact: ev.RecorderReady, now: Instant) -> Session:
    return replace(session, recorder=Recorder.IDLE) if session.recorder is Recorder.ABSENT else session


def _recorder_flushed(session: Session, fact: ev.RecorderFlushed, now: Instant) -> Session:
    return replace(session, recorder=Recorder.WRITING, recorded=True)


def _recorder_lost(session: Session, fact: ev.RecorderLost, now: Instant) -> Session:
    return replace(session, recorder=Recorder.ABSENT)


def _storage(session: Session, fact: ev.StorageChanged, now: Instant) -> Session:
    return replace(session, storage=fact.works)


def _relay_ready(session: Session, fact: ev.RelayReady, now: Instant) -> Session:
    return replace(session, relay=True)


def _relay_lost(session: Session, fact: ev.RelayLost, now: Instant) -> Session:
    """With the worker go its facts: who publishes and who watches is unknown until the next one says so."""
    return replace(session, relay=False, media=frozenset(), watchers=frozenset())


def _crossed(session: Session, fact: ev.Crossed, now: Instant) -> Session:
    first = fact.mono if session.crossed is None else min(session.crossed, fact.mono)
    return replace(session, crossed=first)


def _held(session: Session, fact: ev.HoldOrdered, now: Instant) -> Session:
    if session.hold is not None:
        raise Conflict("The visit is on hold already.", "会见已处于中止状态。")
    return replace(session, hold=Hold(fact.by, fact.site, fact.article, fact.note))


def _resumed(session: Session, fact: ev.ResumeOrdered, now: Instant) -> Session:
    if session.hold is None:
        raise Conflict("No supervisor holds this visit.", "会见未被管理员中止。")
    if session.hold.site != fact.site:
        raise Conflict("A hold is lifted by its own site.", "只能由作出中止的单位恢复会见。")
    return replace(session, hold=None)


def _ended(session: Session, fact: ev.EndOrdered, now: Instant) -> Session:
    reason = _REASONS_BY_CODE.get(fact.article, Reason.ENDED_BY_SUPERVISOR)
    end = End(reason, now.wall, by=fact.by, article=fact.article, cause=fact.note)
    if session.state is State.CHECK_IN and check_in.noted_late(session, fact.article):
        end = replace(end, reason=Reason.NO_SHOW, side=Side.VISITOR, lost=Consequence.VISIT)
    return replace(session, end=end)


def _cancelled(session: Session, fact: ev.SlotCancelled, now: Instant) -> Session:
    return replace(session, end=End(Reason.CANCELLED, now.wall, by=fact.by))


def _unchanged(session: Session, fact: Fact, now: Instant) -> Session:
    return session


COMPLETED = "END-COMPLETED"
"""The code with which a supervisor notes that both sides have said goodbye before the limit."""

Change = Callable[..., Session]

_REASONS_BY_CODE = {COMPLETED: Reason.COMPLETED, "YN-18": Reason.TECHNICAL, "GD-36": Reason.TECHNICAL}
"""Codes that are no reproach: a farewell, and a fault after which the visit is booked again first."""

_SEEN: dict[type, Change] = {
    ev.TimePassed: _unchanged,
    ev.RoomMedia: _media,
    ev.WatchersChanged: _watchers,
    ev.RecorderReady: _recorder_ready,
    ev.RecorderFlushed: _recorder_flushed,
    ev.RecorderLost: _recorder_lost,
    ev.RecorderLagging: _unchanged,
    ev.StorageChanged: _storage,
    ev.RelayReady: _relay_ready,
    ev.RelayLost: _relay_lost,
    ev.Crossed: _crossed,
    ev.AttentionAsked: _unchanged,
    ev.AttentionAnswered: _unchanged,
    ev.AttentionMissed: _unchanged,
    **talkback.SEEN,
    **alerts.SEEN,
}
_DESK: dict[type, Change] = check_in.DESK
_tested: Change = check_in.tested
_CANCEL: dict[type, Change] = {ev.SlotCancelled: _cancelled}
_END: dict[type, Change] = {ev.EndOrdered: _ended}
_HOLD: dict[type, Change] = {ev.HoldOrdered: _held, ev.ResumeOrdered: _resumed}
_BEGUN = _SEEN | _END | _HOLD | {ev.SelfTested: _tested} | ACTS | talkback.ORDERED | alerts.ORDERED | extension.APPROVED

TRANSITIONS: Mapping[State, Mapping[type, Change]] = {
    State.SCHEDULED: _SEEN | _CANCEL | extension.APPROVED,
    State.CHECK_IN: _SEEN | _DESK | _CANCEL | _END | ACTS | alerts.ORDERED | extension.APPROVED,
    State.READY: _SEEN | _DESK | _CANCEL | _END | ACTS | alerts.ORDERED | extension.APPROVED,
    State.LIVE: _BEGUN,
    State.HELD: _BEGUN,
    State.ENDED: {},
}
"""What may happen in which state. What is absent is refused when a person asked for it, ignored when it was seen."""


def step(session: Session, fact: Fact, now: Instant, policy: Policy) -> Outcome:
    """Take one fact. Raises Conflict when a person orders what this state does not allow, PolicyViolation when the
    law does not."""
    change = TRANSITIONS[session.state].get(type(fact))
    if change is None:
        if type(fact) in _SEEN:
            return session, ()
        raise Conflict(f"Not possible while {session.state}.", "当前状态不允许此操作。", state=str(session.state))
    interventions.check(session, fact, policy)
    if isinstance(fact, ev.ExtensionApproved):
        extension.check(session, fact, now, policy, stop_at(session))
    before = session
    session = change(session, fact, now)
    if session.state in (State.CHECK_IN, State.READY):
        session = check_in.counted(session, policy)
    session, effects = settle(session, now, policy)
    session, voice = talkback.follow(before, session)
    if session.state is not State.SCHEDULED:
        session, calls = alerts.follow(session, stop_at(session), now, policy)
        effects = (*effects, *calls)
    effects = (*extension.follow(before, session, policy), *voice, *effects)
    if session.relay and not before.relay and session.state not in (State.SCHEDULED, State.ENDED):
        # A lease of a control process that died may still run: what is held here must be shut there at once.
        stale = (ev.ShutGate(HoldReason.TAKEN_UP),) if session.state is State.HELD else ()
        effects = (ev.OpenPorts(), *stale, *(effect for effect in effects if effect != ev.OpenPorts()))
    return session, effects


# --- the state follows what is known ------------------------------------------------------------------------------


def settle(session: Session, now: Instant, policy: Policy) -> Outcome:
    """Move the state as far as what is known allows, collecting what must be done about it."""
    effects: tuple[Effect, ...] = ()
    while True:
        if session.end is not None and session.state is not State.ENDED:
            session, more = _close(session, session.end)
        else:
            session, more = _ADVANCE[session.state](session, now, policy)
        if not more:
            return session, effects
        effects += more


def _scheduled(session: Session, now: Instant, policy: Policy) -> Outcome:
    if now.wall < session.slot.starts_at - policy.check_in_lead:
        return session, ()
    if now.wall >= check_in.deadline(session.slot, policy):
        # Nobody kept the desk while people could have come: they have missed nothing, we have.
        return _close(session, End(Reason.TECHNICAL, now.wall, cause="desk_missed"))
    return replace(session, state=State.CHECK_IN), (ev.OpenPorts(),)


def _check_in(session: Session, now: Instant, policy: Policy) -> Outcome:
    over = _never_began(session, now, policy)
    if over is not None:
        return _close(session, over)
    if missing(session, now, policy):
        return session, ()
    return _ready(replace(session, state=State.READY), now, policy)


def _ready(session: Session, now: Instant, policy: Policy) -> Outcome:
    over = _never_began(session, now, policy)
    if over is not None:
        return _close(session, over)
    if missing(session, now, policy):
        return replace(session, state=State.CHECK_IN), ()
    if now.wall < session.slot.starts_at:
        return session, ()
    if session.recorder is Recorder.IDLE:
        # Not earlier: the hours before the visit are nobody's evidence (decision 5).
        return replace(session, recorder=Recorder.STARTING, recorded=True), (ev.StartRecording(),)
    if session.recorder is not Recorder.WRITING:
        return session, ()
    left = session.slot.ends_at + policy.slot_reserve - now.wall
    return _open(replace(session, hard_stop=now.mono + left.total_seconds()), now, policy)


def _live(session: Session, now: Instant, policy: Policy) -> Outcome:
    session, deadline = _set_deadline(session, policy)
    over = _limit_reached(session, now)
    if over is not None:
        return _close(session, over)
    holds = hold_reasons(session, policy)
    if holds:
        held = replace(session, state=State.HELD, held_since=now.mono, leased_at=None)
        return held, (ev.ShutGate(holds[0]), *deadline)
    if session.leased_at is None or now.mono >= session.leased_at + RENEW:
        session, lease = _open(session, now, policy)
        return session, (*deadline, *lease)
    return session, deadline


def _held_on(session: Session, now: Instant, policy: Policy) -> Outcome:
    if session.resumes_at is not None and now.mono >= session.resumes_at:
        session = replace(session, resumes_at=None)
    session, deadline = _set_deadline(session, policy)
    over = _limit_reached(session, now) or _grace_over(session, now, policy)
    if over is not None:
        return _close(session, over)
    if session.recorder is Recorder.IDLE:
        return replace(session, recorder=Recorder.STARTING), (ev.StartRecording(), *deadline)
    if hold_reasons(session, policy):
        return session, deadline
    return _open(session, now, policy)


def _over(session: Session, now: Instant, policy: Policy) -> Outcome:
    return session, ()


_ADVANCE: Mapping[State, Callable[[Session, Instant, Policy], Outcome]] = {
    State.SCHEDULED: _scheduled,
    State.CHECK_IN: _check_in,
    State.READY: _ready,
    State.LIVE: _live,
    State.HELD: _held_on,
    State.ENDED: _over,
}


def _open(session: Session, now: Instant, policy: Policy) -> Outcome:
    """Open the gate, or keep it open: one lease, never past the moment at which everything stops."""
    stop = stop_at(session)
    assert stop is not None, "the gate opens only after the slot's end is known on the monotonic clock"
    muted = frozenset(session.muted)
    lease = ev.LeaseGate(min(now.mono + LEASE, stop), stop, limit(session.slot, policy), muted, session.crossed)
    # A gate that opens may be another worker's: it knows of no approval, and a lease raises no limit.
    longer = () if session.state is State.LIVE else extension.orders(session, policy)
    return replace(session, state=State.LIVE, held_since=None, leased_at=now.mono), (*longer, lease)


def _set_deadline(session: Session, policy: Policy) -> Outcome:
    """Once media has crossed both ways the limit is a fixed moment; holds do not stretch it (decision 1).

    Only an earlier first crossing, reported late, moves it, and only forward: the earliest wins. An approval in time
    (broker/session/extension.py) is all that puts it off.
    """
    if session.crossed is None:
        return session, ()
    deadline = session.crossed + allowed(session, policy).total_seconds()
    if session.deadline is not None and session.deadline <= deadline:
        return session, ()
    session = replace(session, deadline=deadline)
    stop = stop_at(session)
    assert stop is not None
    return session, (ev.SetDeadline(stop),)


def _limit_reached(session: Session, now: Instant) -> End | None:
    stop = stop_at(session)
    if stop is None or now.mono < stop:
        return None
    in_time = session.deadline is not None and session.deadline <= stop
    return End(Reason.TIME_LIMIT if in_time else Reason.SLOT_END, now.wall)


def _grace_over(session: Session, now: Instant, policy: Policy) -> End | None:
    reasons = hold_reasons(session, policy)
    if not reasons or session.held_since is None:
        return None
    if now.mono < session.held_since + policy.hold_grace.total_seconds():
        return None
    if session.hold is not None:
        hold = session.hold
        return End(Reason.ENDED_BY_SUPERVISOR, now.wall, by=hold.by, article=hold.article, cause=hold.note)
    return End(Reason.TECHNICAL, now.wall, cause=str(reasons[0]))


def _never_began(session: Session, now: Instant, policy: Policy) -> End | None:
    """How a session ends that never opened its gate: nobody came in time, or something did not work."""
    slot = session.slot
    late = check_in.late_side(session)
    if late is not None and now.wall >= check_in.deadline(slot, policy):
        return _given_up(session, late, now, policy)
    if now.wall >= slot.ends_at:
        lacking = missing(session, now, policy)
        return End(Reason.TECHNICAL, now.wall, cause=str(lacking[0]) if lacking else str(Missing.RECORDER))
    return None


def _given_up(session: Session, late: Side, now: Instant, policy: Policy) -> End:
    """Nobody is blamed for a prisoner who is not brought: only visitors lose something by coming late."""
    if late is Side.PRISON:
        return End(Reason.NO_SHOW, now.wall, side=late)
    article = policy.check_in.articles["late_consequence"]
    return End(Reason.NO_SHOW, now.wall, side=late, article=article, lost=check_in.lost_by(session, late, policy))


def _close(session: Session, end: End) -> Outcome:
    effects: list[Effect] = []
    if session.hard_stop is not None:
        effects.append(ev.ShutGate(end.reason))
    if session.recorded:
        effects.append(ev.FinishRecording(end.reason))
    if session.state is not State.SCHEDULED:
        effects.append(ev.ClosePorts())
    if end.reason is Reason.TECHNICAL:
        effects.append(ev.RequestRebooking(end.cause))
    if end.lost is not None and end.side is not None:
        effects.append(ev.Forfeit(end.side, end.lost))
    return replace(session, state=State.ENDED, end=end, leased_at=None), tuple(effects)


# --- when to come back --------------------------------------------------------------------------------------------


def wakes_at(session: Session, now: Instant, policy: Policy) -> float | None:
    """The monotonic moment at which TimePassed is due if nothing happens before; None when the session is over.

    A moment that has passed stays due until a step has acted on it, so one who asks a little late misses nothing.
    """
    moments = (_state_wakes_at(session, now, policy), alerts.wakes_at(session, stop_at(session), now, policy))
    return min((moment for moment in moments if moment is not None), default=None)


def _state_wakes_at(session: Session, now: Instant, policy: Policy) -> float | None:
    match session.state:
        case State.SCHEDULED:
            return _on_mono(session.slot.starts_at - policy.check_in_lead, now)
        case State.CHECK_IN | State.READY:
            return _before_opening(session, now, policy)
        case State.LIVE:
            assert session.leased_at is not None
            return min(moment for moment in (session.leased_at + RENEW, stop_at(session)) if moment is not None)
        case State.HELD:
            assert session.held_since is not None
            grace = session.held_since + policy.hold_grace.total_seconds()
            moments = (grace, stop_at(session), session.resumes_at)
            return min(moment for moment in moments if moment is not None)
        case State.ENDED:
            return None


def _on_mono(wall: datetime, now: Instant) -> float:
    return now.mono + (wall - now.wall).total_seconds()


def _before_opening(session: Session, now: Instant, policy: Policy) -> float:
    """Only moments at which a step would do something; one that did nothing would be due again at once, for ever."""
    slot, ready = session.slot, session.state is State.READY
    walls = [slot.ends_at]
    if not check_in.all_came(session):
        walls.append(slot.starts_at + policy.late_grace)
    if ready and session.recorder in (Recorder.IDLE, Recorder.WRITING):
        walls.append(slot.starts_at)
    # Just after the bound, which itself still counts as fresh.
    stale = [math.nextafter(_fresh_until(at, policy), math.inf) for at in session.tested.values()] if ready else []
    return min([_on_mono(wall, now) for wall in walls] + stale)
