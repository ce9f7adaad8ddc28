"""Motion of pictures: how much changes, to tell a frozen picture from an empty room (a sensor has noise even in the
dark), and how many come a second."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

GRID = 3
"""Distance of the sampled lines and columns. Pixels are sampled and not averaged: noise would vanish in a mean."""


def change(pictures: Sequence[NDArray[np.uint8]]) -> float:
    """Return the largest mean difference in luma steps between neighbours, 0.0 for a frozen picture.

    The largest, as a camera that repeats each second picture is not frozen. Pictures of another size are others."""
    samples = [picture[::GRID, ::GRID].astype(np.int16) for picture in pictures]
    return max((_difference(*pair) for pair in pairwise(samples)), default=0.0)


def _difference(before: NDArray[np.int16], after: NDArray[np.int16]) -> float:
    return float(np.abs(after - before).mean()) if before.shape == after.shape else 255.0


def frame_rate(moments: Sequence[float]) -> float:
    """Return pictures a second, 0.0 for fewer than two; `moments` are seconds of one clock, ascending."""
    if len(moments) < 2 or moments[-1] <= moments[0]:
        return 0.0
    return (len(moments) - 1) / (moments[-1] - moments[0])
