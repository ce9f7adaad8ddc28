"""Sharpness of a still scene, as the radius of the blur at its best edges.

A blurred step edge keeps its height and loses its slope. The slopes at two scales tell how wide it was before: with
Gaussians of 1 and 3 pixels over an edge of radius r, they stand to each other as sqrt(r² + 9) to sqrt(r² + 1).
Contrast and light cancel out. Sensor noise is dealt with three times: pictures are averaged, the fine scale is a
smoothed one, and only edges well above the noise are measured.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 640
"""Width in pixels at which the radius is told, so that cameras of all resolutions compare."""
FINE, COARSE = 1.0, 3.0
"""Scales in pixels at which slopes are taken."""
BEST = 0.004
"""Share of all pixels that count as the best edges: those of one person's head and shoulders are more."""
ABOVE_NOISE = 7.0
"""How many times its own standard deviation by noise a slope must reach to be an edge."""
FAINTEST = 0.6
"""Slope in luma steps a pixel under which there is no edge, however little noise there is."""
WIDEST = 12.0
"""Radius in pixels beyond which two scales of this size can no longer tell the width."""


def blur_radius(pictures: Sequence[NDArray[np.uint8]]) -> float | None:
    """Return the blur radius in pixels of a picture of 640 columns, 0.0 for sharp, at most `WIDEST`.

    `pictures` are brightness planes of one size. None where no edge stands out from the noise."""
    small = np.stack([_shrunk(picture) for picture in pictures])
    noise = _noise(small) / np.sqrt(len(small))
    fine, coarse = (_slopes(small.mean(axis=0), scale) for scale in (FINE, COARSE))
    edges = _best_edges(fine, coarse, max(FAINTEST, ABOVE_NOISE * _slope_noise(noise)))
    if edges is None:
        return None
    ratio = float(np.median(fine[edges] / np.maximum(coarse[edges], 1e-6)))
    return float(min(WIDEST, _radius(ratio) * max(1.0, WIDTH / pictures[0].shape[1])))


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    scale = min(1.0, WIDTH / picture.shape[1])
    if scale == 1.0:
        return picture.astype(np.float32)
    size = (WIDTH, max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _noise(pictures: NDArray[np.float32]) -> float:
    """The noise of one picture by what changes between two; the median leaves out what moves."""
    if len(pictures) < 2:
        return 1.0
    return float(np.median(np.abs(np.diff(pictures, axis=0))) / 0.6745 / np.sqrt(2))


def _slope_noise(noise: float) -> float:
    """Standard deviation of a slope at the fine scale, by the derivative of a Gaussian over white noise."""
    return float(noise / (np.sqrt(8 * np.pi) * FINE**2))


def _slopes(picture: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(picture, (0, 0), scale, borderType=cv2.BORDER_REPLICATE)
    across = (np.roll(smooth, -1, axis=1) - np.roll(smooth, 1, axis=1)) / 2
    down = (np.roll(smooth, -1, axis=0) - np.roll(smooth, 1, axis=0)) / 2
    slopes: NDArray[np.float32] = np.hypot(across, down)
    margin = round(2 * COARSE)  # rolled pixels and the border's repeated ones are no edges
    return slopes[margin:-margin, margin:-margin]


def _best_edges(fine: NDArray[np.float32], coarse: NDArray[np.float32], least: float) -> NDArray[np.bool_] | None:
    """The steepest pixels, which are the sharpest of the strong ones; None for too few."""
    count = max(20, round(fine.size * BEST))
    if fine.size < 2 * count:
        return None
    steep = max(float(np.partition(fine, -count, axis=None)[-count]), least)
    edges: NDArray[np.bool_] = (fine >= steep) & (coarse > 0)
    return edges if np.count_nonzero(edges) >= count // 4 else None


def _radius(ratio: float) -> float:
    """The radius r of sqrt(r² + COARSE²) / sqrt(r² + FINE²) = ratio."""
    if ratio >= COARSE / FINE:
        return 0.0
    if ratio <= 1.0:
        return WIDEST
    square = (COARSE**2 - (ratio * FINE) ** 2) / (ratio**2 - 1)
    return min(WIDEST, float(np.sqrt(max(0.0, square))))
