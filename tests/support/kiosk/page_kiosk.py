"""A terminal with its page in a real browser, before a simulated server with real ICE, DTLS and SRTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.http_client import http_client
from tests.support.chromium import chromium
from tests.support.kiosk.answerer import TOKEN, Answerer, answering
from tests.support.kiosk.control import Control
from tests.support.kiosk.room_page import room_page, shows
from tests.support.patience import PATIENCE

CONNECTIONS = """{
    const Connection = RTCPeerConnection;
    window.connections = [];
    window.RTCPeerConnection = class extends Connection {
        constructor(...values) { super(...values); connections.push(this); }
    };
}"""
"""Script that keeps the page's connections where a test finds them."""


@dataclass(frozen=True, slots=True)
class PageKiosk:
    """The terminal, its page, and both parts of its server."""

    kiosk: Kiosk
    page: Page
    control: Control
    far: Answerer

    async def observed(self, **wanted: Any) -> dict[str, Any]:
        """Wait until the terminal reports this of its own picture and sound; return the report."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for message in self.control.messages:
                    if message["type"] == "observed" and wanted.items() <= message.items():
                        return message
                await asyncio.sleep(0.05)


@asynccontextmanager
async def page_kiosk(*flags: str, script: str = "") -> AsyncIterator[PageKiosk]:
    """Run a terminal and its page, which shows that there is no visit; the browser has these further flags."""
    control, ending = Control(), asyncio.Event()
    async with answering(control.routes) as (far, access), http_client() as http, chromium(*flags) as browser:
        kiosk = Kiosk(KioskConfig(access.url, TOKEN, headless=False), http, lambda _: None)
        assert kiosk.room is not None
        running = asyncio.create_task(kiosk.run(ending))
        try:
            async with asyncio.timeout(PATIENCE):
                while not kiosk.room.server.url:
                    await asyncio.sleep(0.01)
            async with room_page(browser, kiosk.room, script=CONNECTIONS + script) as page:
                await control.until(1, "connections")
                await shows(page, "idle")
                yield PageKiosk(kiosk, page, control, far)
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)
