"""Thins supervisors' pictures while their worker is overloaded, pure. What flows is whole: all supervisors of a picture
begin with the same keyframe, get every frame for a while, and pause together at the end of a frame. So a publisher is
asked for one keyframe a PERIOD, however many watch, no picture is damaged, and the next frame comes within two seconds.
Pictures pause at different moments: the load stays even.

A supervisor whose picture is thinned still has to prove that it arrives (`receiving_proof`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from broker.relay.down_track import Flow
from broker.relay.track import Destination, Track

PERIOD = 1.4  # seconds from one keyframe to the request for the next, which comes within a fifth of one
GAP = 1.7  # seconds without a frame at most, where keyframes come; pages and the proof of receiving allow for two
SAME = 0.2  # seconds in which what begins a keyframe is one keyframe: parameter sets may come in packets of their own


@dataclass(slots=True)
class Run:
    """One picture's present turn, which began with a keyframe: when it `began`, how long the shorter of the last two
    turns was (s), how long the `last` one was, and whether pictures are `paused`, or `awaited` again."""

    began: float
    period: float = PERIOD
    last: float = inf
    paused: bool = False
    awaited: bool = False

    def length(self, share: float) -> float:
        """Return for how many seconds of the turn pictures flow."""
        return max(share * self.period, self.period - GAP)

    def renew(self, began: float) -> None:
        """Begin the next turn at this moment. One turn that was long says nothing: its keyframe may have waited."""
        last = max(PERIOD, began - self.began)
        self.period, self.last = min(last, self.last), last
        self.began, self.paused, self.awaited = began, False, False


class Thinning:
    """Thinning of the pictures among `tracks`, which are the caller's list. `phase`, 0 to 1, is where in its turn a
    picture is when thinning begins."""

    def __init__(self, tracks: Sequence[Track], phase: float) -> None:
        self._tracks, self._phase = tracks, phase
        self._runs: dict[Track, Run] = {}

    def tick(self, share: float, now: float) -> bool:
        """Let supervisors' pictures flow for this `share` of the time; called several times a second. Return whether
        some are thinned, or have not come back yet."""
        thinned = False
        for track in self._tracks:
            if not track.video:
                continue
            watching = [down_track for down_track in track.down_tracks if not down_track.gated]
            if share < 1.0:
                self._thin(track, watching, share, now)
            else:
                self._runs.pop(track, None)
                _give_back(watching)
            thinned = thinned or any(down_track.thinned for down_track in watching)
        return thinned

    def _thin(self, track: Track, watching: list[Destination], share: float, now: float) -> None:
        run = self._runs.get(track)
        if run is None:
            began = track.keyframe_at if now - track.keyframe_at < PERIOD else now - self._phase * PERIOD
            run = self._runs[track] = Run(began)
        fresh = track.keyframe_at > run.began + SAME
        if run.awaited:
            _start(watching)
            if any(_awaits(down_track) for down_track in watching):
                return
            run.renew(track.keyframe_at if fresh else now)
        elif fresh and not run.paused:
            run.renew(track.keyframe_at)
        age = now - run.began
        if age >= run.length(share):
            _pause(track, watching)
            run.paused, run.awaited = True, age >= PERIOD


def _pause(track: Track, watching: list[Destination]) -> None:
    flowing = [down_track for down_track in watching if down_track.flow is Flow.FLOWING]
    for down_track in flowing:
        down_track.thinned = True
    if flowing:
        track.pause(*flowing)


def _start(watching: list[Destination]) -> None:
    for down_track in watching:
        if down_track.thinned and down_track.flow is Flow.PAUSED:
            down_track.track.start(down_track)


def _give_back(watching: list[Destination]) -> None:
    _start(watching)
    for down_track in watching:
        down_track.thinned = down_track.thinned and down_track.flow is not Flow.FLOWING


def _awaits(down_track: Destination) -> bool:
    return down_track.thinned and down_track.flow in (Flow.PAUSING, Flow.PAUSED, Flow.RESUMING)
