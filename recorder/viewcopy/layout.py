"""The picture of a view copy: both rooms side by side, under a strip with their names and the clock of Asia/Shanghai,
over the banner of supervision. FFmpeg's build in PyAV has no drawtext, so Pillow draws the words; the strip is drawn
once a second. It reads font files and no others."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from broker.ipc.recorder_messages import SECOND_PRISON
from broker.kernel.clock import in_shanghai
from recorder.archive.timeline_coverage import Coverage, Span
from recorder.viewcopy.banner import Banner

WIDTH, HEIGHT, STRIP = 640, 360, 40
SIZE = (2 * WIDTH, HEIGHT + STRIP)
BLACK, GREY = 16, 128
MARK, MARK_SIZE, MARK_STEP, MARK_SLANT = 56, 22, 90, 20  # luma, pixels, pixels from line to line, degrees
RED = (90, 200)  # the chroma of a strip that says HELD
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)
Plane = NDArray[np.uint8]


class Script(NamedTuple):
    """What the picture shows besides the rooms: when the film begins, the names of the sides, the holds, the spans in
    which each side's picture is missing, the supervision coverage, and a name that is written over the pictures."""

    zero: datetime
    names: tuple[str, str]
    holds: tuple[Span, ...] = ()
    missing: tuple[tuple[Span, ...], tuple[Span, ...]] = ((), ())
    coverage: Coverage | None = None
    watermark: str = ""


class Layout:
    """Composes the frames of a copy. `show` replaces the picture of a side, `frame` returns the whole picture at a
    second."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._banner = Banner(script.coverage, SIZE[0], _font) if script.coverage else None
        below = self._banner.height if self._banner else 0
        self.size = width, height = SIZE[0], SIZE[1] + below
        """Width and height of the whole picture in pixels, with the banner."""
        self._y = np.full((height, width), BLACK, np.uint8)
        self._u = np.full((height // 2, width // 2), GREY, np.uint8)
        self._v = self._u.copy()
        self._written: tuple[datetime, bool] | None = None
        self._mark = watermark(script.watermark) if script.watermark else None
        if self._banner:
            self._u[-below // 2 :], self._v[-below // 2 :] = self._banner.u, self._banner.v

    def show(self, side: int, frame: av.VideoFrame) -> None:
        """Replace a side's picture, fitted without distortion."""
        scale = min(WIDTH / frame.width, HEIGHT / frame.height)
        width, height = _even(frame.width * scale), _even(frame.height * scale)
        fitted = frame.reformat(width=width, height=height, format="yuv420p").to_ndarray()
        left, top = side * WIDTH + _even((WIDTH - width) / 2), STRIP + _even((HEIGHT - height) / 2)
        self._blank(side)
        self._y[top : top + height, left : left + width] = fitted[:height]
        rest = fitted[height:].reshape(2, height // 2, width // 2)
        where = np.s_[top // 2 : (top + height) // 2, left // 2 : (left + width) // 2]
        self._u[where], self._v[where] = rest[0], rest[1]

    def frame(self, second: float) -> av.VideoFrame:
        """Return the picture at a second of the film."""
        held = any(span.has(second) for span in self.script.holds)
        now = (self.script.zero + timedelta(seconds=second)).replace(microsecond=0)
        if (now, held) != self._written:
            self._write(now, held)
            self._written = (now, held)
        if self._banner:
            self._banner.onto(self._y[-self._banner.height :], second)
        y = self._y
        for side, spans in enumerate(self.script.missing):
            if any(span.has(second) for span in spans):
                y = y.copy() if y is self._y else y
                area = np.s_[STRIP : SIZE[1], side * WIDTH : (side + 1) * WIDTH]
                y[area] = y[area] // 3 + BLACK
        if self._mark is not None:
            y = y.copy() if y is self._y else y
            pictures = y[STRIP : SIZE[1]]
            under = pictures[self._mark]
            pictures[self._mark] = np.where(under < GREY, under + MARK, under - MARK)  # seen on any ground
        planes = np.concatenate([y.ravel(), self._u.ravel(), self._v.ravel()])
        return av.VideoFrame.from_ndarray(planes.reshape(self.size[1] * 3 // 2, self.size[0]), format="yuv420p")

    def _blank(self, side: int) -> None:
        self._y[STRIP : SIZE[1], side * WIDTH : (side + 1) * WIDTH] = BLACK
        half = np.s_[STRIP // 2 : SIZE[1] // 2, side * WIDTH // 2 : (side + 1) * WIDTH // 2]
        self._u[half] = self._v[half] = GREY

    def _write(self, now: datetime, held: bool) -> None:
        clock = f"{in_shanghai(now):%Y-%m-%d %H:%M:%S}" + (f"  {words().held}" if held else "")
        self._y[:STRIP] = strip(self.script.names, clock)
        u, v = RED if held else (GREY, GREY)
        self._u[: STRIP // 2], self._v[: STRIP // 2] = u, v


class Words(NamedTuple):
    """The words of the strip in a language that this machine has a font for."""

    prison: str
    visitor: str
    second_prison: str
    held: str

    def of_side(self, title: str) -> str:
        """Return the word for a side by its title in the manifest."""
        return {"prison": self.prison, SECOND_PRISON: self.second_prison}.get(title, self.visitor)


def words() -> Words:
    """Return the words: Chinese where there is a font for it, else English."""
    if _font_file() is None:
        return Words("PRISON", "VISITOR", "SECOND PRISON", "HELD")
    return Words("监所", "会见人", "另一方监所", "中止")


@cache
def _font_file() -> str | None:
    return next((path for path in FONTS if Path(path).exists()), None)


@cache
def _font(size: int) -> Any:
    file = _font_file()
    return ImageFont.truetype(file, size) if file else ImageFont.load_default(size)


def strip(names: tuple[str, str], clock: str) -> Plane:
    """Return the luma of the strip: a name at each end, the clock in the middle."""
    image = Image.new("L", (2 * WIDTH, STRIP), 40)
    draw = ImageDraw.Draw(image)
    draw.text((12, STRIP // 2), names[0], 220, _font(20), "lm")
    draw.text((WIDTH, STRIP // 2), clock, 235, _font(24), "mm")
    draw.text((2 * WIDTH - 12, STRIP // 2), names[1], 220, _font(20), "rm")
    return np.asarray(image, np.uint8)


def watermark(text: str) -> NDArray[np.bool_]:
    """Return which pixels of both pictures are letters of the watermark: the text, slanted, again and again, so that no
    part of a picture that is worth cutting out is without it."""
    line = Image.new("L", (2 * SIZE[0], MARK_STEP), 0)
    draw, font = ImageDraw.Draw(line), _font(MARK_SIZE)
    wide = max(round(draw.textlength(text, font)) + MARK_STEP, 1)
    for left in range(0, line.width, wide):
        draw.text((left, MARK_STEP // 2), text, 255, font, "lm")
    whole = Image.new("L", (line.width, line.width), 0)
    for number, top in enumerate(range(0, line.width, MARK_STEP)):
        whole.paste(line, (-(number % 2) * wide // 2, top))
    left, top = (whole.width - SIZE[0]) // 2, (whole.height - HEIGHT) // 2
    slanted = whole.rotate(MARK_SLANT).crop((left, top, left + SIZE[0], top + HEIGHT))
    return np.asarray(slanted, np.uint8) > 128


def _even(value: float) -> int:
    return max(int(value) // 2 * 2, 0)
