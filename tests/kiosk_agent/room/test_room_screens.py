"""The page draws every screen: axe-core finds nothing, texts fit, language and size can be changed, and no key, click
or touch leads out of it."""

import asyncio
from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from playwright.async_api import Page, expect

from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.room import words
from kiosk_agent.room.room import Room
from kiosk_agent.room.screens import Farewell, Name, NextVisit, RoomWarning, Screen
from kiosk_agent.room.words import Words
from kiosk_agent.state.events import Fact, WarningConfirmed
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.chromium import chromium
from tests.support.kiosk.room_page import SIZES, TerminalOfTests, findings, room_page, rules, shows
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

PLACE = "演示监狱 · 一号会见室"
RULES = rules()
LACKS = (Words("会见人一方人员核验未完成", "Check-in on the visitors' side is not complete"),) * 3
OF_VISIT = {"place": PLACE, "session": "s_1", "camera": True}
WARNING = RoomWarning("w_1", "不准使用隐语、暗语、非规定语种交谈。", "No coded speech and no other language.", 1)
SCREENS = [
    Screen(name=Name.IDLE, title=words.IDLE, place=PLACE, next=NextVisit("10:30", "K3F9QZ")),
    Screen(name=Name.CHECK_IN, title=RULES.title, rules=RULES, **OF_VISIT),
    Screen(name=Name.SEAT, title=words.SEAT, lines=(words.SEAT_HOW,), **OF_VISIT),
    Screen(name=Name.WAITING, title=words.WAITING, lines=LACKS, **OF_VISIT),
    Screen(
        name=Name.LIVE,
        title=words.LIVE,
        farewell=Farewell(True, words.FAREWELL_FAR),
        talkback=True,
        banners=(words.TALKBACK,),
        until=200.0,
        **OF_VISIT,
    ),
    Screen(name=Name.LIVE, title=words.LIVE, farewell=Farewell(True), warning=WARNING, **OF_VISIT),
    Screen(
        name=Name.HELD,
        title=words.HELD,
        reason=Words("管理员中止会见", "Held by a supervisor"),
        lines=(words.HELD_WAIT,),
        farewell=Farewell(True),
        **OF_VISIT,
    ),
    Screen(
        name=Name.ENDED,
        title=words.ENDED,
        place=PLACE,
        reason=Words("会见时间已到", "The visit reached its time limit"),
        lines=(words.THANKS, words.NEXT_VISITOR),
    ),
    Screen(
        name=Name.OUT_OF_SERVICE,
        title=words.OUT_OF_SERVICE,
        lines=(words.FAILED_TEST, *words.FAILED.values(), words.ASK_STAFF),
    ),
    Screen(name=Name.DRILL, title=words.DRILL, lines=words.DRILL_LINES, **OF_VISIT),
]
OUTSIDE = """() => [...document.querySelectorAll("h1, h2, p, button, li")].filter((node) => {
    const box = node.getBoundingClientRect();
    const pages = node.closest(".pages");
    const edge = pages ? Infinity : innerWidth + 1;
    const upper = node.closest("main") ? document.querySelector("header").getBoundingClientRect().bottom : 0;
    const aside = box.right > edge || box.left < -1 && !pages;
    return box.width && (box.bottom > innerHeight + 1 || box.top < upper - 1 || aside);
}).map((node) => node.textContent)"""
SMALL = """() => [...document.querySelectorAll("h1, h2, p, button, li")]
    .filter((node) => node.offsetWidth && parseFloat(getComputedStyle(node).fontSize) < 32 * innerHeight / 1080 - 0.1)
    .map((node) => node.textContent)"""
KEYS = [
    *("Control+w", "Control+t", "Control+n", "Control+l", "Control+p", "Control+r", "Control+Shift+i", "Control+f"),
    *("Control+o", "Control+s", "Control+u", "Control+j", "Control+Equal", "Control+Tab", "Control+F4"),
    *("F1", "F3", "F5", "F6", "F7", "F10", "F11", "F12", "Escape", "Alt+F4", "Alt+ArrowLeft", "Alt+Home", "Alt+d"),
    *("Backspace", "Meta+l", "ContextMenu", "a", "/", "'"),
]
CLOCK = "window.moment = 1000; performance.now = () => window.moment;"
"""Script that lets the page's own clock stand: how soon a key is pressed is then the test's word."""
LATER = "() => { window.moment += 1100; }"
REACHABLE = "() => !document.querySelector('.farewells').closest('[inert]')"
"""Whether the farewell button can be used: it cannot behind a warning."""
COUNT_REFUSED = """() => {
    window.seen = [];
    for (const type of ["keydown", "contextmenu", "dragstart", "dragover", "drop", "auxclick", "beforeprint", "copy"]) {
        addEventListener(type, (event) => seen.push([type, event.key ?? "", event.defaultPrevented]));
    }
    const prevent = Event.prototype.preventDefault;
    window.refused = new Set();
    Event.prototype.preventDefault = function () { refused.add(this.key ?? this.type); return prevent.call(this); };
}"""


