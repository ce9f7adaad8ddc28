"""The encodings of one picture where a publisher sends several (simulcast): which of them is the best that comes, and
which down track gets which. All get the best, the far room and the recorder always; a supervisor whose line cannot take
it gets a smaller one, which is better than none.

Each encoding is a Track of its own. A down track changes over with the first packet of a keyframe: up to it, it is in
the plan of one track, from it on in that of another, and its numbers and time go on (`DownTrack.renumbering`)."""

from broker.media.h264 import pixels
from broker.relay.congestion.estimator import STEP
from broker.relay.down_track import NEVER, Flow
from broker.relay.rtp.paced_pictures import rest_of_frame
from broker.relay.rtp.parameter_sets import Ahead
from broker.relay.track import Destination, Track

STALE = 0.5  # seconds without a packet after which another encoding is better than this one
REST = 3.0  # seconds before a return to an encoding that was left: recorders take earlier packets for late ones
LONGEST, SOON = 24.0, 15.0  # seconds: the rest doubles up to LONGEST while the encoding is left again within SOON


class SimulcastLayers:
    """The pictures of one side. `shown` is that side's tracks by kind: its "video" is always the best that comes.
    `streams` is the list of all tracks of the side, to which further encodings are added."""

    def __init__(self, shown: dict[str, Track], streams: list[Track]) -> None:
        self._shown, self._streams = shown, streams
        self.tracks = [shown["video"]]
        self._names: dict[str, Track] = {"": self.best}
        self._left: dict[int, tuple[float, float]] = {}
        """By SSRC: when it ceased to be the best, and for how many seconds it may not become the best again."""
        self._now = self._measured_at = 0.0

    @property
    def best(self) -> Track:
        """The largest picture that comes."""
        return self._shown["video"]

    @property
    def beside(self) -> float:
        """The rate in bit/s of all encodings but the best."""
        return sum(track.encoding.rate for track in self.tracks if track is not self.best)

    # --- publishers ------------------------------------------------------------------------------------------------

    def assign(self, rids: tuple[str, ...]) -> dict[str, Track]:
        """Return which track takes which encoding of a new publisher. `rids` are their names; a single empty name is a
        publisher of one picture. The same names get the same tracks; else the best becomes the track of the first."""
        self._left.clear()
        if set(rids) != set(self._names):
            order = [self.best, *(track for track in self.tracks if track is not self.best)]
            order += [self._add_track() for _ in rids[len(order) :]]
            self._names = dict(zip(rids, order, strict=False))
            for track in order:
                track.layers, track.encoding.size = self if len(rids) > 1 else None, 0
                for down_track in list(track.down_tracks):
                    self._return_to_best(down_track)
        return self._names

    def _add_track(self) -> Track:
        first = self.tracks[0]
        track = Track("video", first.number, first.cname, first.on_gap)
        track.ssrc_out, track.rtx_out, track.crossing = first.ssrc_out, first.rtx_out, first.crossing
        self.tracks.append(track)
        self._streams.append(track)
        return track

    def _return_to_best(self, down_track: Destination) -> None:
        down_track.lesser, flowed = None, down_track.flowing
        if down_track.track is not self.best:
            self._move(down_track, self.best, down_track.track.sent_at)
            if flowed:
                self.best.start(down_track)

    # --- which is the best -----------------------------------------------------------------------------------------

    def handle_keyframe(self, track: Track, packet: bytes, number: int, now: float) -> None:
        """A keyframe begins on `track` with `packet`, extended number `number`, which came in its turn."""
        track.encoding.size = pixels(packet) or track.encoding.size
        if track is not self.best and self._is_better(track, now):
            self._choose(track, now)
        if track is self.best:
            self._take_tap(track)
        for other in self.tracks:
            for down_track in list(other.down_tracks):
                if other is not track and down_track.flowing and self._meant_for(down_track, now) is track:
                    self._move(down_track, track, now)
                    track.join(down_track, number, packet)

    def tick(self, now: float) -> None:
        """Notice what no longer comes, and request the keyframes with which down tracks change over."""
        self._now = now
        if self.best.layers is None:
            return
        self._measure(now)
        top = max((track for track in self.tracks if self._comes(track, now)), key=_size, default=self.best)
        if top is not self.best and not self._comes(self.best, now):
            self._choose(top, now)
        elif _size(top) > _size(self.best) and self._is_better(top, now):
            top.request_keyframe()
        for track in self.tracks:
            if track.tap is not None and track is not self.best:
                self.best.request_keyframe()
            for down_track in list(track.down_tracks):
                self._settle(down_track, now)

    def _settle(self, down_track: Destination, now: float) -> None:
        """Bring a down track to the encoding meant for it: at once where nothing flows to it, else with a keyframe."""
        meant = self._meant_for(down_track, now)
        if meant is down_track.track:
            return
        if down_track.flowing:
            meant.request_keyframe()
        elif meant.receive_stats is not None:
            self._move(down_track, meant, now)

    def _comes(self, track: Track, now: float) -> bool:
        return track.keyframes.seen and now - track.received_at < STALE

    def _is_better(self, track: Track, now: float) -> bool:
        if not self._comes(self.best, now):
            return True
        if _size(track) <= _size(self.best) or track.receive_stats is None:
            return False
        left, rest = self._left.get(track.receive_stats.ssrc, (-REST, REST))
        return now - left >= rest

    def _choose(self, track: Track, now: float) -> None:
        """Make `track` the best from now on; the best's frame count and its time of flow go on."""
        former = self.best
        if former.receive_stats is not None:
            ssrc = former.receive_stats.ssrc
            left, rest = self._left.get(ssrc, (-SOON, REST))
            self._left[ssrc] = now, min(2 * rest, LONGEST) if now - left < rest + SOON else REST
        track.frames, track.flowing_since = former.frames, min(track.flowing_since, former.flowing_since)
        self._shown["video"] = track

    def _take_tap(self, track: Track) -> None:
        for other in self.tracks:
            if other is not track and other.tap is not None:
                track.tap, other.tap, track.sets.recorder_lacks = other.tap, None, True

    def _measure(self, now: float) -> None:
        seconds = now - self._measured_at
        if seconds < STEP:
            return
        self._measured_at = now
        for track in self.tracks:
            encoding = track.encoding
            grown = 0 if encoding.octets is None else track.octets - encoding.octets
            encoding.rate, encoding.octets = (encoding.rate + 8 * grown / seconds) / 2, track.octets

    # --- which down track gets which -------------------------------------------------------------------------------

    def _meant_for(self, down_track: Destination, now: float) -> Track:
        if down_track.lesser is not None and not self._comes(down_track.lesser, now):
            down_track.lesser = None
        return down_track.lesser or self.best

    def lower(self, down_track: Destination, need: float) -> bool:
        """Give `down_track` a smaller encoding than it has or waits for: the largest that a line of `need` bit/s
        carries. Return False where no encoding is small enough."""
        size = _size(down_track.track)
        size = min(size, _size(down_track.lesser) if down_track.lesser is not None else size)
        fit = [
            track
            for track in self.tracks
            if _size(track) < size and track.encoding.rate <= need and self._comes(track, self._now)
        ]
        if not fit:
            return False
        down_track.lesser = max(fit, key=_size)
        down_track.lesser.request_keyframe()
        return True

    def _move(self, down_track: Destination, to: Track, now: float) -> None:
        """Move a down track to another track. Where it waited for a keyframe it waits there; where it flowed the caller
        joins it again."""
        origin, waited = down_track.track, down_track.waiting
        own = (origin.ts_offset + down_track.renumbering.timestamp) & 0xFFFFFFFF
        rest = [
            Ahead(down_track, down_track.renumbering.to_subscriber(number), packet)
            for number, packet in rest_of_frame(down_track)
        ]
        if down_track.flowing:
            origin.leave(down_track, Flow.STOPPED)
        elif waited:
            down_track.flow = Flow.PAUSED if down_track.resting else Flow.STOPPED
        origin.down_tracks.remove(down_track)
        origin.rebuild()
        later = origin.timestamp_at(now) + 1 - to.timestamp_at(now)  # by a tick at least
        down_track.renumbering.timestamp = (down_track.renumbering.timestamp + later) & 0xFFFFFFFF
        down_track.track = to
        to.add(down_track)
        later = own - to.ts_offset - down_track.renumbering.timestamp
        to.sets.ahead += [ahead._replace(packet=_moved(ahead.packet, later)) for ahead in rest]
        down_track.keyframe.pending = False
        down_track.reports.newest_missed = NEVER  # numbers of another stream
        if waited:
            to.start(down_track)


def _moved(packet: bytes, ticks: int) -> bytes:
    """Return a packet with another timestamp."""
    ts = (int.from_bytes(packet[4:8], "big") + ticks) & 0xFFFFFFFF
    return packet[:4] + ts.to_bytes(4, "big") + packet[8:]


def _size(track: Track) -> int:
    return track.encoding.size
