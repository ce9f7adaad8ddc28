"""The button "会见完毕" of a room, and the question that it asks once more before the room's word counts (Guangdong
31(2)): a single touch, or a child at the keyboard, ends nothing. Texts are read from two metres."""

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from kiosk_agent.ui import text_drawing

KEY = ord("f")
"""Key beside the touch: it is on every keyboard, and neither Enter nor the space bar, which confirm warnings."""
SURE = 25
"""Paintings (25 a second) of the question before an answer counts: the second tap of a double one is none."""
ASKED = 250
"""Paintings after which an unanswered question goes away."""
_GREEN, _AMBER, _WHITE, _DARK = (70, 110, 30), (30, 120, 200), (255, 255, 255), (40, 34, 28)  # BGR
_DONE = ("会见完毕 F", "Finished: F")
_GO_ON = ("继续会见 F", "Go on: F")
_ASK = (
    ("确定会见已经完毕吗？", "Have you really finished?"),
    ("确认：再按一次“会见完毕”", "Yes: press the button again"),
    ("继续会见：按其他任何地方", "No: touch anywhere else"),
)
_WAITS = (
    ("本方已提出会见完毕", "You have said that you have finished"),
    ("等待对方确认；可按“继续会见”撤回", "Waiting for the other side; the button takes it back"),
)
_STAFF = (("管理员已为本方提出会见完毕", "An officer says that your side has finished"),)
_FAR = (
    ("对方已提出会见完毕", "The other side has finished"),
    ("如已谈完，请按“会见完毕”", "If you have, too, press the button"),
)

Size = tuple[int, int]
"""Width and height of the screen."""


class Word(Enum):
    """What the people of the room say with the button."""

    FINISHED = auto()
    GO_ON = auto()


@dataclass(frozen=True, slots=True)
class Farewell:
    """The button of a visit that goes on. `near`, `far`: this room, or the other side, says that it has finished;
    `staff`: an officer has said so for this side; `asks`: the question is on the screen."""

    near: bool = False
    far: bool = False
    staff: bool = False
    asks: bool = False


class FarewellControl:
    """Turns touches and keys into the room's word. `press` is called at every painting."""

    def __init__(self) -> None:
        self._asked: int | None = None

    @property
    def asks(self) -> bool:
        """Whether the question is on the screen."""
        return self._asked is not None

    def press(self, shown: Farewell | None, on_button: bool, elsewhere: bool) -> Word | None:
        """Take what was pressed since the last painting; the word that it means, if any."""
        if shown is None or shown.staff or shown.near:
            self._asked = None
            return Word.GO_ON if shown is not None and shown.near and on_button else None
        if self._asked is None:
            self._asked = 0 if on_button else None
            return None
        self._asked += 1
        if elsewhere or self._asked > ASKED:
            self._asked = None
        elif on_button and self._asked > SURE:
            self._asked = None
            return Word.FINISHED
        elif on_button:  # a key that is held down asks again and again, and answers nothing
            self._asked = 0
        return None


def button(size: Size) -> tuple[int, int, int, int]:
    """Return the button's left, top, right and bottom: above the status line, at the right."""
    width, height = size
    return width * 13 // 20, height * 31 // 40, width * 39 // 40, height * 35 // 40


def hit(at: tuple[int, int], size: Size) -> bool:
    """Whether a touch is on the button."""
    left, top, right, bottom = button(size)
    return left <= at[0] < right and top <= at[1] < bottom


def paint(canvas: NDArray[np.uint8], shown: Farewell) -> None:
    """Paint the button, and what both sides have said."""
    height, width = canvas.shape[:2]
    if lines := _lines(shown):
        _paint_lines(canvas, lines)
    if shown.staff:
        return
    left, top, right, bottom = button((width, height))
    canvas[top:bottom, left:right] = _AMBER if shown.near or shown.asks else _GREEN
    size = (bottom - top) // 2
    words = _GO_ON if shown.near else _DONE
    text_drawing.write(canvas, _chosen(words), (left + size // 2, top + size // 3), size, _WHITE)


def _lines(shown: Farewell) -> tuple[tuple[str, str], ...]:
    if shown.asks:
        return _ASK
    if shown.near:
        return _WAITS
    return _STAFF if shown.staff else _FAR if shown.far else ()


def _paint_lines(canvas: NDArray[np.uint8], lines: tuple[tuple[str, str], ...]) -> None:
    height, width = canvas.shape[:2]
    size = height // 15
    top = height // 4
    canvas[top : top + size * (2 * len(lines) + 1)] = _DARK
    for number, words in enumerate(lines):
        at = (width // 20, top + size // 2 + number * size * 2)
        text_drawing.write(canvas, _chosen(words), at, size if text_drawing.has_chinese() else size * 2 // 3, _WHITE)


def _chosen(words: tuple[str, str]) -> str:
    return words[0] if text_drawing.has_chinese() else words[1]
