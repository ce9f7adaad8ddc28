"""How each connection that receives a side is doing, as the relay workers report it: supervisors, and the room behind
the gate. Officers and operators look at it when a subscriber does not receive; the quorum counts `presence`. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from broker.ipc.relay_messages import Subscription
from broker.kernel.ids import ResourceId, Side, UserId
from broker.presence.quorum import Watcher, observer_of, watcher_of


@dataclass(frozen=True, slots=True)
class Viewer:
    """A subscriber of `side`: a supervisor (`watcher`), a person who looks on and is never counted (`observer`), or the
    far room, which is neither. Ages, jitter and round trip are seconds, `loss` is 0..1."""

    watcher: Watcher | None
    side: Side
    receiving: bool
    consent: bool
    """Whether it has lately proven to be there (RFC 7675)."""
    reports: bool
    """Whether its receiver reports are fresh and name packets that came."""
    consent_age: float
    report_age: float | None
    loss: float
    jitter: float
    round_trip: float | None
    observer: UserId | None = None

    @property
    def room(self) -> bool:
        """Whether this is the far room."""
        return self.watcher is None and self.observer is None


Viewers = dict[ResourceId, Viewer]


def viewer_of(subscription: Subscription) -> Viewer:
    """Return the viewer behind a subscription."""
    officer = None if subscription.gated else watcher_of(subscription.subscriber)
    return Viewer(
        watcher=officer[0] if officer is not None else None,
        side=subscription.side,
        receiving=subscription.on,
        consent=subscription.consent,
        reports=subscription.reports,
        consent_age=subscription.consent_age,
        report_age=subscription.report_age,
        loss=subscription.loss,
        jitter=subscription.jitter,
        round_trip=subscription.round_trip,
        observer=None if subscription.gated else observer_of(subscription.subscriber),
    )


def observers_of(viewers: Viewers) -> tuple[UserId, ...]:
    """Return the persons who look on without being counted, each once."""
    return tuple(sorted({viewer.observer for viewer in viewers.values() if viewer.observer is not None}))


@dataclass(frozen=True, slots=True)
class Summary:
    """Several viewers in numbers, without names: how many, how many of them receive, and the worst of each number."""

    connected: int
    receiving: int
    loss: float
    jitter: float
    round_trip: float | None


def summary(viewers: Iterable[Viewer]) -> Summary:
    """Return the summary of some viewers."""
    all_ = list(viewers)
    trips = [viewer.round_trip for viewer in all_ if viewer.round_trip is not None]
    return Summary(
        connected=len(all_),
        receiving=sum(viewer.receiving for viewer in all_),
        loss=max((viewer.loss for viewer in all_), default=0.0),
        jitter=max((viewer.jitter for viewer in all_), default=0.0),
        round_trip=max(trips, default=None),
    )


def of_supervisors(viewers: Viewers, side: Side) -> Summary:
    """Return the summary of the supervisors who receive `side`."""
    return summary(viewer for viewer in viewers.values() if viewer.side is side and viewer.watcher is not None)


def of_room(viewers: Viewers, side: Side) -> Summary:
    """Return the summary of the room that receives `side` when the gate is open."""
    return summary(viewer for viewer in viewers.values() if viewer.side is side and viewer.room)
