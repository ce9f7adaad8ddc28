"""Causes of alerts: what of a session calls supervisors, and for how long it has to last before it does, and to be gone
before the alert is over, so that nothing flaps. Pure; `follow` is asked after each step."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from broker.booking.language import is_signed
from broker.kernel.clock import Instant
from broker.kernel.ids import Side
from broker.presence import quorum
from broker.session.effects import AlertKind, AlertOver, AlertRaised, Effect
from broker.session.parts.alerts import Alerts, Key, Why
from broker.session.state import Session
from config.policy import Policy

LAGGING = 10.0
"""Seconds after a loss for which the recorder counts as in trouble."""

SHORTEST = 1.0
"""Seconds that a visit must have lasted before its last minutes are announced: not in a visit of one minute."""

OF_SIDE = (
    AlertKind.QUORUM_AT_RISK,
    AlertKind.ROOM_LOST,
    AlertKind.BLACK,
    AlertKind.FROZEN,
    AlertKind.SILENT,
    AlertKind.HEADS,
)
HOLDING = frozenset({AlertKind.QUORUM_AT_RISK, AlertKind.ROOM_LOST, AlertKind.RECORDER})
"""The kinds whose cause also shuts the gate."""
OF_BOTH = (
    AlertKind.RECORDER,
    AlertKind.ELIGIBILITY,
    AlertKind.DRILL,
    AlertKind.CLOCK,
    AlertKind.ONE_MINUTE,
    AlertKind.FIVE_MINUTES,
)
KEYS: tuple[Key, ...] = (*((kind, side) for kind in OF_SIDE for side in Side), *((kind, None) for kind in OF_BOTH))

# --- causes: a word that says more, "" where there is none, None where it is unknown ------------------------------

NOTHING = ""
HOLDS = "holds"


def _cause(session: Session, key: Key, now: Instant, policy: Policy) -> str | None:
    kind, side = key
    if side is None:
        return _cause_of_both(session, kind, now, policy)
    match kind:
        case AlertKind.QUORUM_AT_RISK:
            return _quorum(session, side, policy)
        case AlertKind.ROOM_LOST:
            return _room_lost(session, side)
        case AlertKind.HEADS:
            return _heads(session, side, policy)
        case _:
            return _observed(session, kind, side)


def _cause_of_both(session: Session, kind: AlertKind, now: Instant, policy: Policy) -> str:
    if kind is AlertKind.RECORDER:
        return _recorder(session, now)
    if kind is AlertKind.CLOCK:  # once the gate has opened all is counted by the monotonic clock
        moved = session.alerts.clock_moved
        return f"{moved:+d}" if moved and not session.begun else NOTHING
    if kind is AlertKind.DRILL:  # once people meet, the visit itself has shown what works
        return session.drill.step if session.drill is not None and not session.begun else NOTHING
    if kind is AlertKind.ELIGIBILITY:
        return HOLDS if session.begun and session.bars else NOTHING
    begins, ends = _announced(session, kind, policy)
    return HOLDS if begins is not None and begins <= now.mono < ends else NOTHING


def _quorum(session: Session, side: Side, policy: Policy) -> str:
    """Whether a quorum is lost, or about to be: an officer whom it needs has not answered the attention check, or one
    has left and only as many as are needed stay."""
    if not session.begun:
        return NOTHING
    if not quorum.reached(session.processes.watchers, session.slot, side, policy.min_supervisors):
        return "lost"
    if side in session.alerts.wavering:
        return "unanswered"
    return "thin" if side in session.alerts.thin else NOTHING


def _room_lost(session: Session, side: Side) -> str | None:
    """Whether a room no longer sends, or no longer receives; unknown without a relay."""
    if not session.begun:
        return NOTHING
    if not session.processes.relay:
        return None
    if side not in session.processes.media:
        return HOLDS
    return "receiving" if side not in session.processes.receiving else NOTHING


def _observed(session: Session, kind: AlertKind, side: Side) -> str | None:
    seen = session.alerts.observed.get(side)
    if seen is None:
        return None
    if kind is AlertKind.SILENT and is_signed(session.slot.language):
        return NOTHING  # two rooms that sign are silent
    return HOLDS if {"black": seen.black, "frozen": seen.frozen, "silent": seen.silent}[kind] else NOTHING


def _heads(session: Session, side: Side, policy: Policy) -> str | None:
    """Whether more people are seen than were checked in. Only once the visit has begun: before, people are in the room
    who are about to be checked in."""
    seen = session.alerts.observed.get(side)
    if not (session.begun and policy.alerts.count_heads):
        return NOTHING
    if seen is None or seen.heads is None:
        return None
    listed = sum(person.id in session.check_in.checked for person in session.slot.people_of(side))
    return f"{seen.heads}/{listed}" if seen.heads > listed else NOTHING


def _recorder(session: Session, now: Instant) -> str:
    part = session.alerts
    if session.begun and not session.processes.recorder.writes:
        return "lost"
    if part.lagged is not None and now.mono < part.lagged + LAGGING:
        return "lagging"
    if session.processes.unusable_films:
        return "film"
    return "disk" if part.disk_low else NOTHING


def _announced(session: Session, kind: AlertKind, policy: Policy) -> tuple[float | None, float]:
    """The monotonic seconds from which and until which the last minutes are announced; None where a visit is
    shorter."""
    rules, stop, crossed = policy.alerts, session.gate.stop_at, session.gate.crossed
    mark = rules.five_minutes if kind is AlertKind.FIVE_MINUTES else rules.one_minute
    if stop is None or crossed is None or not session.begun:
        return None, 0.0
    begins = stop - mark.total_seconds()
    ends = stop - rules.one_minute.total_seconds() if kind is AlertKind.FIVE_MINUTES else float("inf")
    return (begins if begins >= crossed + SHORTEST else None), ends


# --- what follows -------------------------------------------------------------------------------------------------


def follow(session: Session, now: Instant, policy: Policy) -> tuple[Alerts, tuple[Effect, ...]]:
    """The alerts with those raised whose cause holds now, and those closed whose cause has gone. At the end of the
    session all are done."""
    if session.end is not None:
        return close_all(session.alerts, now)
    if session.slot.drill:  # its result says what went wrong
        return session.alerts, ()
    part = _with_watching(_without_old(session, now), session, policy)
    session = replace(session, alerts=part)
    effects: list[Effect] = []
    for key in KEYS:
        part, more = _step(part, key, _cause(session, key, now, policy), now, policy)
        effects += more
    return part, tuple(effects)


def close_all(part: Alerts, now: Instant) -> tuple[Alerts, tuple[Effect, ...]]:
    """Close every alert: a session that is over calls no supervisor any more."""
    if not (part.open or part.since or part.gone or part.dismissed):
        return part, ()
    effects = tuple(AlertOver(alert.id, alert.kind, alert.side, Why.SESSION_OVER) for alert in part.open)
    for alert in part.open:
        part = part.close(alert, now, Why.SESSION_OVER)
    return replace(part, since={}, gone={}, dismissed=frozenset()), effects


def wakes_at(session: Session, now: Instant, policy: Policy) -> float | None:
    """When an alert is due if nothing happens before; None where none is."""
    if session.end is not None or session.slot.drill:
        return None
    part = session.alerts
    moments = [since + policy.alerts.after(key[0]) for key, since in part.since.items() if key not in part.gone]
    moments += [gone + policy.alerts.clear.total_seconds() for gone in part.gone.values()]
    if part.lagged is not None:
        moments.append(part.lagged + LAGGING)
    moments += _announcements(session, now, policy)
    return min(moments, default=None)


def _announcements(session: Session, now: Instant, policy: Policy) -> Iterator[float]:
    """When marks of time are due that have not been raised yet, and when one gives way to the next."""
    for kind in (AlertKind.FIVE_MINUTES, AlertKind.ONE_MINUTE):
        begins, ends = _announced(session, kind, policy)
        if begins is not None and now.mono < ends and not _raised_already(session.alerts, (kind, None)):
            yield begins


def _raised_already(part: Alerts, key: Key) -> bool:
    return key in part.dismissed or key in part.since or part.opened(key) is not None


def _without_old(session: Session, now: Instant) -> Alerts:
    """The alerts without what no longer holds: a terminal's report of a room that sends no more, and an old loss."""
    part = session.alerts
    seen = {side: report for side, report in part.observed.items() if side in session.processes.media}
    if seen != part.observed:
        part = replace(part, observed=seen)
    if part.lagged is not None and now.mono >= part.lagged + LAGGING:
        part = replace(part, lagged=None)
    return part


