"""Fits what a subscriber gets to its line, twice a second, pure. On a line that loses much, sound and retransmissions
are sent several times, a little apart. A line too weak for the picture gets a smaller encoding, where there is one, or
no picture until a keyframe that it can carry. Sound never pauses. The far room's need also limits the publisher, which
then sends less; a supervisor's line never changes what others get.

In a visit in sign language it is the other way round: the picture has a floor, below which sound is left out before a
picture pauses. Sound comes back when the line carries both with some margin."""

from collections.abc import Sequence
from math import inf

from broker.relay.congestion.estimator import STEP
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import Flow
from broker.relay.rtp.later_copies import SOUND
from broker.relay.rtp.paced_pictures import behind, pace, shorten
from broker.relay.track import Destination, Track

BAD, GOOD = 0.02, 0.005  # smoothed part of packets lost from which on, and below which no longer, a line is bad
MOST_COPIED = 3  # a picture is copied where the line carries so many times what is sent without copies
KEEP, LONGEST_KEEP = 30.0, 240.0  # seconds for which copies are sent after a loss, doubled when they are missed soon
CREDIT, GATED_CREDIT = 2.0, 5.0  # seconds that a line may be sent too much; the far room's publisher soon sends less
PACE = 1.1  # times the picture's share of the line at which it is sent where the line is weak: what waits must get less
BEHIND, GATED_BEHIND = 1.0, 2.0  # seconds that a picture may wait; the far room's publisher soon sends less
LEAST = 80_000  # bit/s below which a picture would be a rare keyframe: sound alone is better
REST = 2.0  # seconds at least between two starts of the picture: each costs all other subscribers a keyframe
PATIENCE = 60.0  # seconds at most before the better encoding is tried again, after attempts that failed
SOON_AGAIN = 10.0  # seconds: an attempt that ends within them has failed
MARGIN = 1.2  # the line must carry so many times the better encoding's rate, or picture and sound
SILENT = 5.0  # seconds at least for which sound is left out: words in pieces are worse than none
SPEECH = 40_000.0  # bit/s that sound is taken to need where none has been measured


