"""What each watcher's line needs, looked at twice a second, pure: on a bad one sound and repairs go out several times;
one too weak for the picture gets a lesser encoding of it, where there is one, or none up to a keyframe it can take.
Sound never rests. The far room's need is told to the publisher too, who then sends less; a supervisor's line never
touches what others see."""

from math import inf

from broker.relay.congestion.estimator import STEP
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import DownTrack
from broker.relay.track import Track

BAD, GOOD = 0.02, 0.005  # smoothed part of packets lost from which on, and below which no longer, a line is bad
COPIES = 3  # on a bad line that is not full: of 5 % lost packets a hundredth of a percent remains
CREDIT, GATED_CREDIT = 2.0, 5.0  # seconds that a line may be sent too much; the far room's sender soon sends less
LEAST = 80_000  # bit/s below which a picture would be a keyframe now and then: sound alone is worth more
REST = 2.0  # seconds at least between two beginnings: each costs everybody a keyframe
PATIENCE = 60.0  # seconds at most before the better encoding is tried again, after attempts that failed
SOON_AGAIN = 10.0  # seconds: an attempt that ends so soon has failed
ROOM = 1.2  # a line must carry so much more than the better encoding


class SubscriberAdaptation:
    """Of one watcher; `legs` are what it gets. `credit` is in bits: what its line carries adds, what is sent takes."""

    def __init__(self, path: SentPackets, legs: list[tuple[Track, DownTrack]], gated: bool) -> None:
        self._path, self._legs = path, legs
        self._gated, self._seconds = gated, GATED_CREDIT if gated else CREDIT
        self._credit = inf  # which nothing can use up
        self._sent: dict[str, int] = {}
        self._sound = 0.0
        self._looked = self._rested = self._rose = -inf
        self._patience = REST
        self._seen: Track | None = None

    @property
    def need(self) -> float:
        """The rate in bit/s that the picture may have on this line."""
        capacity = self._path.capacity
        left = capacity.rate - self._sound
        return inf if not capacity.limited else left if left >= LEAST else 0.0

    def look(self, now: float) -> None:
        """Every STEP; oftener does nothing."""
        seconds = min(now - self._looked, 2 * STEP)
        if seconds < STEP:
            return
        self._looked = now
        bits = {track.kind: self._bits(track, leg) for track, leg in self._legs}
        if any(leg.named for _, leg in self._legs):
            self._path.look(now)
        for track, leg in self._legs:
            self._copy(track, leg, now)
            if track.video:
                if not leg.named:
                    self._path.believe(now, seconds, bits[track.kind] / seconds, leg.lost_fraction / 256)
                self._spend(track, bits[track.kind], seconds)
                self._thin(track, leg, now)
            else:
                self._sound = bits[track.kind] * leg.copies / seconds

    def _bits(self, track: Track, leg: DownTrack) -> int:
        """Sent to `leg` since the last look, RTP headers included."""
        packets, octets = track.sent(leg)
        sent = 8 * (octets + 12 * packets)
        before, self._sent[track.kind] = self._sent.get(track.kind, sent), sent
        return sent - before

    def _copy(self, track: Track, leg: DownTrack, now: float) -> None:
        """Several copies where much is lost by chance; on a full line they would only take each other's place."""
        loss = max(self._path.capacity.loss, 0.0 if leg.named else leg.lost_fraction / 256)
        bad = loss > (GOOD if leg.copies > 1 else BAD)
        copies = COPIES if bad and not self._path.capacity.full(now) else 1
        if copies != leg.copies:
            leg.copies = copies
            track.rebuild()

    def _spend(self, track: Track, bits: int, seconds: float) -> None:
        most = self._seconds * self.need
        if track is not self._seen:
            self._seen, self._credit = track, most / 2  # what another encoding has cost says nothing of this one
        elif most == inf or self._credit == inf:
            self._credit = most
        else:
            self._credit = min(most, self._credit + self.need * seconds - bits)

    def _thin(self, track: Track, leg: DownTrack, now: float) -> None:
        if leg.flowing and self._credit < 0:
            if leg.lesser not in (None, track) and now - self._rested < REST:
                return  # on its way to a lesser one
            self._rested, leg.lost_fraction = now, 0  # what was reported so far says nothing of the line at rest
            if not self._lower(track, leg, now):
                track.ebb(leg)
        elif leg.resting and not leg.waiting and now - self._rested >= REST and self._affords():
            track.start(leg)
        elif leg.lesser is not None and now - self._rested >= self._patience and self.need > ROOM * track.best.rate:
            self._rested = self._rose = now
            leg.lesser = None

    def _lower(self, track: Track, leg: DownTrack, now: float) -> bool:
        """A lesser encoding instead of rest, where there is one that the line carries; the far room gets the best, of
        which its sender soon sends less."""
        if self._gated or track.layers is None or not track.layers.lower(leg, track, self.need):
            return False
        failed = now - self._rose < SOON_AGAIN
        self._patience = min(2 * self._patience, PATIENCE) if failed else REST
        return True

    def _affords(self) -> bool:
        """Whether a keyframe and what follows it has a chance."""
        return self.need > 0 and self._credit >= self._seconds * self.need / 2
