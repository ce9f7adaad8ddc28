"""One officer's day at the monitor page in a browser: the visit with all its pages, and what is done at a page."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from config.articles.citations import cited
from kiosk_agent.room.screens import Name, Screen
from tests.support.installation import Installation
from tests.support.patience import FLIGHT
from tests.support.talkback import TalkbackRecorder
from tests.support.visit import Visit

PATIENCE = 60_000  # ms; four browsers, two rooms and a server share the machine


@dataclass
class Day:
    """The visit, its installation, the browser and the officers' pages. `acts` are the officers' acts in their
    order."""

    installation: Installation
    here: Visit
    browser: Browser
    talkback: TalkbackRecorder
    pages: list[Page] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)

    def id(self, officer: int) -> str:
        """Return the id of one of the four officers."""
        return self.installation.credentials.officers[officer].id

    def did(self, what: str, officer: int, **words: Any) -> None:
        """Keep an act of an officer, as journal and timeline must have it."""
        self.acts.append({"what": what, "by": self.id(officer), **words})

    async def until_state(self, state: str, **more: Any) -> dict[str, Any]:
        """Wait for a state of the visit."""
        return await self.here.until(lambda view: view["state"] == state, **more)

    async def shown(self, side: Side, holds: Callable[[Screen], bool]) -> Screen:
        """Wait until a room's screen fulfils `holds`, and return it."""
        async with asyncio.timeout(PATIENCE / 1000):
            while not holds(screen := self.here.kiosks[side].screen()):
                await asyncio.sleep(0.05)
        return screen

    async def hold_shown(self, reason: str) -> None:
        """Wait until the screens of both rooms show the hold with its reason."""
        for side in Side:
            await self.shown(side, lambda screen: screen.name is Name.HELD and screen.reason is not None)
            screen = self.here.kiosks[side].screen()
            assert screen.reason is not None and reason in screen.reason.zh

    async def meet(self) -> None:
        """Wait until both rooms see and hear each other."""
        await self.until_state("live")
        for side in Side:
            await self.here.sees_far_room(side)


def desk(page: Page) -> Locator:
    """Return the page's column with the orders."""
    return page.get_by_role("complementary")


async def press(page: Page, key: str, dialog: str) -> Locator:
    """Press a key that opens a dialog, and return the dialog."""
    await page.keyboard.press(key)
    found = page.get_by_role("dialog", name=dialog, exact=True)
    await expect(found).to_be_visible()
    return found


async def confirm(dialog: Locator, words: str, code: str = "") -> None:
    """Choose an article, where there is one to choose, and confirm."""
    if code:
        await dialog.get_by_role("radio", name=cited(code).zh).check()
    await dialog.get_by_role("button", name=words, exact=True).click()
    await expect(dialog).to_be_hidden()


async def nothing_crosses(day: Day, shut: float) -> None:
    """Check that no packet crosses in a second after the gate has shut at that moment."""
    await day.here.silence(shut + 1.0 - monotonic())
    assert await day.here.last_packet_before(shut + FLIGHT)
