"""One Chromium, one stand-in server and one window a worker, and pages that must stay silent.

A page must cause no console error, no CSP violation and no request to a foreign host. Starting a browser context and a
server for each test took longer than most tests; each test gets a fresh page and a server that has forgotten the
last test instead."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.chromium import FLAGS
from tests.support.monitor.fake_server import TOKEN, FakeMonitor, fake_monitor

PATIENCE = 10_000  # ms; the machine may be busy with other tests
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


async def new_window(chromium: Browser) -> BrowserContext:
    """Return a browser context with a storage, a cache and a clock of its own."""
    window = await chromium.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
    window.set_default_timeout(PATIENCE)
    return window


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def window(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """The browser context that all tests of this worker share: scripts and styles are loaded once."""
    window = await new_window(chromium)
    yield window
    await window.close()


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


@pytest.fixture
def complaints() -> Complaints:
    """What the page of this test complained about."""
    return Complaints()


async def open_page(window: BrowserContext, server: FakeMonitor, complaints: Complaints) -> Page:
    """Open the monitor page in a new tab of `window`."""
    page = await window.new_page()
    complaints.watch(page, urlsplit(server.url).netloc)
    await page.goto(f"{server.url}/monitor")
    return page


async def close_page(page: Page, server: FakeMonitor) -> None:
    """Close a page and everything that it could leave to the next test."""
    if page.url.startswith(server.url):
        await page.evaluate("() => localStorage.clear()")
    for other in page.context.pages:
        await other.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(window: BrowserContext, server: FakeMonitor, complaints: Complaints) -> AsyncIterator[Page]:
    """The monitor page before signing in; afterwards it must have been silent."""
    await window.clear_cookies()
    page = await open_page(window, server, complaints)
    await page.get_by_label("用户名").wait_for()
    # before signing in the browser itself reports the 401 of /api/v1/me
    complaints.errors = [text for text in complaints.errors if "401" not in text]
    yield page
    await close_page(page, server)
    assert complaints.errors == []
    assert complaints.foreign == []


@pytest_asyncio.fixture(loop_scope="session")
async def on_duty(window: BrowserContext, server: FakeMonitor, complaints: Complaints) -> AsyncIterator[Page]:
    """The monitor page of an officer of the prison who is signed in; afterwards it must have been silent."""
    await window.add_cookies([{"name": "huijian", "value": TOKEN, "url": server.url, "httpOnly": True}])
    page = await open_page(window, server, complaints)
    await page.get_by_text("已连接").wait_for()
    yield page
    await close_page(page, server)
    assert complaints.errors == []
    assert complaints.foreign == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scripts(chromium: Browser, stand_in: FakeMonitor) -> AsyncIterator[Page]:
    """A page of the stand-in's origin on which pure functions are imported and called; nothing is ever reset."""
    window = await new_window(chromium)
    page = await window.new_page()
    await page.goto(f"{stand_in.url}/web/icon.svg")
    yield page
    await window.close()
