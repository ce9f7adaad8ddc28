"""The banner under the pictures of a view copy (Yunnan 26(3)): a bar for each officer who watched, under the side of
their site, red where too few were present, and a line at the second that is being played. Pure."""

from collections.abc import Callable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from recorder.archive.timeline_coverage import Coverage, Span

ROW, MARGIN, LABEL = 14, 6, 150  # pixels: of a bar, around the bars, and before them for an id
MOST = 8  # bars a side: further officers are left out
GROUND, SHORT, PRESENT, INK = (28, 32, 38), (150, 28, 36), (86, 190, 132), (225, 230, 235)
LINE, DARK = 235, 16
Plane = NDArray[np.uint8]
Fonts = Callable[[int], Any]


class Banner:
    """The banner of one film, drawn once. `onto` writes it and the playhead into a picture."""

    def __init__(self, coverage: Coverage, width: int, font: Fonts) -> None:
        self._coverage, self._width, self._font = coverage, width, font
        rows = max(1, *(min(len(coverage.of_side(side)), MOST) for side in (0, 1)))
        self.height = (rows * ROW + 2 * MARGIN + 3) // 4 * 4  # whole chroma lines, and whole macroblocks more often
        self._y, self.u, self.v = self._planes(self._draw())

    def onto(self, luma: Plane, second: float) -> None:
        """Write the banner into the last `height` rows of a picture, with the playhead at a second of the film."""
        luma[:] = self._y
        for side in (0, 1):
            at = round(self._x(side, second))
            luma[:, at - 1 : at + 3] = DARK
            luma[:, at : at + 2] = LINE

    def _x(self, side: int, second: float) -> float:
        """Return the pixel of a second on a side's axis."""
        half = self._width // 2
        share = min(max(second / self._coverage.seconds, 0.0), 1.0) if self._coverage.seconds else 0.0
        return side * half + LABEL + share * (half - LABEL - 12)

    def _draw(self) -> Image.Image:
        image = Image.new("RGB", (self._width, self.height), GROUND)
        draw = ImageDraw.Draw(image)
        for side in (0, 1):
            for span in self._coverage.short[side]:
                self._bar(draw, side, span, 2, self.height - 3, SHORT)
            for row, (officer, presence) in enumerate(self._coverage.of_side(side)[:MOST]):
                top = MARGIN + row * ROW
                place = (side * self._width // 2 + 12, top + ROW // 2)
                draw.text(place, _shortened(officer.user), INK, self._font(12), "lm")
                for span in presence.spans:
                    self._bar(draw, side, span, top + 2, top + ROW - 4, PRESENT)
        return image

    def _bar(
        self, draw: ImageDraw.ImageDraw, side: int, span: Span, top: int, bottom: int, colour: tuple[int, ...]
    ) -> None:
        left, right = round(self._x(side, span.start)), round(self._x(side, span.end))
        draw.rectangle((left, top, max(left, right), bottom), fill=colour)

    def _planes(self, image: Image.Image) -> tuple[Plane, Plane, Plane]:
        frame = av.VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="rgb24").reformat(format="yuv420p")
        whole, (height, width) = np.asarray(frame.to_ndarray(), np.uint8), (self.height, self._width)
        rest = whole[height:].reshape(2, height // 2, width // 2)
        return whole[:height], rest[0], rest[1]


def _shortened(user: str) -> str:
    """Return an id that fits before its bar."""
    return user if len(user) <= 20 else f"{user[:19]}…"
