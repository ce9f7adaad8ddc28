"""The room's screen: the far picture, a status line, the countdown, and a text whenever there is no picture to show.
`compose` paints one screen and is tested without a display; `Window` shows it and returns the confirmation of a
warning. The texts are English where Chinese cannot be drawn."""

import logging
import os
import subprocess
import sys
from dataclasses import dataclass, replace

import cv2
import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from kiosk_agent.state.events import Phase
from kiosk_agent.ui import farewell, text_drawing, warning_banner
from kiosk_agent.ui.farewell import Farewell, FarewellControl, Word
from kiosk_agent.ui.text_drawing import write
from kiosk_agent.ui.warning_banner import Notice

log = logging.getLogger(__name__)

_DARK, _LIGHT, _WARNING = (40, 34, 28), (240, 240, 240), (80, 160, 255)  # BGR
_NOTICE = (60, 200, 250)
_SHOWS_FAR = frozenset({Phase.LIVE})
_LAST_MINUTE = 60  # seconds before the limit in which the countdown is coloured
_TRIAL = 15.0  # seconds that the trial of the display may take
_KEYS = frozenset({10, 13, 32})  # Enter on either part of the keyboard, and the space bar
_READ = 20
"""Paintings (25 a second) of a warning before it can be confirmed: a touch right after it appeared was meant for an
earlier warning, or for nothing."""

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


_MUTED = {
    frozenset({"near"}): ("对方暂时听不到您的声音", "The other room cannot hear you for now"),
    frozenset({"far"}): ("对方的声音已被关闭", "The other room's sound is off"),
    frozenset({"near", "far"}): ("双方声音已被关闭", "The sound of both rooms is off"),
}
TALKBACK = ("工作人员正在讲话，请注意收听", "An officer is speaking to you, please listen")


@dataclass(frozen=True, slots=True)
class Screen:
    """Content of the room's screen.

    `reason` is (Chinese, English) of a hold or an ending; `remaining` the seconds to the limit; `muted` the rooms whose
    sound does not cross, this one ("near") or the other ("far"); `talkback` whether an officer speaks to this room;
    `farewell` the button of a visit that goes on."""

    phase: Phase
    reason: tuple[str, str] | None = None
    remaining: float | None = None
    far: VideoFrame | None = None
    warning: Notice | None = None
    muted: frozenset[str] = frozenset()
    talkback: bool = False
    farewell: Farewell | None = None


SIZE = (960, 600)


