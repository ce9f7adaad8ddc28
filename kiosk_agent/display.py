"""What the room sees: the far picture, a line that says what is going on, the countdown, and a slate whenever there is
nothing to see. `compose` paints one screen and is tested without a screen; `Window` only shows it. Chinese needs
Pillow and a Noto CJK font; without either the English words appear."""

import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from kiosk_agent.words import Phase

log = logging.getLogger(__name__)

_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
)
_DARK, _LIGHT, _WARNING = (40, 34, 28), (240, 240, 240), (80, 160, 255)  # BGR
_SHOWS_FAR = frozenset({Phase.LIVE})
_LAST_MINUTE = 60
_TRIAL = 15.0

WORDS = {
    Phase.OFFLINE: ("正在连接服务器……", "Connecting to the server ..."),
    Phase.CONNECTED: ("正在连接服务器……", "Connecting to the server ..."),
    Phase.SELF_TEST: ("正在检测设备，请稍候", "Testing the equipment, please wait"),
    Phase.WAITING: ("当前没有会见", "No visit at present"),
    Phase.PUBLISHING: ("会见准备中，请等候工作人员", "The visit is being prepared, please wait for the staff"),
    Phase.LIVE: ("会见进行中，全程录音录像", "The visit is on; it is supervised and recorded"),
    Phase.HELD: ("会见已中止，请等候工作人员", "The visit is held, please wait for the staff"),
    Phase.ENDED: ("会见已结束", "The visit has ended"),
}


@dataclass(frozen=True, slots=True)
class Screen:
    """What to show. `reason`: (Chinese, English) of a hold or an ending; `remaining`: seconds to the limit."""

    phase: Phase
    reason: tuple[str, str] | None = None
    remaining: float | None = None
    far: VideoFrame | None = None


def compose(screen: Screen, size: tuple[int, int] = (960, 600)) -> NDArray[np.uint8]:
    """One picture of `size` (width, height), BGR. The far room is painted while LIVE and in no other phase."""
    width, height = size
    canvas: NDArray[np.uint8] = np.full((height, width, 3), _DARK, np.uint8)
    bar = height // 10
    if screen.phase in _SHOWS_FAR and screen.far is not None:
        _paste(canvas[: height - bar], screen.far)
    else:
        _write(canvas, _line(WORDS[screen.phase]), (width // 12, height // 3), height // 16, _LIGHT)
        if screen.reason is not None:
            _write(canvas, _line(screen.reason), (width // 12, height // 2), height // 22, _LIGHT)
    _write(canvas, _line(WORDS[screen.phase]), (width // 40, height - bar * 4 // 5), height // 24, _LIGHT)
    if screen.remaining is not None:
        left = max(0, int(screen.remaining))
        colour = _WARNING if left <= _LAST_MINUTE else _LIGHT
        _write(
            canvas, f"{left // 60:02d}:{left % 60:02d}", (width * 7 // 8, height - bar * 4 // 5), height // 20, colour
        )
    return canvas


class Window:
    """An OpenCV window, when there is a screen at all; otherwise nothing (`usable` is False then). Making one blocks
    for as long as the trial takes, about half a second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self.usable = _display_works()
        if not self.usable:
            log.warning("no display: running headless")

    def show(self, screen: Screen) -> None:
        """Paints; a window that cannot be opened is given up once and for all."""
        if not self.usable:
            return
        try:
            cv2.imshow(self._title, compose(screen))
            cv2.waitKey(1)
        except cv2.error as error:
            log.warning("no window", extra={"error": str(error)})
            self.usable = False

    def close(self) -> None:
        """Takes the window away."""
        if self.usable:
            cv2.destroyAllWindows()


def _display_works() -> bool:
    """Whether a window can be opened. Qt ends the whole process when it cannot, so another process tries first."""
    if not os.environ.get("DISPLAY"):
        return False
    trial = [sys.executable, "-c", "import cv2; cv2.namedWindow('trial'); cv2.destroyAllWindows()"]
    try:
        return subprocess.run(trial, capture_output=True, timeout=_TRIAL, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _paste(area: NDArray[np.uint8], frame: VideoFrame) -> None:
    """The far picture, as large as it fits, in the middle."""
    height, width = area.shape[:2]
    scale = min(width / frame.width, height / frame.height)
    wide, high = max(1, int(frame.width * scale)), max(1, int(frame.height * scale))
    picture = cv2.resize(frame.to_ndarray(format="bgr24"), (wide, high), interpolation=cv2.INTER_LINEAR)
    top, left = (height - high) // 2, (width - wide) // 2
    area[top : top + high, left : left + wide] = picture


def _line(words: tuple[str, str]) -> str:
    return words[0] if _has_chinese() else words[1]


@cache
def _font_file() -> str | None:
    return next((path for path in _FONTS if Path(path).is_file()), None)


@cache
def _has_chinese() -> bool:
    try:
        import PIL.ImageFont  # noqa: F401
    except ImportError:
        return False
    return _font_file() is not None


def _write(canvas: NDArray[np.uint8], text: str, at: tuple[int, int], size: int, colour: tuple[int, int, int]) -> None:
    if text.isascii():
        base = (at[0], at[1] + size)
        cv2.putText(canvas, text, base, cv2.FONT_HERSHEY_SIMPLEX, size / 34, colour, max(1, size // 16), cv2.LINE_AA)
        return
    mask = _lettering(text, size)
    height, width = min(mask.shape[0], canvas.shape[0] - at[1]), min(mask.shape[1], canvas.shape[1] - at[0])
    part = canvas[at[1] : at[1] + height, at[0] : at[0] + width]
    share = mask[:height, :width, None].astype(np.float32) / 255
    part[:] = (part * (1 - share) + np.array(colour, np.float32) * share).astype(np.uint8)


@cache
def _lettering(text: str, size: int) -> NDArray[np.uint8]:
    """The text as a mask; the same few lines are painted 25 times a second."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(_font_file() or "", size)
    box = font.getbbox(text)
    image = Image.new("L", (int(box[2]) + 2, int(box[3]) + 2))
    ImageDraw.Draw(image).text((0, 0), text, fill=255, font=font)
    return np.asarray(image, np.uint8)
