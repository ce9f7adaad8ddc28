"""Counts the people before the camera, roughly: faces that OpenCV's Haar cascade finds in a small grey picture, the
median of several pictures. The count is advisory, as it misses faces that are turned away. No picture leaves the
machine for it and none is kept."""

import logging
from collections import deque
from pathlib import Path
from statistics import median_low

import cv2
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

CASCADE = "haarcascade_frontalface_alt2.xml"
WIDTH = 480
"""Width in pixels of the examined picture: a face two metres away has about forty. One picture costs 45 ms of one core.
In film of one to three talking heads nearly all faces towards the camera are found, in generated pictures none."""
LEAST = 24
"""Size in pixels of the smallest face."""
LOOKS = 5
"""Pictures that the median covers."""


class PeopleCount:
    """Counter of the people in pictures. It may run in any thread, one picture at a time."""

    def __init__(self) -> None:
        # OpenCV 5 no longer has cascades; without one there is no count, and `look` returns None.
        data = getattr(cv2, "data", None)
        path = Path(data.haarcascades) / CASCADE if data is not None else None
        self._cascade = cv2.CascadeClassifier(str(path)) if path is not None and path.is_file() else None
        if self._cascade is None:
            log.warning("people are not counted: this OpenCV has no face cascade")
        self._looks: deque[int] = deque(maxlen=LOOKS)

    def look(self, luma: NDArray[np.uint8]) -> int | None:
        """Count faces in a picture's brightness plane; return the median of the last pictures, None for too few of
        them."""
        if self._cascade is None:
            return None
        self._looks.append(self._faces(luma))
        return median_low(self._looks) if len(self._looks) == LOOKS else None

    def forget(self) -> None:
        """Forget what was counted, as when another visit begins."""
        self._looks.clear()

    def _faces(self, luma: NDArray[np.uint8]) -> int:
        assert self._cascade is not None
        height, width = luma.shape
        scale = min(1.0, WIDTH / width)
        small = cv2.resize(luma, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        found = self._cascade.detectMultiScale(small, scaleFactor=1.1, minNeighbors=3, minSize=(LEAST, LEAST))
        return len(found)
