"""The page of a room in a real browser, in front of a real agent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from playwright.async_api import Browser, Page

from config.pack_loader import load_pack
from kiosk_agent.officer.history import KeptTest
from kiosk_agent.officer.report import Facts
from kiosk_agent.room.room import Room
from kiosk_agent.room.screens import Rules
from kiosk_agent.room.words import Words
from tests.support.patience import PATIENCE

SIZES = ((1920, 1080), (1366, 768))
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => [html, failureSummary])]);
}"""


def rules(audio: tuple[str, ...] = ()) -> Rules:
    """Return rules as long as those of Yunnan: the ten don'ts, as its pack has them for warnings."""
    points = tuple(Words(each.zh, each.en) for each in load_pack("yunnan").warnings if each.id.startswith("dont-"))
    lead = Words("罪犯和会见人应当自觉遵守下列规定：", "Prisoners and visitors shall keep these rules:")
    return Rules(Words("远程视频会见须知", "Notice for remote video visits"), lead, points, audio)


SMALL_PICTURE = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    const small = { video: { width: 320, height: 180, frameRate: 10 } };
    devices.getUserMedia = (wanted) => ask(wanted.video ? small : wanted);
}"""
"""Script for a machine that codes and decodes for all rooms and officers at once."""


@asynccontextmanager
async def room_page(
    browser: Browser, room: Room, size: tuple[int, int] = SIZES[0], script: str = ""
) -> AsyncIterator[Page]:
    """Open the page of a room whose agent runs, in a window of that size, after a `script` of the test's own."""
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    try:
        page = await context.new_page()
        await page.add_init_script(script)
        page.set_default_timeout(PATIENCE * 1000)
        await page.goto(room.server.url)
        await shows(page)
        yield page
    finally:
        await context.close()


async def shows(page: Page, *names: str) -> None:
    """Wait until the page shows one of these screens, any for none."""
    script = "names => { const now = document.body.dataset.screen; return names.length ? names.includes(now) : now; }"
    await page.wait_for_function(script, arg=list(names))


async def findings(page: Page) -> list[Any]:
    """Return everything that axe-core finds on the page."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE)  # the page's own policy lets no foreign script in
    return list(await page.evaluate(RUN))


class TerminalOfTests:
    """A terminal without an agent, for the officer's screen: it notes what it is asked to do."""

    def __init__(self) -> None:
        self.known = Facts(
            started=datetime(2026, 11, 30, 1, 0, tzinfo=UTC),
            terminal="trm_a",
            key="tpm",
            room="room-1",
            server="https://huijian.example",
            online=True,
            page=True,
        )
        self.asked: list[str] = []
        self.listed: tuple[KeptTest, ...] | None = None

    async def room_tests(self) -> tuple[KeptTest, ...] | None:
        """Return what the test has set for the server's list."""
        return self.listed

    def facts(self) -> Facts:
        """Return what the test has set."""
        return self.known

    def request_test(self) -> None:
        """Note that a test was asked for."""
        self.asked.append("test")

    def restart(self) -> None:
        """Note that a restart was asked for."""
        self.asked.append("restart")