class SubscriberAdaptation:
    """Adapts the `down_tracks` of one subscriber. The credit is in bits: the line's capacity adds, packets sent
    take. `floor` is what its picture gets before its sound does, in bit/s; 0 where sound goes first.

    `silenced`: its sound is to be left out, which the caller does."""

    def __init__(self, path: SentPackets, down_tracks: Sequence[Destination], gated: bool, floor: float = 0.0) -> None:
        self._floor, self.silenced, self._silenced_at = floor, False, -inf
        self._path, self._down_tracks = path, down_tracks
        self._gated, self._seconds = gated, GATED_CREDIT if gated else CREDIT
        self._behind = GATED_BEHIND if gated else BEHIND
        self._credit = inf  # not limited yet
        self._sent: dict[str, int] = {}
        self._sound = 0.0
        self._ticked_at = self._changed_at = self._raised_at = -inf
        self._patience = REST
        self._keep, self._lost_at, self._single_at = KEEP, -inf, -inf
        """For how long copies are sent, when a loss was seen last, and since when packets are sent once."""
        self._track: Track | None = None
        self._reports = 0
        """How many receiver reports on the picture have been looked at."""

    @property
    def need(self) -> float:
        """The rate in bit/s that the picture may have on this line."""
        capacity = self._path.capacity
        if not capacity.limited:
            return inf
        left = capacity.rate - (0.0 if self.silenced else self._sound)
        if self._floor and not self.silenced:
            return max(left, self._floor)
        return left if left >= LEAST else 0.0

    def tick(self, now: float) -> None:
        """Adapt, once in a STEP; only a picture that is far behind stops earlier."""
        for down_track in self._down_tracks:
            if behind(down_track) > self._behind:
                if down_track.flow is Flow.FLOWING:
                    self._weaken(down_track, now)
                shorten(down_track)
        seconds = min(now - self._ticked_at, 2 * STEP)
        if seconds < STEP:
            return
        self._ticked_at = now
        bits = {down_track.track.kind: self._bits(down_track) for down_track in self._down_tracks}
        named = any(down_track.named and bits[down_track.track.kind] for down_track in self._down_tracks)
        if named:
            self._path.tick(now, sum(bits[other.track.kind] for other in self._down_tracks if not other.named))
        self._set_copies(now, seconds, bits)
        self._weigh_sound(now)
        for down_track in self._down_tracks:
            kind = down_track.track.kind
            if kind != "video":
                if not self.silenced:
                    self._sound = bits[kind] * (1 + SOUND if down_track.copied else 1) / seconds
                continue
            if not named:
                loss = self._news(down_track)
                self._path.tick_by_reports(now, seconds, bits[kind] / seconds, loss)
            self._spend(down_track.track, bits[kind], seconds)
            self._adapt_picture(down_track, now)
            limited = self._path.capacity.limited
            pace(down_track, PACE * max(self.need, LEAST) if limited else None)

    def _news(self, down_track: Destination) -> float | None:
        """Return the part that the reports since the last call say was lost; None where none has come."""
        before, self._reports = self._reports, down_track.reports.count
        return down_track.reports.lost_fraction / 256 if self._reports != before else None

    def _bits(self, down_track: Destination) -> int:
        """Return the bits sent to `down_track` since the last call, RTP headers included."""
        packets, octets = down_track.track.sent(down_track)
        sent, kind = 8 * (octets + 12 * packets), down_track.track.kind
        before, self._sent[kind] = self._sent.get(kind, sent), sent
        return sent - before

    def _set_copies(self, now: float, seconds: float, bits: dict[str, int]) -> None:
        """Let copies follow where much is lost by chance; on a full line they would only displace each other. Of a
        picture they do for a subscriber that asks for no packet, where the line carries them."""
        reported = [down_track.reports.lost_fraction / 256 for down_track in self._down_tracks if not down_track.named]
        lossy = self._is_lossy(max(self._path.capacity.loss, *reported, *self._unrepaired(now), 0.0), now)
        capacity = self._path.capacity
        most = 0.0 if capacity.limited else capacity.rate * seconds / MOST_COPIED
        for down_track in self._down_tracks:
            picture = down_track.track.video
            copied = lossy and not (picture and (down_track.reports.nacks or sum(bits.values()) > most))
            down_track.lossy = lossy
            if copied != down_track.copied:
                down_track.copied = copied
                down_track.track.rebuild()

    def _unrepaired(self, now: float) -> list[float]:
        """Return a part that is lost for each picture of a subscriber that reports no loss and asks for no packet, but
        again and again for keyframes."""
        reports = [down_track.reports for down_track in self._down_tracks if not down_track.named]
        return [2 * BAD for report in reports if not report.nacks and now - report.keyframes_asked[1] < SOON_AGAIN]

    def _is_lossy(self, loss: float, now: float) -> bool:
        """Return whether copies are to follow where this part is lost. Of sound that is sent three times almost nothing
        is, so that a loss is no longer seen: copies are kept for a while, and longer each time that they are missed."""
        several = any(down_track.lossy for down_track in self._down_tracks)
        if self._path.capacity.full(now):
            return False
        if loss > (GOOD if several else BAD):
            if not several:
                missed = now - self._single_at < SOON_AGAIN
                self._keep = min(2 * self._keep, LONGEST_KEEP) if missed else KEEP
            self._lost_at = now
            return True
        if several and now - self._lost_at < self._keep:
            return True
        if several:
            self._single_at = now
        return False

    def _spend(self, track: Track, bits: int, seconds: float) -> None:
        most = self._seconds * self.need
        if track is not self._track:
            self._track, self._credit = track, most / 2  # the cost of another encoding says nothing about this one
        elif most == inf or self._credit == inf:
            self._credit = most
        else:
            self._credit = min(most, self._credit + self.need * seconds - bits)

    def _adapt_picture(self, down_track: Destination, now: float) -> None:
        track, rested = down_track.track, now - self._changed_at
        if down_track.flow is Flow.FLOWING and self._credit < 0:
            self._weaken(down_track, now)
        elif down_track.flow is Flow.PAUSED and not down_track.thinned and rested >= REST and self._affords_start():
            track.start(down_track)
        elif down_track.lesser is not None and rested >= self._patience and self._affords_best(track):
            self._changed_at = self._raised_at = now
            down_track.lesser = None

    def _weigh_sound(self, now: float) -> None:
        """Leave sound out where the line does not carry it beside the picture's floor, and let it come back."""
        if not self._floor:
            return
        capacity, both = self._path.capacity, self._floor + (self._sound or SPEECH)
        if not self.silenced and capacity.limited and capacity.rate < both:
            self._silence(now)
        elif self.silenced and now - self._silenced_at >= SILENT:
            self.silenced = capacity.limited and capacity.rate < MARGIN * both

    def _silence(self, now: float) -> None:
        self.silenced, self._silenced_at = True, now
        self._credit = inf  # what sound took is the picture's now

    def _weaken(self, down_track: Destination, now: float) -> None:
        """Send a smaller encoding, where there is one, or no picture for a while. Before a picture in sign language
        pauses its sound is left out, and has to have been for a moment."""
        if down_track.lesser not in (None, down_track.track) and now - self._changed_at < REST:
            return  # it changes over to a smaller one already
        # What was reported before says nothing about the line at rest.
        self._changed_at, down_track.reports.lost_fraction = now, 0
        if self._lower(down_track, now):
            return
        if self._floor and not self.silenced:
            self._silence(now)
        elif now - self._silenced_at >= REST:
            down_track.thinned = False
            down_track.track.pause(down_track)

    def _lower(self, down_track: Destination, now: float) -> bool:
        """Give a supervisor a smaller encoding, where there is one that the line carries. The far room always gets the
        best, of which its publisher soon sends less."""
        layers = down_track.track.layers
        if self._gated or layers is None or not layers.lower(down_track, self.need):
            return False
        failed = now - self._raised_at < SOON_AGAIN
        self._patience = min(2 * self._patience, PATIENCE) if failed else REST
        return True

    def _affords_best(self, track: Track) -> bool:
        """Whether the line carries the best encoding with some margin."""
        return self.need > MARGIN * track.best.encoding.rate

    def _affords_start(self) -> bool:
        """Whether the line can probably carry a keyframe and what follows it."""
        return self.need > 0 and self._credit >= self._seconds * self.need / 2
