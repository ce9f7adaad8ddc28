"""Alerts (提醒): what supervisors are called for, by eye and ear (Yunnan 25, 26(3); Guangdong 27).

An alert is new, taken by an officer, and done: by an officer, or by itself when its cause has gone. It only calls:
nothing is held or ended by it. At most one is open of a kind on a side. When one is raised or over is decided in
`broker.session.alert_causes`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from broker.booking.slot import Slot
from broker.kernel.clock import Instant
from broker.kernel.errors import Conflict, Forbidden, NotFound
from broker.kernel.ids import AlertId, Side, SiteId, UserId
from broker.session import events as ev
from broker.session.effects import AlertKind
from broker.session.parts.moment import Moment, Table

KEPT = 100
"""Alerts of one session that are done and still shown; journal and timeline have all of them."""

GRAVE = frozenset(
    {
        AlertKind.QUORUM_AT_RISK,
        AlertKind.ROOM_LOST,
        AlertKind.RECORDER,
        AlertKind.CLOCK,
        AlertKind.ELIGIBILITY,
        AlertKind.BLACK,
        AlertKind.FROZEN,
    }
)
"""The kinds that need a supervisor at once; the others are advisory."""

JUST_LEFT = timedelta(minutes=1)
"""For how long it is grave that an officer has left and only as many as are needed stay. Later it is advisory: the law
asks for no more than that number."""

Key = tuple[AlertKind, Side | None]


class Why(StrEnum):
    """Reason for which an alert is done."""

    OFFICER = "officer"
    GONE = "gone"
    SESSION_OVER = "session_over"


class State(StrEnum):
    """How far the handling of an alert has come."""

    NEW = "new"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its id is unique in its session, and its times never go back.

    `detail`: `unanswered`, `thin` or `lost` of a quorum, `receiving` of a room that sends only, `lost`, `lagging`,
    `film` or `disk` of a recorder, `3/2` of heads (counted / checked in), the seconds of a clock's step, else empty.
    """

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
        """Kind and side, of which only one alert is open at a time."""
        return self.kind, self.side

    @property
    def state(self) -> State:
        """Whether the alert is new, taken or done."""
        if self.done_at is not None:
            return State.DONE
        return State.NEW if self.taken_at is None else State.TAKEN

    @property
    def grave(self) -> bool:
        """Whether it needs a supervisor at once when it is raised."""
        return self.kind in GRAVE

    @property
    def grave_until(self) -> datetime | None:
        """When a grave alert becomes advisory by time alone; None for most."""
        return self.raised_at + JUST_LEFT if self.detail == "thin" else None

    def moment(self, wall: datetime) -> datetime:
        """`wall`, or the last time in this alert where the clock has been set back since."""
        return max(wall, self.taken_at or self.raised_at)

    def to_json(self) -> dict[str, Any]:
        """The alert as JSON values."""
        times = {name: at.isoformat() for name in _TIMES if (at := getattr(self, name)) is not None}
        return {**asdict(self), **dict.fromkeys(_TIMES), **times}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Alert":
        """The alert that `to_json` wrote."""
        converted = {
            "kind": AlertKind(saved["kind"]),
            "side": Side(saved["side"]) if saved["side"] else None,
            "why": Why(saved["why"]) if saved["why"] else None,
        }
        times = {name: datetime.fromisoformat(saved[name]) for name in _TIMES if saved[name]}
        return cls(**{**saved, **times, **converted})


