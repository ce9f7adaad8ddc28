"""Decides whether a room's own picture is black or frozen and its sound silent, from samples that cost little: some
pixels once a second, some sound ten times a second. Pure; times are seconds of any monotonic clock. The policy on the
server decides how long a condition must last before supervisors are alerted; here it must only not flicker."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BLACK, FLAT = 28.0, 8.0
"""Mean luma under which a picture is dark (16 is black), and spread of luma under which it shows nothing: a covered
lens is under both, a dim room has something bright in it."""
STILL = 0.02
"""Mean difference of two samples under which nothing moves: even an empty room has sensor noise."""
DEAD = 1e-3
"""Loudness (full scale 1.0) under which a microphone is dead: -60 dB; no room with an open one stays under it."""
BLACK_FOR, FROZEN_FOR, SILENT_FOR = 2.0, 3.0, 5.0
"""Seconds for which each condition must last."""
GRID = 5
"""Distance of the sampled lines and columns. Pixels are sampled and not averaged: noise would vanish in a mean."""


def sample(luma: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return a copy of some pixels of a picture's brightness plane."""
    return luma[::GRID, ::GRID].astype(np.int16)


def _alike(picture: NDArray[np.int16], before: NDArray[np.int16]) -> bool:
    """Whether nothing has moved between two samples; a picture of another size is a different one."""
    return picture.shape == before.shape and float(np.abs(picture - before).mean()) < STILL


@dataclass(slots=True)
class _Lasting:
    """Since when a condition has held."""

    since: float | None = None

    def update(self, holds: bool, now: float) -> None:
        if not holds:
            self.since = None
        elif self.since is None:
            self.since = now

    def lasts(self, seconds: float, now: float) -> bool:
        return self.since is not None and now - self.since >= seconds


@dataclass(slots=True)
class PictureMonitor:
    """Condition of one room's picture and sound while they are sent."""

    _dark: _Lasting = field(default_factory=_Lasting)
    _still: _Lasting = field(default_factory=_Lasting)
    _quiet: _Lasting = field(default_factory=_Lasting)
    _before: NDArray[np.int16] | None = None

    def look_at_picture(self, picture: NDArray[np.int16] | None, now: float) -> None:
        """Take a `sample`; None when no new picture has come since the last one."""
        if picture is None:
            self._still.update(True, now)
            return
        before, self._before = self._before, picture
        self._judge(float(picture.mean()), float(picture.std()), before is not None and _alike(picture, before), now)

    def look_at_figures(self, mean: float, spread: float, change: float | None, now: float) -> None:
        """Take figures of a new picture that was looked at elsewhere: mean and spread of its luma, and the mean
        difference from the sample before, None for the first one."""
        self._judge(mean, spread, change is not None and change < STILL, now)

    def _judge(self, mean: float, spread: float, still: bool, now: float) -> None:
        self._dark.update(mean < BLACK and spread < FLAT, now)
        self._still.update(still, now)

    def look_at_sound(self, loudness: float | None, now: float) -> None:
        """Take the loudness (full scale 1.0); None when no new sound has come since the last time."""
        self._quiet.update(loudness is None or loudness < DEAD, now)

    def black(self, now: float) -> bool:
        """Whether the picture is black."""
        return self._dark.lasts(BLACK_FOR, now)

    def frozen(self, now: float) -> bool:
        """Whether the picture does not change. A black picture does not count as frozen too: one alert is enough."""
        return self._still.lasts(FROZEN_FOR, now) and not self.black(now)

    def silent(self, now: float) -> bool:
        """Whether the sound is silent."""
        return self._quiet.lasts(SILENT_FOR, now)
