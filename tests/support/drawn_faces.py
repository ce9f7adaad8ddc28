"""Pictures of rooms with drawn people, which a face detector takes for real ones: no photograph of a person is
needed."""

import cv2
import numpy as np
from numpy.typing import NDArray

Canvas = NDArray[np.uint8]

HAIR = (((0, -0.25), (1.0, 1.15), 40),)
BODY = (((0, 1.55), (0.45, 0.5), 150), ((0, 2.6), (1.8, 1.0), 70))
SKIN = (((0, 0.1), (0.82, 1.12), 185), ((0, 0.25), (0.6, 0.8), 195))
EYE = (((0, -0.1), (0.24, 0.12), 150), ((0, -0.08), (0.17, 0.08), 235), ((0, -0.08), (0.075, 0.08), 30))
BROW = (((0, -0.3), (0.24, 0.05), 60),)
NOSE = (((0, 0.3), (0.09, 0.28), 205), ((0, 0.48), (0.17, 0.07), 140))
MOUTH = (((0, 0.8), (0.32, 0.1), 110), ((0, 0.78), (0.32, 0.02), 60))
"""Ellipses as centre, radii and brightness; lengths are parts of half the width of a head."""
EYES = (-0.34, 0.34)


def room_with(people: int, size: tuple[int, int] = (640, 360), half: float = 40.0) -> Canvas:
    """Return the brightness plane of a room with so many people side by side; `half` is half the width of a head in
    pixels. A little noise is in it, as from a sensor."""
    width, height = size
    canvas = np.full((height, width), 120, np.uint8)
    cv2.rectangle(canvas, (0, height * 4 // 5), (width, height), 90, -1)
    for number in range(people):
        _draw_person(canvas, width * (number + 1) / (people + 1), height * 0.45, half)
    canvas = cv2.GaussianBlur(canvas, (0, 0), half / 25).astype(np.uint8)
    noisy = canvas + np.random.default_rng(people).normal(0, 2, canvas.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def _draw_person(canvas: Canvas, x: float, y: float, half: float) -> None:
    shifted = [((dx + eye, dy), radii, level) for eye in EYES for (dx, dy), radii, level in (*EYE, *BROW)]
    for (dx, dy), (wide, high), level in (*HAIR, *BODY, *SKIN, *shifted, *NOSE, *MOUTH):
        centre = (round(x + dx * half), round(y + dy * half))
        radii = (max(1, round(wide * half)), max(1, round(high * half)))
        cv2.ellipse(canvas, centre, radii, 0, 0, 360, level, -1, cv2.LINE_AA)
