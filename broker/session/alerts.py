"""Alerts (提醒): what supervisors are called for, to eyes and ears (Yunnan 25, 26(3); Guangdong 27). An alert is new,
taken by an officer, and done: by an officer, or by itself when its cause has gone. It only calls: nothing is held or
ended by it. At most one is open of a kind on a side; a cause has to last before it calls, and to be gone before it is
over, so that nothing flaps. Pure; `broker/session/transitions.py` asks `follow` after each step."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict, Forbidden, NotFound
from broker.kernel.ids import AlertId, Side, SiteId, UserId
from broker.presence import quorum
from broker.session import events as ev
from broker.session.events import AlertKind, Effect
from config.policy import Policy

if TYPE_CHECKING:
    from broker.session.transitions import Session

KEPT = 100
"""Alerts of one session that are done and still shown; journal and timeline have all of them."""
LAGGING = 10.0
"""Seconds after a loss for which the recorder counts as in trouble."""

SHORTEST = 1.0
"""Seconds that a visit must have lasted before its last minutes are announced: to one of a minute nothing is said."""

Key = tuple[AlertKind, Side | None]

OF_SIDE = (
    AlertKind.QUORUM_AT_RISK,
    AlertKind.ROOM_LOST,
    AlertKind.BLACK,
    AlertKind.FROZEN,
    AlertKind.SILENT,
    AlertKind.HEADS,
)
OF_BOTH = (AlertKind.RECORDER, AlertKind.ONE_MINUTE, AlertKind.FIVE_MINUTES)
KEYS: tuple[Key, ...] = (*((kind, side) for kind in OF_SIDE for side in Side), *((kind, None) for kind in OF_BOTH))
GRAVE = frozenset(
    {AlertKind.QUORUM_AT_RISK, AlertKind.ROOM_LOST, AlertKind.RECORDER, AlertKind.BLACK, AlertKind.FROZEN}
)
"""Those that want somebody at once; the others are advisory."""


class Why(StrEnum):
    """Why an alert is done."""

    OFFICER = "officer"
    GONE = "gone"
    SESSION_OVER = "session_over"


class State(StrEnum):
    """How far an alert is."""

    NEW = "new"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Alert:
    """One call. `detail`: `unanswered`, `thin` or `lost` of a quorum, `lost`, `lagging` or `disk` of a recorder, `3/2`
    of heads (counted / checked in), else empty. Of one session the ids are unique; times never go back."""

    id: AlertId
    kind: AlertKind
    side: Side | None
    detail: str
    raised_at: datetime
    taken_by: UserId | None = None
    taken_at: datetime | None = None
    done_by: UserId | None = None
    done_at: datetime | None = None
    why: Why | None = None

    @property
    def key(self) -> Key:
        """Of which only one is open at a time."""
        return self.kind, self.side

    @property
    def state(self) -> State:
        """New, taken or done."""
        if self.done_at is not None:
            return State.DONE
        return State.NEW if self.taken_at is None else State.TAKEN

    def moment(self, wall: datetime) -> datetime:
        """`wall`, unless somebody has set the clock back since the last thing that happened to this alert."""
        return max(wall, self.taken_at or self.raised_at)


@dataclass(frozen=True, slots=True)
class Observed:
    """What a room's terminal last found in its own picture and sound."""

    black: bool
    frozen: bool
    silent: bool
    heads: int | None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Those of one session, and what more has to be known for them. `dismissed`: an officer is done with it though the
    cause is still there. `since` and `gone`: from when (monotonic seconds) a cause holds that has not called yet, or
    one that has called is gone. `watching` counts who watches for each side; on a `thin` one somebody has stopped, and
    the next to stop shuts the gate."""

    raised: int = 0
    open: tuple[Alert, ...] = ()
    done: tuple[Alert, ...] = ()
    dismissed: frozenset[Key] = frozenset()
    since: Mapping[Key, float] = field(default_factory=dict)
    gone: Mapping[Key, float] = field(default_factory=dict)
    observed: Mapping[Side, Observed] = field(default_factory=dict)
    wavering: frozenset[Side] = frozenset()
    watching: Mapping[Side, int] = field(default_factory=dict)
    thin: frozenset[Side] = frozenset()
    lagged: float | None = None
    disk_low: bool = False

    def opened(self, key: Key) -> Alert | None:
        """The open one of a kind and side."""
        return next((one for one in self.open if one.key == key), None)


# --- causes: a word that says more, "" where there is none, None where nobody knows -------------------------------

NOTHING = ""
HOLDS = "holds"


def _cause(session: "Session", key: Key, stop: float | None, now: Instant, policy: Policy) -> str | None:
    kind, side = key
    if side is None:
        return _cause_of_both(session, kind, stop, now, policy)
    match kind:
        case AlertKind.QUORUM_AT_RISK:
            return _quorum(session, side, policy)
        case AlertKind.ROOM_LOST:
            return _room_lost(session, side)
        case AlertKind.HEADS:
            return _heads(session, side, policy)
        case _:
            return _observed(session, kind, side)


def _cause_of_both(session: "Session", kind: AlertKind, stop: float | None, now: Instant, policy: Policy) -> str:
    if kind is AlertKind.RECORDER:
        return _recorder(session, now)
    begins, ends = _announced(session, kind, stop, policy)
    return HOLDS if begins is not None and begins <= now.mono < ends else NOTHING


def _quorum(session: "Session", side: Side, policy: Policy) -> str:
    """Next to be lost: somebody without whom it fails has not answered, or somebody has stopped and only as many as are
    needed are left. Or lost already."""
    if not session.begun:
        return NOTHING
    if not quorum.reached(session.watchers, session.slot, side, policy.min_supervisors):
        return "lost"
    if side in session.alerts.wavering:
        return "unanswered"
    return "thin" if side in session.alerts.thin else NOTHING


def _room_lost(session: "Session", side: Side) -> str | None:
    """Without a relay nobody knows who sends."""
    if not session.begun:
        return NOTHING
    if not session.relay:
        return None
    return HOLDS if side not in session.media else NOTHING


def _observed(session: "Session", kind: AlertKind, side: Side) -> str | None:
    seen = session.alerts.observed.get(side)
    if seen is None:
        return None
    return HOLDS if {"black": seen.black, "frozen": seen.frozen, "silent": seen.silent}[kind] else NOTHING


def _heads(session: "Session", side: Side, policy: Policy) -> str | None:
    """Only once the visit has begun: before, people are in the room who are about to be checked in."""
    seen = session.alerts.observed.get(side)
    if not (session.begun and policy.alerts.count_heads):
        return NOTHING
    if seen is None or seen.heads is None:
        return None
    listed = sum(person.id in session.checked for person in session.slot.people_of(side))
    return f"{seen.heads}/{listed}" if seen.heads > listed else NOTHING


def _recorder(session: "Session", now: Instant) -> str:
    known = session.alerts
    if session.begun and not session.recorder.writes:
        return "lost"
    if known.lagged is not None and now.mono < known.lagged + LAGGING:
        return "lagging"
    return "disk" if known.disk_low else NOTHING


def _announced(session: "Session", kind: AlertKind, stop: float | None, policy: Policy) -> tuple[float | None, float]:
    """From when until when (monotonic seconds) the last minutes are announced; None where a visit is shorter."""
    rules = policy.alerts
    mark = rules.five_minutes if kind is AlertKind.FIVE_MINUTES else rules.one_minute
    if stop is None or session.crossed is None or not session.begun:
        return None, 0.0
    begins = stop - mark.total_seconds()
    ends = stop - rules.one_minute.total_seconds() if kind is AlertKind.FIVE_MINUTES else float("inf")
    return (begins if begins >= session.crossed + SHORTEST else None), ends


# --- what follows -------------------------------------------------------------------------------------------------

Outcome = tuple["Session", tuple[Effect, ...]]


def follow(session: "Session", stop: float | None, now: Instant, policy: Policy) -> Outcome:
    """Raise what calls now, close what has gone. At the end of the session everything is done. `stop`: when media ends
    whatever happens, in monotonic seconds."""
    if session.end is not None:
        return over(session, now)
    session = replace(session, alerts=_reserves(_forgotten(session, now), session, policy))
    effects: list[Effect] = []
    for key in KEYS:
        known, more = _moved(session.alerts, key, _cause(session, key, stop, now, policy), now, policy)
        if known is not session.alerts:
            session = replace(session, alerts=known)
        effects += more
    return session, tuple(effects)


def over(session: "Session", now: Instant) -> Outcome:
    """Nothing of a session that is over calls anybody any more."""
    known = session.alerts
    if not (known.open or known.since or known.gone or known.dismissed):
        return session, ()
    effects = tuple(ev.AlertOver(one.id, one.kind, one.side, Why.SESSION_OVER) for one in known.open)
    for one in known.open:
        known = _closed(known, one, now, Why.SESSION_OVER)
    return replace(session, alerts=replace(known, since={}, gone={}, dismissed=frozenset())), effects


def wakes_at(session: "Session", stop: float | None, now: Instant, policy: Policy) -> float | None:
    """When something is due if nothing happens before; None where nothing is."""
    if session.end is not None:
        return None
    known = session.alerts
    moments = [since + policy.alerts.after(kind) for (kind, _), since in known.since.items()]
    moments += [gone + policy.alerts.clear.total_seconds() for gone in known.gone.values()]
    if known.lagged is not None:
        moments.append(known.lagged + LAGGING)
    moments += _announcements(session, stop, now, policy)
    return min(moments, default=None)


def _announcements(session: "Session", stop: float | None, now: Instant, policy: Policy) -> Iterator[float]:
    """When marks of time are due that have not called yet, and when one gives way to the next."""
    for kind in (AlertKind.FIVE_MINUTES, AlertKind.ONE_MINUTE):
        begins, ends = _announced(session, kind, stop, policy)
        if begins is not None and now.mono < ends and not _called(session.alerts, (kind, None)):
            yield begins


def _called(known: Alerts, key: Key) -> bool:
    return key in known.dismissed or key in known.since or known.opened(key) is not None


def _forgotten(session: "Session", now: Instant) -> Alerts:
    """What a terminal said holds for what it sends; a loss is trouble for a while."""
    known = session.alerts
    seen = {side: one for side, one in known.observed.items() if side in session.media}
    if seen != known.observed:
        known = replace(known, observed=seen)
    if known.lagged is not None and now.mono >= known.lagged + LAGGING:
        known = replace(known, lagged=None)
    return known


def _reserves(known: Alerts, session: "Session", policy: Policy) -> Alerts:
    """Who watches now. As many as are needed are enough; fewer than a moment ago, and just enough, are thin."""
    need = policy.min_supervisors
    now = {side: len({one.user for one in quorum.of_side(session.watchers, session.slot, side)}) for side in Side}
    if now == known.watching:
        return known
    fell = {side for side in Side if side in known.thin or known.watching.get(side, 0) > need}
    return replace(known, watching=now, thin=frozenset(side for side in fell if now[side] == need))


def _moved(known: Alerts, key: Key, cause: str | None, now: Instant, policy: Policy) -> tuple[Alerts, list[Effect]]:
    """One kind on one side, one step further."""
    called = key in known.dismissed or known.opened(key) is not None
    if cause is None or (called if cause else not called):
        return _waiting(known, key, None, None), []
    if cause:
        since = known.since.get(key, now.mono)
        if now.mono < since + policy.alerts.after(key[0]):
            return _waiting(known, key, since, None), []
        return _raised(_waiting(known, key, None, None), key, cause, now)
    gone = known.gone.get(key, now.mono)
    if now.mono < gone + policy.alerts.clear.total_seconds():
        return _waiting(known, key, None, gone), []
    return _healed(_waiting(known, key, None, None), key, now)


def _waiting(known: Alerts, key: Key, since: float | None, gone: float | None) -> Alerts:
    """Note from when a cause holds, or is gone; the same object where that is known."""
    if known.since.get(key) == since and known.gone.get(key) == gone:
        return known
    return replace(known, since=_with(known.since, key, since), gone=_with(known.gone, key, gone))


def _with(times: Mapping[Key, float], key: Key, at: float | None) -> dict[Key, float]:
    others = {one: moment for one, moment in times.items() if one != key}
    return others if at is None else {**others, key: at}


def _raised(known: Alerts, key: Key, cause: str, now: Instant) -> tuple[Alerts, list[Effect]]:
    kind, side = key
    detail = "" if cause == HOLDS else cause
    alert = Alert(AlertId(f"alt_{known.raised + 1}"), kind, side, detail, now.wall)
    raised = replace(known, raised=known.raised + 1, open=(*known.open, alert))
    return raised, [ev.AlertRaised(alert.id, kind, side, detail)]


def _healed(known: Alerts, key: Key, now: Instant) -> tuple[Alerts, list[Effect]]:
    known = replace(known, dismissed=known.dismissed - {key})
    alert = known.opened(key)
    if alert is None:
        return known, []
    return _closed(known, alert, now, Why.GONE), [ev.AlertOver(alert.id, alert.kind, alert.side, Why.GONE)]


def _closed(known: Alerts, alert: Alert, now: Instant, why: Why, by: UserId | None = None) -> Alerts:
    done = replace(alert, done_by=by, done_at=alert.moment(now.wall), why=why)
    rest = tuple(one for one in known.open if one is not alert)
    return replace(known, open=rest, done=(*known.done, done)[-KEPT:])


# --- facts change what is known -----------------------------------------------------------------------------------


def _room_observed(session: "Session", fact: ev.RoomObserved, now: Instant) -> "Session":
    seen = Observed(fact.black, fact.frozen, fact.silent, fact.heads)
    return replace(session, alerts=replace(session.alerts, observed={**session.alerts.observed, fact.side: seen}))


def _wavers(session: "Session", fact: ev.QuorumWavers, now: Instant) -> "Session":
    return replace(session, alerts=replace(session.alerts, wavering=fact.sides))


def _lagging(session: "Session", fact: ev.RecorderLagging, now: Instant) -> "Session":
    return replace(session, alerts=replace(session.alerts, lagged=now.mono))


def _disk(session: "Session", fact: ev.RecorderDisk, now: Instant) -> "Session":
    return replace(session, alerts=replace(session.alerts, disk_low=fact.low))


def _taken(session: "Session", fact: ev.AlertTaken, now: Instant) -> "Session":
    alert = _open(session, fact.alert, fact.site)
    if alert.taken_at is not None:
        raise Conflict("A colleague sees to it already.", "该提醒已有人处理。", taken_by=alert.taken_by)
    taken = replace(alert, taken_by=fact.by, taken_at=alert.moment(now.wall))
    rest = tuple(taken if one is alert else one for one in session.alerts.open)
    return replace(session, alerts=replace(session.alerts, open=rest))


def _finished(session: "Session", fact: ev.AlertFinished, now: Instant) -> "Session":
    alert = _open(session, fact.alert, fact.site)
    known = _closed(session.alerts, alert, now, Why.OFFICER, fact.by)
    return replace(session, alerts=replace(known, dismissed=known.dismissed | {alert.key}))


def _open(session: "Session", id: AlertId, site: SiteId) -> Alert:
    """An open alert. Raises Forbidden for other sites' officers, Conflict for one that is done, NotFound."""
    if site not in {session.slot.place(side).site for side in Side}:
        raise Forbidden("This is a visit of other sites.", "该会见不属于本单位。")
    alert = next((one for one in session.alerts.open if one.id == id), None)
    if alert is not None:
        return alert
    if any(one.id == id for one in session.alerts.done):
        raise Conflict("This alert is done already.", "该提醒已完成。")
    raise NotFound("There is no such alert.", "没有该提醒。")