def compose(screen: Screen, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Return one picture of `size` (width, height), BGR. The far room is painted while LIVE and in no other phase."""
    width, height = size
    canvas: NDArray[np.uint8] = np.full((height, width, 3), _DARK, np.uint8)
    bar = height // 10
    if screen.phase in _SHOWS_FAR and screen.far is not None:
        _paste(canvas[: height - bar], screen.far)
    else:
        write(canvas, _line(WORDS[screen.phase]), (width // 12, height // 3), height // 16, _LIGHT)
        if screen.reason is not None:
            write(canvas, _line(screen.reason), (width // 12, height // 2), height // 22, _LIGHT)
    status = _MUTED.get(screen.muted, WORDS[screen.phase]) if screen.phase is Phase.LIVE else WORDS[screen.phase]
    colour = _WARNING if status is not WORDS[screen.phase] else _LIGHT
    write(canvas, _line(status), (width // 40, height - bar * 4 // 5), height // 24, colour)
    if screen.farewell is not None:
        farewell.paint(canvas, screen.farewell)
    if screen.warning is not None:
        warning_banner.paint(canvas, screen.warning, height - bar)
    if screen.talkback:
        _banner(canvas[:bar], _line(TALKBACK))
    if screen.remaining is not None:
        left = max(0, int(screen.remaining))
        colour = _WARNING if left <= _LAST_MINUTE else _LIGHT
        write(
            canvas, f"{left // 60:02d}:{left % 60:02d}", (width * 7 // 8, height - bar * 4 // 5), height // 20, colour
        )
    return canvas


def _banner(area: NDArray[np.uint8], text: str) -> None:
    """Paint a line over everything else, in colours that set it apart from the picture."""
    height, width = area.shape[:2]
    area[:] = _NOTICE
    write(area, text, (width // 40, height // 5), height * 5 // 12, _DARK)


class Window:
    """OpenCV window on the display; `usable` is False when there is no display. Making one tries the display first,
    which blocks for about half a second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._has_callback = self._touched = False
        self._touch: tuple[int, int] | None = None
        self._warning, self._painted = "", 0
        self._farewell = FarewellControl()
        self.word: Word | None = None
        """What the room said with the button at the last painting."""
        self.usable = _display_works()
        if not self.usable:
            log.warning("no display: running headless")

    def show(self, screen: Screen) -> str | None:
        """Paint the screen; return the id of a warning that was confirmed meanwhile. A window that cannot be opened is
        not tried again."""
        if not self.usable:
            return None
        try:
            cv2.imshow(self._title, compose(_with_question(screen, self._farewell.asks)))
            if not self._has_callback:
                cv2.setMouseCallback(self._title, self._pointed)
                self._has_callback = True
            key = cv2.waitKey(1) & 0xFF
        except cv2.error as error:
            log.warning("no window", extra={"error": error})
            self.usable = False
            return None
        self.word = self._said(screen, key)
        return self._confirmed(screen.warning, key in _KEYS)

    def _pointed(self, event: int, x: int = -1, y: int = -1, *_: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            self._touched, self._touch = True, (x, y)

    def _said(self, screen: Screen, key: int) -> Word | None:
        """Return what the button says. While a warning stands, a touch is for the warning."""
        touch, self._touch = self._touch, None
        if screen.warning is not None:
            return self._farewell.press(None, False, False)
        on_button = key == farewell.KEY or (touch is not None and farewell.hit(touch, SIZE))
        return self._farewell.press(screen.farewell, on_button, not on_button and (touch is not None or key in _KEYS))

    def _confirmed(self, shown: Notice | None, pressed: bool) -> str | None:
        """Return the id of the shown warning when a touch or key confirms it and it has been shown long enough."""
        pressed, self._touched = pressed or self._touched, False
        if shown is None or shown.id != self._warning:
            self._warning, self._painted = shown.id if shown is not None else "", 0
            return None
        self._painted += 1
        return shown.id if pressed and self._painted >= _READ else None

    def close(self) -> None:
        """Close the window, where there is one."""
        if self.usable:
            cv2.destroyAllWindows()


def _with_question(screen: Screen, asks: bool) -> Screen:
    if screen.farewell is None or not asks:
        return screen
    return replace(screen, farewell=replace(screen.farewell, asks=True))


def _display_works() -> bool:
    """Whether a window can be opened. Qt ends the whole process when it cannot, so a child process tries first."""
    if not os.environ.get("DISPLAY"):
        return False
    trial = [sys.executable, "-c", "import cv2; cv2.namedWindow('trial'); cv2.destroyAllWindows()"]
    try:
        return subprocess.run(trial, capture_output=True, timeout=_TRIAL, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _paste(area: NDArray[np.uint8], frame: VideoFrame) -> None:
    """Paste the far picture into the middle of `area`, as large as it fits."""
    height, width = area.shape[:2]
    scale = min(width / frame.width, height / frame.height)
    wide, high = max(1, int(frame.width * scale)), max(1, int(frame.height * scale))
    picture = cv2.resize(frame.to_ndarray(format="bgr24"), (wide, high), interpolation=cv2.INTER_LINEAR)
    top, left = (height - high) // 2, (width - wide) // 2
    area[top : top + high, left : left + wide] = picture


def _line(words: tuple[str, str]) -> str:
    return words[0] if text_drawing.has_chinese() else words[1]
