"""Draws text into a picture. Chinese needs Pillow and a Noto CJK font; without either only English can be drawn."""

import re
from functools import cache, lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
)
_PER_SCALE = 34
"""Height in pixels of OpenCV's letters at scale 1."""
_KEPT = 64
"""Rendered lines that are cached: those of one screen are needed 25 times a second."""
_PIECES = re.compile(r"[!-~]+ *|.[，。；：、！？）”》]*")  # no line begins with a mark that ends something

Colour = tuple[int, int, int]
"""Blue, green and red, 0 to 255."""


@cache
def _font_file() -> str | None:
    return next((path for path in _FONTS if Path(path).is_file()), None)


@cache
def has_chinese() -> bool:
    """Whether Chinese can be drawn on this machine."""
    try:
        import PIL.ImageFont  # noqa: F401
    except ImportError:
        return False
    return _font_file() is not None


def write(canvas: NDArray[np.uint8], text: str, at: tuple[int, int], size: int, colour: Colour) -> None:
    """Draw one line, `size` pixels high, its upper left corner at `at` (x, y); what does not fit is cut off."""
    if text.isascii():
        base = (at[0], at[1] + size)
        scale, thick = size / _PER_SCALE, max(1, size // 16)
        cv2.putText(canvas, text, base, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)
        return
    mask = _mask(text, size)
    height, width = min(mask.shape[0], canvas.shape[0] - at[1]), min(mask.shape[1], canvas.shape[1] - at[0])
    part = canvas[at[1] : at[1] + height, at[0] : at[0] + width]
    share = mask[:height, :width, None].astype(np.float32) / 255
    part[:] = (part * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)


def lines(text: str, size: int, width: int) -> list[str]:
    """Return the text in lines of at most `width` pixels: English breaks between words, Chinese between characters."""
    found: list[str] = [""]
    for piece in _PIECES.findall(text):
        longer = found[-1] + piece
        if found[-1] and _width(longer.rstrip(), size) > width:
            found[-1] = found[-1].rstrip()
            found.append(piece.lstrip())
        else:
            found[-1] = longer
    return [line.rstrip() for line in found if line.strip()]


def _width(text: str, size: int) -> float:
    if text.isascii():
        (wide, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size / _PER_SCALE, max(1, size // 16))
        return float(wide)
    from PIL import ImageFont

    return float(ImageFont.truetype(_font_file() or "", size).getlength(text))


@lru_cache(maxsize=_KEPT)
def _mask(text: str, size: int) -> NDArray[np.uint8]:
    """Return the text as a mask: 0 outside of the letters, 255 inside."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(_font_file() or "", size)
    box = font.getbbox(text)
    image = Image.new("L", (int(box[2]) + 2, int(box[3]) + 2))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    return np.asarray(image, np.uint8)
