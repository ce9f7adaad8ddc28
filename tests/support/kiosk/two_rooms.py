"""Both rooms of a visit: terminals that are enrolled by a one-time code, each with its page in a browser of its own,
whose camera shows footage."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Page

from broker.kernel.ids import Side
from huijian.demo.setup import PLACES
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.http_client import http_client
from kiosk_agent.identity import enrolment
from kiosk_agent.identity.identity_file import Identity
from kiosk_agent.identity.keys import FileKey
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.kiosk.footage import footage
from tests.support.kiosk.room_page import room_page, shows
from tests.support.patience import PATIENCE

FAR = """() => { const far = document.querySelector('video.far'); return {
    frames: far?.getVideoPlaybackQuality().totalVideoFrames ?? 0, width: far?.videoWidth ?? 0 }; }"""
SIZE = (640, 360)
"""Pixels of the pages: small, as their pictures are drawn without a graphics card."""
PEOPLE = {Side.PRISON: 1, Side.VISITOR: 2}
"""People whom the footage of each room shows."""


@dataclass(frozen=True, slots=True)
class PageRoom:
    """One room: its terminal's program, and its page."""

    kiosk: Kiosk
    page: Page

    async def acknowledge(self, touch: bool = True) -> None:
        """Acknowledge the rules of a visit, page by page, by touch or by key."""
        await shows(self.page, "check_in")
        while await (following := self.page.get_by_role("button", name="下一页")).is_visible():
            await (following.click() if touch else following.press("Enter"))
        yes = self.page.get_by_role("button", name="我们已知晓，并将遵守")
        await (yes.click() if touch else yes.press("Enter"))

    async def shown(self) -> int:
        """Return how many pictures of the far room the live screen has shown since it was drawn."""
        return int((await self.page.evaluate(FAR))["frames"])

    async def sees_more(self, count: int = 5) -> None:
        """Wait until the live screen shows so many further pictures of the far room, and its sound comes."""
        received, now, shown = await self.received(), {}, 0
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    now, shown = await self.received(), await self.shown()
                    new = {kind: now[kind]["frames"] - received[kind]["frames"] for kind in now}
                    if new["video"] >= count and new["audio"] > 0 and shown:
                        return
                    if min(new.values()) < 0:  # another connection counts from nought
                        received = now
                    await asyncio.sleep(0.1)  # what a page decodes sets no event here
        except TimeoutError:
            screen = self.kiosk.screen()
            story = f"received {received}, then {now}; shown {shown} on {screen.name}: {screen.reason}"
            raise AssertionError(story) from None

    async def received(self) -> dict[str, dict[str, int]]:
        """Return what the page has received of the far room over the present connection."""
        far = (await self.kiosk.measure())["far"]
        return {kind: dict(far[kind]) for kind in ("video", "audio")}

    async def publications(self) -> int:
        """Return how many connections this room has sent by so far."""
        return int((await self.kiosk.measure())["publications"])


async def enrolled(installation: Installation, http: aiohttp.ClientSession, server: str, side: Side) -> Identity:
    """Enrol a new key for the room of a side by a one-time code, in the place of the terminal that it has."""
    code = await installation.store.open_enrolment(PLACES[side].room, timedelta(hours=1), "command:test", replace=True)
    key = FileKey.new()
    answer = await enrolment.enrol(http, server, code.code, key)
    return Identity(server, answer.terminal, key)


@asynccontextmanager
async def page_room(
    installation: Installation, side: Side, server: str, film: str, script: str = "", **options: Any
) -> AsyncIterator[PageRoom]:
    """Run the terminal of a side's room, enrolled at `server`, and its page in a browser that shows `film`, after a
    `script` of the test's own."""
    ending = asyncio.Event()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(http_client())
        identity = await enrolled(installation, http, server, side)
        kiosk = Kiosk(KioskConfig(server, identity, headless=False, **options), http, lambda _: None)
        running = asyncio.create_task(kiosk.run(ending))
        try:
            assert kiosk.room is not None
            async with asyncio.timeout(PATIENCE):
                while not kiosk.room.server.url:
                    await asyncio.sleep(0.01)
            browser = await stack.enter_async_context(chromium(film))
            page = await stack.enter_async_context(room_page(browser, kiosk.room, SIZE, script))
            yield PageRoom(kiosk, page)
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)


@asynccontextmanager
async def two_rooms(installation: Installation, server: str, folder: Path) -> AsyncIterator[dict[Side, PageRoom]]:
    """Run both rooms of the demonstration with pages."""
    async with AsyncExitStack() as stack:
        rooms = {}
        for side in Side:
            film = footage(folder / f"{side}.y4m", PEOPLE[side])
            rooms[side] = await stack.enter_async_context(page_room(installation, side, server, film))
        yield rooms
