"""Red banner of a warning (劝阻): over the rest of the screen, in large letters, Chinese first, until the room confirms
it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.ui import text_drawing

RED, WHITE = (36, 28, 176), (255, 255, 255)  # BGR; 7 to 1 against each other
_HEAD = ("管理人员提醒", "A warning from the officers")
_HOW = ("请触摸屏幕或按回车键，表示已知晓", "Touch the screen or press Enter to confirm")
_UNWRITABLE = "Please follow the instructions of the staff."
_MOST = 0.6
"""Share of the screen's height that the banner may take; longer texts are drawn smaller."""
_SMALLEST = 14
"""Height in pixels of the smallest letters."""

Row = tuple[str, int]
"""A line and its height in pixels."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Warning that waits for confirmation; `more` is the number of further ones that wait."""

    id: str
    zh: str
    en: str
    more: int = 0


def paint(canvas: NDArray[np.uint8], notice: Notice, bottom: int) -> None:
    """Paint the banner so that it ends at row `bottom` of the canvas."""
    height, width = canvas.shape[:2]
    aiortc_adapter = width // 30
    rows = _rows(notice, height, width - 2 * aiortc_adapter, text_drawing.has_chinese())
    top = bottom - _height(rows) - height // 30
    canvas[top:bottom] = RED
    y = top + height // 60
    for text, size in rows:
        text_drawing.write(canvas, text, (aiortc_adapter, y), size, WHITE)
        y += _step(size)


@lru_cache(maxsize=8)
def _rows(notice: Notice, height: int, width: int, chinese: bool) -> tuple[Row, ...]:
    """Return all lines of the banner in the largest letters with which it fits."""
    size = height // 14
    while True:
        rows = _layout(notice, size, width, chinese)
        if _height(rows) <= height * _MOST or size <= _SMALLEST:
            return rows
        size -= 2


def _layout(notice: Notice, size: int, width: int, chinese: bool) -> tuple[Row, ...]:
    small = max(_SMALLEST, size // 2)
    more = f" (+{notice.more})" if notice.more else ""
    rows = [(_HEAD[not chinese] + more, small)]
    for text, at in _texts(notice, size, small, chinese):
        rows += [(line, at) for line in text_drawing.lines(text, at, width)]
    return (*rows, (_HOW[not chinese], small))


def _texts(notice: Notice, size: int, small: int, chinese: bool) -> list[tuple[str, int]]:
    """Return the texts and their sizes. An officer's own text is the same in both languages and appears once."""
    if chinese:
        return [(notice.zh, size)] + ([(notice.en, small)] if notice.en != notice.zh else [])
    return [(notice.en if notice.en.isascii() else _UNWRITABLE, size)]


def _step(size: int) -> int:
    return size * 3 // 2


def _height(rows: tuple[Row, ...]) -> int:
    return sum(_step(size) for _, size in rows)
