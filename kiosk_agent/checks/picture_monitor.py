"""Whether a room's own picture is black or frozen and its sound dead, from looks that cost next to nothing: some pixels
once a second, some samples ten times a second. Pure; times are seconds of any monotonic clock. For how long something
has to last before supervisors are called is the server's to say (its policy); here it must only not flicker."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BLACK, FLAT = 28.0, 8.0
"""Mean luma under which a picture is dark (16 is black), and spread under which there is nothing in it: a covered lens
is both, a dim room has something bright in it."""
STILL = 0.02
"""Mean difference of two looks under which nothing moves: even an empty room has sensor noise."""
DEAD = 1e-3
"""Loudness (full scale 1.0) that no room with an open microphone stays under: -60 dB."""
BLACK_FOR, FROZEN_FOR, SILENT_FOR = 2.0, 3.0, 5.0
"""Seconds for which it has to be so."""
GRID = 5
"""Of each so many lines and columns one is looked at; not their mean, in which noise would vanish."""


def glance(luma: NDArray[np.uint8]) -> NDArray[np.int16]:
    """A copy of some pixels of a picture's brightness plane."""
    return luma[::GRID, ::GRID].astype(np.int16)


def _alike(picture: NDArray[np.int16], before: NDArray[np.int16]) -> bool:
    """Whether nothing has moved between two looks; a picture of another size is another one."""
    return picture.shape == before.shape and float(np.abs(picture - before).mean()) < STILL


@dataclass(slots=True)
class _Lasting:
    """For how long something has been so."""

    since: float | None = None

    def look(self, so: bool, now: float) -> None:
        if not so:
            self.since = None
        elif self.since is None:
            self.since = now

    def lasts(self, seconds: float, now: float) -> bool:
        return self.since is not None and now - self.since >= seconds


@dataclass(slots=True)
class PictureMonitor:
    """One room's picture and sound while it is sent."""

    _dark: _Lasting = field(default_factory=_Lasting)
    _still: _Lasting = field(default_factory=_Lasting)
    _quiet: _Lasting = field(default_factory=_Lasting)
    _before: NDArray[np.int16] | None = None

    def look(self, picture: NDArray[np.int16] | None, now: float) -> None:
        """Take a `glance`; None where no new picture has come since the last one."""
        if picture is None:
            self._still.look(True, now)
            return
        self._dark.look(float(picture.mean()) < BLACK and float(picture.std()) < FLAT, now)
        before, self._before = self._before, picture
        self._still.look(before is not None and _alike(picture, before), now)

    def hear(self, loudness: float | None, now: float) -> None:
        """Take how loud it is (full scale 1.0); None where no new sound has come since the last time."""
        self._quiet.look(loudness is None or loudness < DEAD, now)

    def black(self, now: float) -> bool:
        """Whether there is nothing to be seen."""
        return self._dark.lasts(BLACK_FOR, now)

    def frozen(self, now: float) -> bool:
        """Whether nothing moves. A black picture is black and not frozen besides: one call is enough."""
        return self._still.lasts(FROZEN_FOR, now) and not self.black(now)

    def silent(self, now: float) -> bool:
        """Whether nothing is to be heard."""
        return self._quiet.lasts(SILENT_FOR, now)
