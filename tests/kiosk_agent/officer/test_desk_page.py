"""The officer's screen in a real browser: opened by key and by a long press, accessible in both languages at both
sizes, and never over a visit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from kiosk_agent.officer import pin
from kiosk_agent.officer.choices import Choices
from kiosk_agent.officer.desk import OfficerPlaces
from kiosk_agent.officer.usb import UsbFinder
from kiosk_agent.room import words
from kiosk_agent.room.room import Room
from kiosk_agent.room.screens import Farewell, Name, Screen
from kiosk_agent.webrtc.peer import ServerAccess
from tests.support.chromium import chromium
from tests.support.kiosk.room_page import SIZES, TerminalOfTests, findings, room_page
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RIGHT = "482915"
FIGURES = {"answer": 12.0, "loss_up": 0.1, "round_trip": 21.0, "disk": 40_000.0, "temperature": 51.0, "width": 1280.0}
LIVE = Screen(name=Name.LIVE, title=words.LIVE, session="s_1", camera=True, farewell=Farewell(True))
IDLE = Screen(name=Name.IDLE, title=words.IDLE, place="演示监狱 · 一号会见室")
OUTSIDE = """() => [..."button h1 h2 select input".split(" ")]
    .flatMap((name) => [...document.querySelectorAll(`#officer ${name}`)])
    .filter((node) => node.offsetWidth).map((node) => [node.textContent, node.getBoundingClientRect()])
    .filter(([, box]) => box.bottom > innerHeight + 1 || box.right > innerWidth + 1 || box.left < -1 || box.top < -1)
    .map(([text]) => text)"""


@dataclass
class Story:
    """A room whose PIN is set, its terminal, its page, and the folder of its files."""

    room: Room
    terminal: TerminalOfTests
    page: Page
    folder: Path

    async def type(self, typed: str) -> None:
        """Type a PIN on the keyboard and send it."""
        for digit in typed:
            await self.page.keyboard.press(digit)
        await self.page.get_by_role("button", name="确定").press("Enter")

    async def opened(self) -> None:
        """Open the screen by its key and the right PIN."""
        await self.page.keyboard.press("Control+Alt+o")
        await expect(self.page.get_by_text("请输入口令")).to_be_visible()
        await self.type(RIGHT)
        await self.level("open")

    async def level(self, name: str) -> None:
        """Wait until the screen is open so far."""
        script = "name => document.querySelector('#officer .body').dataset.level === name"
        await self.page.wait_for_function(script, arg=name)

    async def until(self, reached: Callable[[], object]) -> None:
        """Wait until the agent has what the page sent."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                await asyncio.sleep(0.02)

    def meets(self, meeting: bool) -> None:
        """Let people meet in the room, or part."""
        self.terminal.known = replace(self.terminal.known, meeting=meeting)


@asynccontextmanager
async def officer_story(folder: Path, size: tuple[int, int], shown: Screen = IDLE) -> AsyncIterator[Story]:
    """Run a room whose page shows a screen; a stick may be mounted in `folder`/media."""
    (folder / "logs").mkdir()
    (folder / "logs" / "kiosk.log").write_text("a line\n", "utf-8")
    (folder / "mounts").touch()
    pin.write(folder / "officer.pin", RIGHT)
    finder = UsbFinder(folder / "mounts", folder / "block", (folder / "media",))
    places = OfficerPlaces(pin=folder / "officer.pin", state=folder, logs=folder / "logs", usb=finder)
    async with aiohttp.ClientSession() as http, chromium() as browser:
        terminal = TerminalOfTests()
        access = ServerAccess(http, "http://127.0.0.1:1", "unused")
        nothing: Any = lambda *_: None  # noqa: E731
        room = Room(access, nothing, nothing, nothing, None, places, terminal)
        running = asyncio.create_task(room.run())
        try:
            async with asyncio.timeout(PATIENCE):
                while not room.server.url:
                    await asyncio.sleep(0.01)
            room.show(shown, 0.0)
            async with room_page(browser, room, size) as page:
                yield Story(room, terminal, page, folder)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_level_fits_and_is_accessible_in_both_languages(tmp_path: Path, size: tuple[int, int]) -> None:
    wrong: list[object] = []
    async with officer_story(tmp_path, size) as story:

        async def look(level: str) -> None:
            for _ in range(2):
                await story.page.locator(".switches button").nth(0).dispatch_event("click")
                wrong.extend((level, found) for found in await findings(story.page))
                wrong.extend((level, "outside", text) for text in await story.page.evaluate(OUTSIDE))

        for number in range(30):
            story.room.officer.tested(FIGURES, frozenset({"camera", "network"} if number % 4 == 0 else ()))
        await story.page.keyboard.press("Control+Alt+o")
        await story.level("pin")
        await look("pin")
        await story.type(RIGHT)
        await story.level("open")
        await look("open")
        story.room.show(LIVE, 0.0)
        story.meets(True)
        await story.level("volume")
        await look("volume")
        await story.page.keyboard.press("Escape")
        await expect(story.page.locator("#officer")).to_be_hidden()
        await story.page.keyboard.press("Control+Alt+o")
        await story.level("pin")
        await look("pin in a visit")
    assert wrong == []


