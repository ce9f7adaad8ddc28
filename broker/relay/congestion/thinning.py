"""Thins supervisors' pictures while their worker is overloaded, pure. What flows is whole: all supervisors of a picture
begin with the same keyframe, get every frame for a while, and pause together at the end of a frame. So a publisher is
asked for one keyframe a PERIOD, however many watch, no picture is damaged, and the next frame comes within two seconds.
Pictures pause at different moments: the load stays even.

A supervisor whose picture is thinned still has to prove that it arrives (`receiving_proof`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from broker.relay.down_track import Flow
from broker.relay.track import Destination, Track

PERIOD = 1.4  # seconds from one keyframe to the request for the next, which comes within a fifth of one
GAP = 1.6  # seconds without a frame at most, where keyframes come; pages and the proof of receiving allow for two
LONGEST = 3.0  # seconds between keyframes beyond which a publisher gives none, rather than rarely


@dataclass(slots=True)
class Run:
    """One picture's present turn: when it `began`, for how long turns last (s), and whether the next is `awaited`."""

    began: float
    period: float = PERIOD
    awaited: bool = False

    def length(self, share: float) -> float:
        """Return for how many seconds of the turn pictures flow."""
        return max(share * self.period, self.period - GAP)


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
            run = self._runs[track] = Run(now - self._phase * PERIOD)
        if run.awaited:
            _start(watching)
            if any(_awaits(down_track) for down_track in watching):
                return
            run.period = min(max(PERIOD, now - run.began), LONGEST)
            run.began, run.awaited = now, False
        age = now - run.began
        if age >= run.length(share):
            _pause(track, watching)
            run.awaited = age >= PERIOD


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
