"""Light of pictures: how bright one is, to tell a covered camera from a dim room, and light from behind (逆光), a
bright surround that leaves the person before it dark."""

import numpy as np
from numpy.typing import NDArray

DARK = 32
"""Luma up to which a pixel shows nothing: 16 is black, and sensor noise reaches a little higher."""


def mean_luma(luma: NDArray[np.uint8]) -> float:
    """Return the mean of a picture's brightness plane; 16 is black, 235 white."""
    return float(luma.mean())


def black_share(luma: NDArray[np.uint8]) -> float:
    """Return the share of pixels (0.0 to 1.0) that show nothing. A dim room has lamps, faces and edges that do."""
    return float(np.count_nonzero(luma <= DARK)) / luma.size


# --- light from behind ---------------------------------------------------------------------------------------------

BLOWN_OUT = 225
"""Luma from which a pixel has reached white: a window or a lamp, not a wall."""
MUCH = 0.08
"""Share of the surround that must be blown out: a lamp in a corner is less."""
TOP, BOTTOM, LEFT, RIGHT = 0.25, 0.9, 0.33, 0.67
"""Where the person is: the placement guide has head and shoulders there."""
UNLIT = 16.0
"""Luma that counts as no light, so that ratios compare light."""


def blown_out(luma: NDArray[np.uint8]) -> float:
    """Return the share of the surround (0.0 to 1.0) that has reached white."""
    surround = luma[~_person(luma.shape)]
    return float(np.count_nonzero(surround >= BLOWN_OUT)) / surround.size


def backlight(luma: NDArray[np.uint8]) -> float:
    """Return how many times brighter the surround is than the place of the person, 1.0 where nothing of it is blown
    out: before an evenly lit wall dark clothes are no light from behind.

    The brighter half of the surround counts, as a window fills a part of it only, against the person's median."""
    if blown_out(luma) < MUCH:
        return 1.0
    inside = _person(luma.shape)
    surround, person = luma[~inside].astype(np.float32), luma[inside]
    bright = float(surround[surround >= np.median(surround)].mean())
    return max(1.0, (bright - UNLIT) / max(float(np.median(person)) - UNLIT, 1.0))


def _person(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    inside = np.zeros((height, width), np.bool_)
    inside[round(height * TOP) : round(height * BOTTOM), round(width * LEFT) : round(width * RIGHT)] = True
    return inside