@dataclass
class Story:
    """A room without a server, and its page; `facts` are what the page's people did, `finished` what they said."""

    room: Room
    page: Page
    facts: list[Fact] = field(default_factory=list)
    finished: list[bool] = field(default_factory=list)
    acknowledged: list[tuple[str, bool]] = field(default_factory=list)

    async def show(self, screen: Screen) -> None:
        """Have the page show a screen, and wait until it does."""
        self.room.show(screen, 0.0)
        await shows(self.page, screen.name)
        await expect(self.page.locator("main h1")).not_to_be_empty()

    async def until(self, found: Sized, count: int) -> None:
        """Wait until a list has so many items: they come over the page's socket."""
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def _story(size: tuple[int, int], script: str = "") -> AsyncIterator[Story]:
    facts, finished, acknowledged = list[Fact](), list[bool](), list[tuple[str, bool]]()
    async with aiohttp.ClientSession() as http, chromium() as browser:
        access = ServerAccess(http, "http://127.0.0.1:1", "unused")
        officer = OfficerPlaces(), TerminalOfTests()
        room = Room(access, facts.append, finished.append, lambda *words: acknowledged.append(words), None, *officer)
        running = asyncio.create_task(room.run())
        try:
            async with asyncio.timeout(PATIENCE):
                while not room.server.url:
                    await asyncio.sleep(0.01)
            async with room_page(browser, room, size, script) as page:
                yield Story(room, page, facts, finished, acknowledged)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen_fits_is_large_enough_and_accessible_in_both_languages(size: tuple[int, int]) -> None:
    async with _story(size) as story:
        language, large = (story.page.locator(".switches button").nth(number) for number in (0, 1))
        wrong: list[object] = []
        for screen in SCREENS:
            await story.show(screen)
            for press in (None, language, large, language):  # Chinese, English, English large, Chinese large
                if press is not None:
                    await press.dispatch_event("click")
                shown = (screen.name, await story.page.locator("html").get_attribute("lang"), press is not None)
                wrong += [(shown, found) for found in await findings(story.page)]
                wrong += [(shown, "outside", text) for text in await story.page.evaluate(OUTSIDE)]
                wrong += [(shown, "small", text) for text in await story.page.evaluate(SMALL)]
            await large.dispatch_event("click")
        assert wrong == []


@pytest.mark.timeout(300)
async def test_people_acknowledge_confirm_and_finish_and_nothing_leads_out() -> None:
    async with _story(SIZES[0], CLOCK) as story:
        page = story.page
        address = page.url

        # The rules are acknowledged with a key, or by touch.
        await story.show(SCREENS[1])
        await page.get_by_role("button", name="我们已知晓，并将遵守").press("Enter")
        await story.until(story.acknowledged, 1)
        await page.get_by_role("button", name="已确认，请稍候").click()
        await story.until(story.acknowledged, 2)
        assert story.acknowledged == [("zh", False), ("zh", True)]

        # A warning has the focus, cannot be confirmed before it could be read, and everything behind it is inert.
        await story.show(SCREENS[5])
        button = page.get_by_role("button", name="已知晓")
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("f")
        await page.evaluate(LATER)
        await page.keyboard.press("Space")
        await story.until(story.facts, 1)
        assert story.facts == [WarningConfirmed("w_1")] and story.finished == []

        # A single press of the farewell button only asks; the answer is the word; afterwards it is taken back.
        await story.show(SCREENS[4])
        await page.wait_for_function(REACHABLE)
        await page.keyboard.press("f")
        await expect(page.get_by_text("确定会见已经完毕吗？")).to_be_visible()
        await page.keyboard.press("f")
        assert story.finished == []
        await page.evaluate(LATER)
        await page.keyboard.press("f")
        await story.until(story.finished, 1)
        await story.show(Screen(name=Name.LIVE, title=words.LIVE, farewell=Farewell(False), **OF_VISIT))
        await page.get_by_role("button", name="继续会见 (F)").click()
        await story.until(story.finished, 2)
        assert story.finished == [True, False]

        # The question is still open after a short hold has drawn another screen, and keeps its focus.
        await story.show(SCREENS[5])
        await story.show(SCREENS[4])
        await page.wait_for_function(REACHABLE)
        await page.keyboard.press("f")
        for screen in (SCREENS[6], SCREENS[4]):
            await story.show(screen)
            await expect(page.get_by_text("确定会见已经完毕吗？")).to_be_visible()
            await expect(page.locator(".answers button").last).to_be_focused()
        await page.evaluate(LATER)
        await page.get_by_role("button", name="是，已经谈完").click()
        await story.until(story.finished, 3)
        await page.keyboard.press("f")
        await story.show(SCREENS[7])
        await expect(page.get_by_text("确定会见已经完毕吗？")).to_have_count(0)
        await story.show(SCREENS[4])
        await expect(page.get_by_text("确定会见已经完毕吗？")).to_be_hidden()
        assert story.finished == [True, False, True]

        # No key, click or drag leads anywhere.
        await page.evaluate(COUNT_REFUSED)
        for key in KEYS:
            await page.keyboard.press(key)
        refused = set(await page.evaluate("() => [...refused]"))
        assert {"w", "l", "p", "F5", "F11", "F12", "F4", "Escape", "ContextMenu", "Backspace"} <= refused
        await page.locator("main h1").click(button="right")
        await page.locator("main h1").click(button="middle")
        await page.locator("main h1").drag_to(page.locator("#header"))
        await page.evaluate(
            "() => { document.dispatchEvent(new DragEvent('drop', { cancelable: true, bubbles: true })); }"
        )
        refused = set(await page.evaluate("() => [...refused]"))
        assert {"contextmenu", "drop"} <= refused
        assert not any(not prevented for kind, _, prevented in await page.evaluate("() => seen") if kind != "keydown")
        await page.evaluate("() => { history.back(); history.go(-9); }")
        assert await page.evaluate("() => getSelection().toString()") == ""
        assert page.url == address and len(page.context.pages) == 1
        assert story.room.here.is_set()
