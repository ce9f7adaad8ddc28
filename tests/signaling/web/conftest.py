"""One Chromium, one stand-in server and one tab a worker, and pages that must stay silent.

A page must cause no console error, no CSP violation and no request to a foreign host. A server, a browser context and a
tab for each test took longer than most tests. Instead the server forgets the last test, and the tab loads the page
anew with empty storage: state of the page never outlives a navigation."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.chromium import FLAGS
from tests.support.monitor.fake_server import TOKEN, FakeMonitor, fake_monitor

PATIENCE = 60_000  # ms; the machine may be busy with other tests
SIZE = {"width": 1366, "height": 768}
# records every note that the page plays, by its frequency
NOTES = """(() => {
    window.notes = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
        window.notes.push(this.frequency.value);
        return start.call(this, at);
    };
})()"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this folder in one loop, because the browser lives in it, and mark what they need."""
    for item in items:
        if "tests/signaling/web/" in item.nodeid and not item.nodeid.split("::")[0].endswith("test_modules.py"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.browser)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The headless Chromium of this worker. A machine without one fails these tests: they skip nothing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stand_in() -> AsyncIterator[FakeMonitor]:
    """The stand-in server of all tests of this worker."""
    async with fake_monitor() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def server(stand_in: FakeMonitor) -> FakeMonitor:
    """The stand-in for the control process, which knows nothing of an earlier test."""
    await stand_in.reset()
    return stand_in


@dataclass
class Complaints:
    """Console errors and foreign requests of a page. A test that provokes some clears them again."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self, page: Page, host: str) -> None:
        """Listen to a page from its first request on."""
        page.on("console", lambda message: self._log(message.type, message.text))
        page.on("pageerror", lambda error: self._log("error", str(error)))
        page.on("request", lambda request: self._request(request.url, host))

    def _log(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _request(self, url: str, host: str) -> None:
        if urlsplit(url).netloc != host:
            self.foreign.append(url)


@dataclass
class Tab:
    """One tab of a browser context, and what its page complains about."""

    page: Page
    complaints: Complaints

    async def sign_in(self, server: FakeMonitor) -> Page:
        """Load the page with the cookie of an officer, and wait until it is connected."""
        cookie = {"name": "huijian", "value": TOKEN, "url": server.url, "httpOnly": True}
        await self.page.context.add_cookies([cookie])  # type: ignore[list-item]
        await self.page.goto(f"{server.url}/monitor")
        await self.page.get_by_text("已连接").wait_for()
        return self.page

    async def leave(self, server: FakeMonitor) -> None:
        """Leave the page and clear all that a navigation does not; the page must have been silent until here."""
        errors, foreign = list(self.complaints.errors), list(self.complaints.foreign)
        if not self.page.url.startswith(server.url):
            await self.page.goto(f"{server.url}/web/icon.svg")
        await self.page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        for other in self.page.context.pages:
            if other is not self.page:
                await other.close()
        await self.page.goto("about:blank")
        await self.page.set_viewport_size(SIZE)  # type: ignore[arg-type]
        self.complaints.errors.clear()
        self.complaints.foreign.clear()
        assert errors == []
        assert foreign == []


async def open_tab(chromium: Browser, server: FakeMonitor) -> Tab:
    """Open a tab in a browser context of its own."""
    window = await chromium.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
    window.set_default_timeout(PATIENCE)
    page = await window.new_page()
    complaints = Complaints()
    complaints.watch(page, urlsplit(server.url).netloc)
    return Tab(page, complaints)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def tab(chromium: Browser, stand_in: FakeMonitor) -> AsyncIterator[Tab]:
    """The tab of all tests of this worker."""
    tab = await open_tab(chromium, stand_in)
    yield tab
    await tab.page.context.close()


@pytest.fixture
def complaints(tab: Tab) -> Complaints:
    """What the page of this test complains about."""
    return tab.complaints


@pytest_asyncio.fixture(loop_scope="session")
async def page(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The monitor page before signing in."""
    await tab.page.context.clear_cookies()
    await tab.page.goto(f"{server.url}/monitor")
    await tab.page.get_by_label("用户名").wait_for()
    # before signing in the browser itself reports the 401 of /api/v1/me
    tab.complaints.errors[:] = [text for text in tab.complaints.errors if "401" not in text]
    yield tab.page
    await tab.leave(server)


@pytest_asyncio.fixture(loop_scope="session")
async def on_duty(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The monitor page of an officer of the prison who is signed in."""
    yield await tab.sign_in(server)
    await tab.leave(server)


@pytest_asyncio.fixture(loop_scope="session")
async def on_duty_alone(chromium: Browser, server: FakeMonitor) -> AsyncIterator[Page]:
    """The same page in a browser context of its own, whose clock a test may replace."""
    tab = await open_tab(chromium, server)
    yield await tab.sign_in(server)
    await tab.leave(server)
    await tab.page.context.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scripts(chromium: Browser, stand_in: FakeMonitor) -> AsyncIterator[Page]:
    """A page of the stand-in's origin on which pure functions are imported and called; nothing is ever reset."""
    page = await chromium.new_page()
    await page.goto(f"{stand_in.url}/web/icon.svg")
    yield page
    await page.close()