def _with_watching(part: Alerts, session: Session, policy: Policy) -> Alerts:
    """The alerts with the number of officers who are present now. As many as are needed are enough; exactly as many
    after more is thin."""
    need, watchers = policy.min_supervisors, session.processes.watchers
    now = {side: len({w.user for w in quorum.of_side(watchers, session.slot, side)}) for side in Side}
    if now == part.watching:
        return part
    fell = {side for side in Side if side in part.thin or part.watching.get(side, 0) > need}
    return replace(part, watching=now, thin=frozenset(side for side in fell if now[side] == need))


def _step(part: Alerts, key: Key, cause: str | None, now: Instant, policy: Policy) -> tuple[Alerts, list[Effect]]:
    """The alerts after one kind on one side was looked at."""
    raised = key in part.dismissed or part.opened(key) is not None
    if cause and _worsens(part, key, cause):
        part, over = _clear(_waiting(part, key, None, None), key, now)
        part, new = _raise(part, key, cause, now)
        return part, [*over, *new]
    if cause is None or (raised and cause):
        return _waiting(part, key, None, None), []
    if not (raised or cause):
        return _interrupted(part, key, now, policy), []
    if cause:
        since = part.since.get(key, now.mono)
        if now.mono < since + policy.alerts.after(key[0]):
            return _waiting(part, key, since, None), []
        return _raise(_waiting(part, key, None, None), key, cause, now)
    gone = part.gone.get(key, now.mono)
    if now.mono < gone + policy.alerts.clear.total_seconds():
        return _waiting(part, key, None, gone), []
    return _clear(_waiting(part, key, None, None), key, now)


