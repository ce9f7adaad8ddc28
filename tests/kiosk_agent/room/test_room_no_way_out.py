"""No way out of the room's page: with the browser as the agent starts it and under the terminal's policies, no key,
click, touch or drag leads anywhere, and a browser that ends is back. In the terminal's own compositor (cage), started
by the command line of its unit, and in a bare window system, where every key reaches the browser."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.room import chromium, words
from kiosk_agent.room.room import Browser, Room
from kiosk_agent.room.screens import Name, RoomWarning, Screen
from kiosk_agent.state.events import Fact, WarningConfirmed
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.kiosk.compositor import browser_flags, compositor
from tests.support.kiosk.room_page import TerminalOfTests
from tests.support.kiosk.window_system import (
    SIZE,
    WindowSystem,
    browser_under_policies,
    window_manager,
    window_system,
)
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

FLAGS = ("--no-sandbox", "--test-type", "--disable-gpu", "--use-fake-device-for-media-stream")
"""Further flags for a machine without a graphics card, where tests may run as root."""
WHOLE_SCREEN = ("--window-position=0,0", f"--window-size={SIZE[0]},{SIZE[1]}")
"""Flags that do what no window manager does."""
KEYS = (
    *("ctrl+w", "ctrl+t", "ctrl+n", "ctrl+shift+n", "ctrl+l", "ctrl+shift+i", "ctrl+shift+j", "ctrl+p", "ctrl+s"),
    *("ctrl+o", "ctrl+j", "ctrl+h", "ctrl+u", "ctrl+r", "ctrl+f", "ctrl+d", "ctrl+shift+t", "ctrl+shift+w", "ctrl+q"),
    *("ctrl+Tab", "ctrl+1", "ctrl+plus", "ctrl+F4", "ctrl+shift+Delete", "shift+Escape", "alt+F4", "alt+Left"),
    *("alt+Home", "alt+d", "alt+f", "alt+space", "super", "F1", "F3", "F5", "F6", "F7", "F10", "F11", "F12", "Escape"),
    *("BackSpace", "Menu", "shift+F10", "XF86Back", "XF86HomePage", "XF86Mail", "XF86Search"),
    *("alt+Tab", "alt+shift+Tab", "alt+Escape", "ctrl+Escape", "ctrl+alt+BackSpace", "ctrl+alt+Delete", "ctrl+alt+t"),
    *(f"ctrl+alt+F{number}" for number in (1, 2, 7)),
    *("super+l", "super+d", "super+Tab", "Print", "alt+Print", "ctrl+shift+Print", "XF86PowerOff", "XF86Explorer"),
)
CENTRE = ("mousemove", str(SIZE[0] // 2), str(SIZE[1] // 3))
HANDS = (
    (*CENTRE, "click", "3"),  # right
    (*CENTRE, "click", "2"),  # middle
    (*CENTRE, "click", "8"),  # back
    (*CENTRE, "click", "--repeat", "3", "1"),
    (*CENTRE, "mousedown", "1", "sleep", "1.5", "mouseup", "1"),  # long
    (*CENTRE, "mousedown", "1", "mousemove", "40", "20", "sleep", "0.2", "mouseup", "1"),  # a drag to the edge
    (*CENTRE, "keydown", "ctrl", "click", "4", "click", "5", "keyup", "ctrl"),  # zoom by the wheel
)
WARNING = RoomWarning("w_1", "请遵守会见须知。", "Please keep the rules.")
SCREEN = Screen(name=Name.WAITING, title=words.WAITING, session="s_1", place="一号会见室", warning=WARNING)
OTHER, SAME = 24, 0.01
"""Difference of a pixel's colours beyond which it has changed, and the part of the screen that may have: a clock, a
mark around what the keyboard is on."""
KINDS = ("bare", "cage")


@dataclass
class Story:
    """A room whose browser has a window; `facts` are what its people did."""

    room: Room
    screen: WindowSystem
    facts: list[Fact] = field(default_factory=list)
    pages: int = 0
    """How often the page was loaded."""

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until a condition holds that sets no event here."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                await asyncio.sleep(0.05)

    async def here(self, start: int) -> None:
        """Wait until the page of this start of the browser is there."""
        await self.until(lambda: self._starts() >= start and self.room.here.is_set())

    async def answers(self) -> None:
        """Check that the page alone has the keyboard: Enter confirms the warning that it shows."""
        count = len(self.facts)
        async with asyncio.timeout(PATIENCE):
            while len(self.facts) == count:
                await self.screen.do("key", "Return")
                await asyncio.sleep(0.2)  # a warning that was shown just now cannot be confirmed yet
        assert self.facts[-1] == WarningConfirmed("w_1")

    def _starts(self) -> int:
        return self.room.keeper.starts if self.room.keeper is not None else 0

    def changed(self, before: NDArray[np.uint8]) -> bool:
        """Whether the screen shows another picture than `before`: a menu, a window, a desktop."""
        difference = np.abs(self.screen.picture().astype(np.int16) - before).max(axis=2)
        return bool((difference > OTHER).mean() > SAME)


@asynccontextmanager
async def _story(folder: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> AsyncIterator[Story]:
    async with AsyncExitStack() as stack:
        screen = await stack.enter_async_context(window_system())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        flags = FLAGS
        if kind == "cage":
            cage = await stack.enter_async_context(compositor(screen, folder))
            for name, value in cage.environment.items():
                monkeypatch.setenv(name, value)
            flags += browser_flags()
        else:
            monkeypatch.setenv("DISPLAY", screen.display)
            flags += WHOLE_SCREEN
        if kind == "managed":
            await stack.enter_async_context(window_manager(screen))
        facts: list[Fact] = []
        access = ServerAccess(http, "http://127.0.0.1:1", "unused")
        browser = Browser(browser_under_policies(folder), flags)
        officer = OfficerPlaces(), TerminalOfTests()
        room = Room(access, facts.append, lambda _: None, lambda *_: None, browser, *officer)
        running = asyncio.create_task(room.run())
        room.show(SCREEN, 0.0)
        try:
            yield _counting(Story(room, screen, facts))
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def _fills(windows: dict[str, tuple[int, int]]) -> bool:
    """Whether there is one window, which fills the screen: without a window manager Chromium leaves a pixel."""
    ((width, height),) = windows.values()
    return width >= SIZE[0] - 1 and height >= SIZE[1] - 1


def _counting(story: Story) -> Story:
    """Have the story count the pages that connect."""
    opened = story.room._link._opened

    def count() -> None:
        story.pages += 1
        opened()

    story.room._link._opened = count
    return story


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", KINDS)
async def test_no_key_click_touch_or_drag_leads_out_of_the_page(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _story(tmp_path, monkeypatch, kind) as story:
        await story.here(1)
        await story.answers()
        windows, picture = await story.screen.windows(), story.screen.picture()
        assert _fills(windows)
        led: list[str] = []
        for hand in (*(("key", "--clearmodifiers", key) for key in KEYS), *HANDS):
            await story.screen.do(*hand)
            await story.answers()
            if await story.screen.windows() != windows or story.changed(picture):
                led.append(" ".join(hand))
        assert led == []
        assert story.room.keeper is not None and story.room.keeper.starts == 1
        assert story.pages == 1, "the page was never loaded again"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "how"), [("bare", "killed"), ("cage", "killed"), ("bare", "its window closed"), ("managed", "Alt+F4")]
)
async def test_a_browser_that_is_gone_is_back(
    kind: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window manager takes Alt+F4 for itself; cage, which the terminal has, knows no such key."""
    monkeypatch.setattr(chromium, "backoff", lambda tries, jitter: 0.0)
    async with _story(tmp_path, monkeypatch, kind) as story:
        await story.here(1)
        await story.answers()
        picture = story.screen.picture()
        assert story.room.keeper is not None and story.room.keeper.pid is not None
        if how == "killed":
            os.killpg(story.room.keeper.pid, signal.SIGKILL)
        elif how == "Alt+F4":
            await story.screen.do("key", "alt+F4")
        else:
            (window,) = await story.screen.windows()
            await story.screen.do("windowkill", window)
        await story.here(2)
        await story.answers()
        await story.until(lambda: not story.changed(picture))


async def test_the_compositor_runs_the_agent_by_its_settings_and_ends_with_it(tmp_path: Path) -> None:
    """cage leaves the status of its agent aside; systemd starts both again, however they have ended."""
    async with window_system() as screen, compositor(screen, tmp_path) as cage:
        assert cage.arguments == ["kiosk", "--config", "/etc/huijian/kiosk.toml"]
        await cage.end_agent()
