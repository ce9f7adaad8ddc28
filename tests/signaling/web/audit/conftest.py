"""The auditors' page of an auditor who is signed in, on the stand-in of tests/support/monitor/fake_archive.py."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page

from tests.signaling.web.conftest import Tab
from tests.support.monitor.fake_archive import RECORDED, FakeArchive
from tests.support.monitor.fake_server import TOKEN, FakeMonitor

AUDITOR = {"kind": "user", "id": "li-ming", "name": "李明", "role": "auditor", "site": "yunnan-1"}


async def open_page(tab: Tab, server: FakeMonitor, place: str = "", **me: str) -> Page:
    """Open the page of an auditor, or as `me` says, at a place of its own address."""
    server.me = AUDITOR | me
    cookie = {"name": "huijian", "value": TOKEN, "url": server.url, "httpOnly": True}
    await tab.page.context.add_cookies([cookie])  # type: ignore[list-item]
    await tab.page.goto(f"{server.url}/audit{place}")
    await tab.page.locator(".audit-parts").wait_for()
    return tab.page


@pytest_asyncio.fixture(loop_scope="session")
async def archive(server: FakeMonitor) -> FakeArchive:
    """What the stand-in has, and what was asked of it."""
    return server.archive


@pytest_asyncio.fixture(loop_scope="session")
async def audit(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The page as it opens."""
    yield await open_page(tab, server)
    await tab.leave(server)


@pytest_asyncio.fixture(loop_scope="session")
async def visit(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The page of the recorded visit, once its film can be played."""
    page = await open_page(tab, server, f"#visit={RECORDED}")
    await page.wait_for_function(f"() => ({LENGTH})() > 39")
    yield page
    await tab.leave(server)


LENGTH = "() => Math.max(0, ...[...document.querySelectorAll('.film video')].map((film) => film.duration || 0))"
TIMES = "() => [...document.querySelectorAll('.film video, .film audio')].map((film) => film.currentTime)"