SEEN: dict[type, Callable[..., "Session"]] = {
    ev.RoomObserved: _room_observed,
    ev.QuorumWavers: _wavers,
    ev.RecorderLagging: _lagging,
    ev.RecorderDisk: _disk,
}
ORDERED: dict[type, Callable[..., "Session"]] = {ev.AlertTaken: _taken, ev.AlertFinished: _finished}
"""From check-in to the end, held or not."""


# --- through a restart --------------------------------------------------------------------------------------------


def freeze(session: "Session") -> dict[str, Any]:
    """The alerts of a session as JSON values; how long causes have lasted is found anew."""
    known = session.alerts
    return {
        "raised": known.raised,
        "open": [_kept(one) for one in known.open],
        "done": [_kept(one) for one in known.done],
        "dismissed": [[kind, side] for kind, side in sorted(known.dismissed, key=repr)],
    }


def thaw(kept: Mapping[str, Any]) -> Alerts:
    """What `freeze` kept; nothing in a snapshot from before there were any."""
    return Alerts(
        raised=kept.get("raised", 0),
        open=tuple(_known(one) for one in kept.get("open", ())),
        done=tuple(_known(one) for one in kept.get("done", ())),
        dismissed=frozenset(
            (AlertKind(kind), Side(side) if side else None) for kind, side in kept.get("dismissed", ())
        ),
    )


def _kept(one: Alert) -> dict[str, Any]:
    times = {name: at.isoformat() for name in _TIMES if (at := getattr(one, name)) is not None}
    return {**asdict(one), **dict.fromkeys(_TIMES), **times}


_TIMES = ("raised_at", "taken_at", "done_at")


def _known(kept: Mapping[str, Any]) -> Alert:
    times = {name: datetime.fromisoformat(kept[name]) for name in _TIMES if kept[name]}
    return Alert(
        **{
            **kept,
            **times,
            "kind": AlertKind(kept["kind"]),
            "side": Side(kept["side"]) if kept["side"] else None,
            "why": Why(kept["why"]) if kept["why"] else None,
        }
    )
