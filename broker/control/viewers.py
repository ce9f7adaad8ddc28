"""How each connection that receives a side is doing, as the relays tell it: supervisors, and the room behind the gate.
What counts for the quorum is `watching`; this is what officers and operators look at when somebody does not. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from broker.kernel.ids import ResourceId, Side
from broker.presence.quorum import Watcher, watcher_of


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who receives `side`; `watcher` is None for a room. Ages, jitter and round trip are seconds, `loss` is 0..1."""

    watcher: Watcher | None
    side: Side
    receiving: bool
    consent: bool
    """Whether it has lately proven to be there (RFC 7675)."""
    reports: bool
    """Whether its receiver reports are fresh and tell of packets that came."""
    consent_age: float
    report_age: float | None
    loss: float
    jitter: float
    round_trip: float | None


Viewers = dict[ResourceId, Viewer]


def viewer_of(told: dict[str, Any]) -> Viewer:
    """One as a relay tells of it."""
    age, trip = told.get("report_age"), told.get("round_trip")
    officer = None if told["gated"] else watcher_of(told["who"])
    return Viewer(
        watcher=officer[0] if officer is not None else None,
        side=Side(told["side"]),
        receiving=bool(told["on"]),
        consent=bool(told.get("consent")),
        reports=bool(told.get("reports")),
        consent_age=float(told.get("consent_age", 0.0)),
        report_age=None if age is None else float(age),
        loss=float(told.get("loss", 0.0)),
        jitter=float(told.get("jitter", 0.0)),
        round_trip=None if trip is None else float(trip),
    )


@dataclass(frozen=True, slots=True)
class Summary:
    """Several viewers in numbers, nobody named: how many, how many of them receive, and the worst of each number."""

    connected: int
    receiving: int
    loss: float
    jitter: float
    round_trip: float | None


def summary(viewers: Iterable[Viewer]) -> Summary:
    """Of these."""
    all_ = list(viewers)
    return Summary(
        connected=len(all_),
        receiving=sum(one.receiving for one in all_),
        loss=max((one.loss for one in all_), default=0.0),
        jitter=max((one.jitter for one in all_), default=0.0),
        round_trip=max((one.round_trip for one in all_ if one.round_trip is not None), default=None),
    )


def of_supervisors(viewers: Viewers, side: Side) -> Summary:
    """The supervisors who receive `side`."""
    return summary(one for one in viewers.values() if one.side is side and one.watcher is not None)


def of_room(viewers: Viewers, side: Side) -> Summary:
    """The room that receives `side` when the gate is open."""
    return summary(one for one in viewers.values() if one.side is side and one.watcher is None)
