"""When a watcher counts as receiving (Yunnan 25), pure: only what it reports to have got proves that. Browsers name
each packet, ten times a second and oftener; others report on a picture once or twice a second, on sound more rarely."""

from dataclasses import dataclass, field

from broker.kernel.ids import Side
from broker.relay.congestion.subscriber_adaptation import SubscriberAdaptation
from broker.relay.down_track import DownTrack
from broker.relay.track import CLOCK, Track
from broker.relay.transport.peer import Peer

RECEIVING = 1.8  # seconds: reports come each 0.5 to 1.5 s where they do not come oftener; a loss must show within 2 s
BRIDGED = 3.2  # seconds, while the same watcher's sound is reported on: one report on the picture may get lost
HEARING = 9.0  # seconds: Chromium reports on unstamped sound only each 2.5 to 7.5 s
ALIVE = 8.0  # seconds between signs of life of a watcher whose room does not send at all: aiortc checks each 4 to 6 s


@dataclass(slots=True, eq=False)
class ReceivingProof:
    """Somebody who receives one side: the far room's kiosk (gated) or a supervisor."""

    side: Side
    who: str
    gated: bool
    peer: Peer
    tending: SubscriberAdaptation = field(init=False)
    joined: float = 0.0
    receiving: bool = False
    signs: tuple[bool, bool] = (False, False)
    """Whether consent and receiver reports were fresh when that was last told."""

    @property
    def legs(self) -> list[tuple[Track, DownTrack]]:
        """Its destinations, each with the track whose packets it gets now."""
        return self.peer.legs

    def __post_init__(self) -> None:
        self.tending = SubscriberAdaptation(self.peer.path, self.legs, self.gated)

    def same(self, other: "ReceivingProof") -> bool:
        """Whether both connections are for the same: one supervisor, or a side's one far room."""
        return self.side is other.side and self.gated == other.gated and (self.gated or self.who == other.who)


def receives(watching: ReceivingProof, now: float) -> bool:
    """Whether a watcher proves by fresh reports that it gets picture and sound of its side."""
    return all(signs(watching, now))


def signs(watching: ReceivingProof, now: float) -> tuple[bool, bool]:
    """Whether consent (RFC 7675: it is still there and wants to be sent to) and receiver reports are fresh; never of
    who takes no picture."""
    alive = watching.peer.ready and now - watching.peer.heard < ALIVE
    seeing = any(track.video for track, _ in watching.legs)
    return alive, seeing and all(_fresh(track, leg, watching, now) for track, leg in watching.legs)


def numbers(watching: ReceivingProof, now: float) -> dict[str, float | None]:
    """How old the last proofs are (s), and what it last reported of the way to it: the part of packets that was lost,
    jitter and round trip (s). None: not known yet. Of picture and sound the worse; only numbers that JSON has."""
    legs = watching.legs
    proven = [leg.progressed_at for _, leg in legs if leg.progressed_at > 0]
    trips = [leg.round_trip for _, leg in legs if leg.round_trip is not None]
    return {
        "consent_age": now - watching.peer.heard,
        "report_age": now - min(proven) if legs and len(proven) == len(legs) else None,
        "loss": max((leg.lost_fraction / 256 for _, leg in legs), default=0.0),
        "jitter": max((leg.jitter / CLOCK[track.kind] for track, leg in legs), default=0.0),
        "round_trip": max(trips, default=None),
    }


def _fresh(track: Track, leg: DownTrack, watching: ReceivingProof, now: float) -> bool:
    """While nothing is sent there is nothing to prove; who has proven it before gets a report's time to do so again."""
    track = track.best  # a lesser encoding that has stopped is no excuse
    if not track.flowing(now):
        return True
    if track.video or leg.named:
        # A picture that rests because the line is too weak is not watched either: the law asks for eyes (Yunnan 25).
        bridged = not (leg.named or leg.resting) and _hears(watching, now)
        passed = now - max(leg.progressed_at, track.since)
        return leg.progressed_at > 0 and passed < (BRIDGED if bridged else RECEIVING)
    return now - max(leg.progressed_at, watching.joined, track.since) < HEARING


def _hears(watching: ReceivingProof, now: float) -> bool:
    """Whether reports on its sound come, on the same way as those on its picture."""
    return any(now - leg.progressed_at < RECEIVING for track, leg in watching.legs if not track.video)