_TIMES = ("raised_at", "taken_at", "done_at")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a room's terminal last found in its own picture and sound."""

    black: bool
    frozen: bool
    silent: bool
    heads: int | None


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of one session, and what more has to be known to raise and close them.

    `dismissed`: an officer is done with the alert though its cause is still there. `since` and `gone`: from when
    (monotonic seconds) a cause holds that has not been raised yet, or one that was raised is gone. `watching` counts
    the officers who are present for each side; on a `thin` side one has left, and the next to leave shuts the gate.
    `clock_moved`: seconds of a step of the machine's clock that is not agreed on.
    """

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
    clock_moved: int = 0

    def opened(self, key: Key) -> Alert | None:
        """The open alert of a kind and side."""
        return next((alert for alert in self.open if alert.key == key), None)

    def latest_done(self, key: Key) -> Alert | None:
        """The alert of a kind and side that was done last."""
        return next((alert for alert in reversed(self.done) if alert.key == key), None)

    def raise_alert(self, key: Key, detail: str, now: Instant) -> tuple["Alerts", Alert]:
        """Open an alert; its id counts the alerts of the session."""
        alert = Alert(AlertId(f"alt_{self.raised + 1}"), *key, detail, now.wall)
        return replace(self, raised=self.raised + 1, open=(*self.open, alert)), alert

    def close(self, alert: Alert, now: Instant, why: Why, by: UserId | None = None) -> "Alerts":
        """Move an open alert to those that are done."""
        done = replace(alert, done_by=by, done_at=alert.moment(now.wall), why=why)
        rest = tuple(other for other in self.open if other is not alert)
        return replace(self, open=rest, done=(*self.done, done)[-KEPT:])

    def to_json(self) -> dict[str, Any]:
        """The alerts as JSON values; for how long causes have lasted is found anew after a restart."""
        return {
            "raised": self.raised,
            "open": [alert.to_json() for alert in self.open],
            "done": [alert.to_json() for alert in self.done],
            "dismissed": [[kind, side] for kind, side in sorted(self.dismissed, key=repr)],
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Alerts":
        """The alerts that `to_json` wrote; none where a snapshot is older than they are."""
        return cls(
            raised=saved.get("raised", 0),
            open=tuple(Alert.from_json(alert) for alert in saved.get("open", ())),
            done=tuple(Alert.from_json(alert) for alert in saved.get("done", ())),
            dismissed=frozenset(
                (AlertKind(kind), Side(side) if side else None) for kind, side in saved.get("dismissed", ())
            ),
        )


# --- facts --------------------------------------------------------------------------------------------------------


def _observed(part: Alerts, fact: ev.RoomObserved, moment: Moment) -> Alerts:
    seen = Observed(fact.black, fact.frozen, fact.silent, fact.heads)
    return replace(part, observed={**part.observed, fact.side: seen})


def _wavers(part: Alerts, fact: ev.QuorumWavers, moment: Moment) -> Alerts:
    return replace(part, wavering=fact.sides)


def _lagging(part: Alerts, fact: ev.RecorderLagging, moment: Moment) -> Alerts:
    return replace(part, lagged=moment.now.mono)


def _disk(part: Alerts, fact: ev.RecorderDisk, moment: Moment) -> Alerts:
    return replace(part, disk_low=fact.low)


def _clock(part: Alerts, fact: ev.ClockStepped, moment: Moment) -> Alerts:
    return replace(part, clock_moved=fact.seconds)


def _taken(part: Alerts, fact: ev.AlertTaken, moment: Moment) -> Alerts:
    alert = _find(part, moment.slot, fact.alert, fact.site)
    if alert.taken_at is not None:
        raise Conflict("Another officer has taken this alert already.", "该提醒已有人处理。", taken_by=alert.taken_by)
    taken = replace(alert, taken_by=fact.by, taken_at=alert.moment(moment.now.wall))
    return replace(part, open=tuple(taken if other is alert else other for other in part.open))


def _finished(part: Alerts, fact: ev.AlertFinished, moment: Moment) -> Alerts:
    alert = _find(part, moment.slot, fact.alert, fact.site)
    part = part.close(alert, moment.now, Why.OFFICER, fact.by)
    return replace(part, dismissed=part.dismissed | {alert.key})


def _find(part: Alerts, slot: Slot, id: AlertId, site: SiteId) -> Alert:
    """Return an open alert by its id. Raises NotFound, Forbidden (another site) or Conflict (done already)."""
    if site not in {slot.place(side).site for side in Side}:
        raise Forbidden("This is a visit of other sites.", "该会见不属于本单位。")
    alert = next((alert for alert in part.open if alert.id == id), None)
    if alert is not None:
        return alert
    if any(alert.id == id for alert in part.done):
        raise Conflict("This alert is done already.", "该提醒已完成。")
    raise NotFound("There is no such alert.", "没有该提醒。")


FACTS: Table = {
    ev.RoomObserved: _observed,
    ev.QuorumWavers: _wavers,
    ev.RecorderLagging: _lagging,
    ev.RecorderDisk: _disk,
    ev.ClockStepped: _clock,
}
ORDERS: Table = {ev.AlertTaken: _taken, ev.AlertFinished: _finished}
"""From check-in to the end, held or not."""
