"""The encodings of one picture where a publisher sends several (simulcast): which of them is the best that comes, and
who gets which. Everybody gets the best, the far room and the recorder always; a supervisor whose line cannot take it
gets a lesser one, which is better than none.

Each encoding is a Track of its own. A change happens with the first packet of a keyframe: up to it a leg is in the plan
of one track, from it on in that of another, and its numbers and its time go on (`Leg.shift`, `Leg.lag`)."""

from collections.abc import Callable
from math import inf

from broker.media.h264 import pixels
from broker.relay.congestion.estimator import STEP
from broker.relay.down_track import DownTrack
from broker.relay.track import Track

STALE = 0.5  # seconds without a packet after which another encoding is better than this one
REST = 3.0  # seconds before a return to an encoding that was left: recorders take what comes earlier for stragglers
LONGEST, SOON = 24.0, 15.0  # seconds: it grows to so much while one is left again so soon, as a weak machine's are


class SimulcastLayers:
    """The pictures of one side. `shown` is that side's tracks by kind: its "video" is always the best that comes.
    `streams` is the list of all tracks of the side, to which those that are needed are added."""

    def __init__(self, shown: dict[str, Track], streams: list[Track], ready: Callable[[Track], None]) -> None:
        self._shown, self._streams, self._ready = shown, streams, ready
        self.tracks = [shown["video"]]
        self._names: dict[str, Track] = {"": self.best}
        self._left: dict[int, tuple[float, float]] = {}
        """When an SSRC ceased to be the best, and how long it may not become it again."""
        self._octets: dict[Track, int] = {}
        self._now = self._measured = 0.0

    @property
    def best(self) -> Track:
        """The largest picture that comes."""
        return self._shown["video"]

    @property
    def beside(self) -> float:
        """The rate in bit/s of all but the best."""
        return sum(track.rate for track in self.tracks if track is not self.best)

    # --- publishers ------------------------------------------------------------------------------------------------

    def assign(self, rids: tuple[str, ...]) -> dict[str, Track]:
        """Which track takes which encoding of a new publisher; `rids` are their names, one empty name is a publisher
        of one picture. Who comes back finds its own; else the first is that in which everybody is."""
        self._left.clear()
        if set(rids) != set(self._names):
            order = [self.best, *(track for track in self.tracks if track is not self.best)]
            order += [self._another() for _ in rids[len(order) :]]
            self._names = dict(zip(rids, order, strict=False))
            for track in order:
                track.layers, track.size = self if len(rids) > 1 else None, 0
                for leg in list(track.legs):
                    self._go_home(leg, track)
        return self._names

    def _another(self) -> Track:
        first = self.tracks[0]
        track = Track("video", first.number, first.cname)
        track.ssrc_out, track.rtx_out, track.crossing = first.ssrc_out, first.rtx_out, first.crossing
        self.tracks.append(track)
        self._streams.append(track)
        self._ready(track)
        return track

    def _go_home(self, leg: DownTrack, track: Track) -> None:
        leg.lesser, flowed = None, leg.flowing
        if track is not self.best:
            self._move(leg, track, self.best, track.left)
            if flowed:
                self.best.start(leg)

    # --- which is the best -----------------------------------------------------------------------------------------

    def keyframe(self, track: Track, packet: bytes, number: int, now: float) -> None:
        """With this packet, extended number `number`, a keyframe begins on `track`; it came in its turn."""
        track.size = pixels(packet) or track.size
        if track is not self.best and self._is_better(track, now):
            self._choose(track, now)
        if track is self.best:
            self._take_tap(track)
        for other in self.tracks:
            for leg in list(other.legs):
                if other is not track and leg.flowing and self._meant_for(leg, now) is track:
                    self._move(leg, other, track, now)
                    track.join(leg, number)

    def look(self, now: float) -> None:
        """Every tick: notice what no longer comes, and ask for the keyframes with which somebody changes over."""
        self._now = now
        if self.best.layers is None:
            return
        self._measure(now)
        top = max((track for track in self.tracks if self._comes(track, now)), key=_size, default=self.best)
        if top is not self.best and not self._comes(self.best, now):
            self._choose(top, now)
        elif top.size > self.best.size and self._is_better(top, now):
            top.want_keyframe()
        for track in self.tracks:
            if track.tap is not None and track is not self.best:
                self.best.want_keyframe()
            for leg in list(track.legs):
                self._settle(leg, track, now)

    def _settle(self, leg: DownTrack, track: Track, now: float) -> None:
        """Bring a leg nearer to where it belongs: at once where nothing flows to it, else with a keyframe."""
        meant = self._meant_for(leg, now)
        if meant is track:
            return
        if leg.flowing:
            meant.want_keyframe()
        elif meant.arrivals is not None:
            self._move(leg, track, meant, now)

    def _comes(self, track: Track, now: float) -> bool:
        return track.seen_keyframe and now - track.last_at < STALE

    def _is_better(self, track: Track, now: float) -> bool:
        if not self._comes(self.best, now):
            return True
        if track.size <= self.best.size or track.arrivals is None:
            return False
        left, rest = self._left.get(track.arrivals.ssrc, (-REST, REST))
        return now - left >= rest

    def _choose(self, track: Track, now: float) -> None:
        """From now on `track` is the best; what is counted and known of the best goes on."""
        former = self.best
        if former.arrivals is not None:
            left, rest = self._left.get(former.arrivals.ssrc, (-SOON, REST))
            self._left[former.arrivals.ssrc] = now, min(2 * rest, LONGEST) if now - left < rest + SOON else REST
        track.frames, track.since = former.frames, min(track.since, former.since)
        self._shown["video"] = track

    def _take_tap(self, track: Track) -> None:
        for other in self.tracks:
            if other is not track and other.tap is not None:
                track.tap, other.tap = other.tap, None

    def _measure(self, now: float) -> None:
        seconds = now - self._measured
        if seconds < STEP:
            return
        self._measured = now
        for track in self.tracks:
            grown = track.octets - self._octets.get(track, track.octets)
            track.rate, self._octets[track] = (track.rate + 8 * grown / seconds) / 2, track.octets

    # --- who gets which --------------------------------------------------------------------------------------------

    def _meant_for(self, leg: DownTrack, now: float) -> Track:
        if leg.lesser is not None and not self._comes(leg.lesser, now):
            leg.lesser = None
        return leg.lesser or self.best

    def lower(self, leg: DownTrack, of: Track, need: float) -> bool:
        """Give `leg`, which gets `of`, less than that: the most that a line of `need` bit/s carries. False where no
        encoding is small enough."""
        least = min(of.size, leg.lesser.size if leg.lesser is not None else of.size)
        fit = [one for one in self.tracks if one.size < least and one.rate <= need and self._comes(one, self._now)]
        if not fit:
            return False
        leg.lesser = max(fit, key=_size)
        leg.lesser.want_keyframe()
        return True

    def _move(self, leg: DownTrack, of: Track, to: Track, now: float) -> None:
        """`leg` belongs to another track from now on. Where it waited for a keyframe it waits there; where it flowed it
        has to be joined again."""
        waited = leg.waiting
        if leg.flowing:
            of.leave(leg)
        of.legs.remove(leg)
        of.rebuild()
        leg.lag = (leg.lag + of.time(now) + 1 - to.time(now)) & 0xFFFFFFFF  # later by a tick at least
        leg.peer.legs[:] = [(to, one) if one is leg else (track, one) for track, one in leg.peer.legs]
        to.add(leg)
        leg.waiting = leg.ebbing = leg.wish = False
        leg.missed = -inf  # numbers of another stream
        if waited:
            to.start(leg)


def _size(track: Track) -> int:
    return track.size