async def test_an_officer_sees_chooses_exports_restarts_and_leaves(tmp_path: Path) -> None:
    async with officer_story(tmp_path, SIZES[1]) as story:
        page, officer = story.page, story.page.locator("#officer")

        # A long press into the corner asks for the PIN; a wrong one is told, and keys of the pad work by touch.
        await expect(officer).to_be_hidden()
        await page.mouse.move(20, 20)
        await page.mouse.down()
        await story.level("pin")
        await page.mouse.up()
        for digit in "000000":
            await officer.get_by_role("button", name=digit, exact=True).click()
        await officer.get_by_role("button", name="确定").click()
        await expect(officer.get_by_text("口令不正确，还可以试 4 次。")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(officer).to_be_hidden()

        # It shows what the terminal is, and hides the room's own screen.
        await story.opened()
        await expect(officer.get_by_text("trm_a")).to_be_visible()
        await expect(page.locator("main")).to_be_hidden()
        await officer.get_by_role("button", name="立即检测设备").click()
        await story.until(lambda: story.terminal.asked == ["test"])

        # Choices apply to the page's sound and its next visit, and are kept.
        await officer.get_by_role("slider").fill("30")
        await officer.get_by_label("默认语言").select_option("en")
        cameras = page.locator("#officer-camera")
        await page.wait_for_function("() => document.querySelector('#officer-camera').options.length > 1")
        label = await cameras.evaluate("(select) => select.options[1].value")
        await cameras.select_option(label)
        await story.until(lambda: story.room.officer.choices == Choices(language="en", volume=0.3, camera=label))
        assert (
            await page.evaluate(
                "async () => (await import('./web/media/output.js')).tuned(new Audio()).volume.toFixed(2)"
            )
            == "0.30"
        )
        await expect(page.locator("html")).to_have_attribute("lang", "en")

        # Without a stick the export is refused; with one, the file is there.
        await officer.get_by_role("button", name="Export logs to USB").click()
        await expect(officer.get_by_text("No USB stick was found")).to_be_visible()
        stick = tmp_path / "media" / "STICK"
        stick.mkdir(parents=True)
        (tmp_path / "mounts").write_text(f"/dev/sdb1 {stick} vfat rw 0 0\n", "utf-8")
        await officer.get_by_role("button", name="Export logs to USB").click()
        await expect(officer.get_by_text("You may take the stick out")).to_be_visible()
        assert len(list(stick.glob("*.tar.gz"))) == 1

        # A restart is asked for twice.
        await officer.get_by_role("button", name="Restart the agent").click()
        assert story.terminal.asked == ["test"]
        await officer.get_by_role("button", name="Press again to restart").click()
        await story.until(lambda: story.terminal.asked == ["test", "restart"])
        await officer.get_by_role("button", name="Leave").click()
        await expect(page.locator("main")).to_be_visible()


async def test_a_visit_is_neither_covered_nor_left_and_its_volume_can_be_changed(tmp_path: Path) -> None:
    async with officer_story(tmp_path, SIZES[1], LIVE) as story:
        story.meets(True)
        page = story.page
        await page.keyboard.press("Control+Alt+o")
        await story.level("pin")
        await story.type(RIGHT)
        await story.level("volume")
        await expect(page.locator("main")).to_be_visible()
        main, strip = await page.locator("main").bounding_box(), await page.locator("#officer").bounding_box()
        assert main is not None and strip is not None
        assert strip["y"] + strip["height"] <= main["y"] + 1 and main["height"] > 0.7 * SIZES[1][1]
        await expect(page.get_by_role("button", name="会见完毕 (F)")).to_be_visible()
        assert await page.locator("#officer button").count() == 1  # leave
        await page.get_by_role("slider").press("ArrowLeft")
        await story.until(lambda: story.room.officer.choices == Choices(volume=0.75))