def _worsens(part: Alerts, key: Key, cause: str) -> bool:
    """Whether a quorum without a reserve, of which officers know or with which they are done, fails now: it calls
    anew."""
    alert = part.opened(key) or (part.latest_done(key) if key in part.dismissed else None)
    return alert is not None and alert.detail == "thin" and cause in {"lost", "unanswered"}


def _interrupted(part: Alerts, key: Key, now: Instant, policy: Policy) -> Alerts:
    """The alerts while a cause that is not an alert yet does not hold. What holds the visit, and comes and goes, lasts:
    one hold is one alert."""
    since, gone = part.since.get(key), part.gone.get(key, now.mono)
    lasts = key[0] in HOLDING and since is not None and now.mono < gone + policy.alerts.clear.total_seconds()
    return _waiting(part, key, since, gone) if lasts else _waiting(part, key, None, None)


def _waiting(part: Alerts, key: Key, since: float | None, gone: float | None) -> Alerts:
    """Note from when a cause holds, or is gone; the same object where that is known."""
    if part.since.get(key) == since and part.gone.get(key) == gone:
        return part
    return replace(part, since=_with(part.since, key, since), gone=_with(part.gone, key, gone))


def _with(times: Mapping[Key, float], key: Key, at: float | None) -> dict[Key, float]:
    others = {other: moment for other, moment in times.items() if other != key}
    return others if at is None else {**others, key: at}


def _raise(part: Alerts, key: Key, cause: str, now: Instant) -> tuple[Alerts, list[Effect]]:
    part, alert = part.raise_alert(key, "" if cause == HOLDS else cause, now)
    return part, [AlertRaised(alert.id, alert.kind, alert.side, alert.detail)]


def _clear(part: Alerts, key: Key, now: Instant) -> tuple[Alerts, list[Effect]]:
    part = replace(part, dismissed=part.dismissed - {key})
    alert = part.opened(key)
    if alert is None:
        return part, []
    return part.close(alert, now, Why.GONE), [AlertOver(alert.id, alert.kind, alert.side, Why.GONE)]
