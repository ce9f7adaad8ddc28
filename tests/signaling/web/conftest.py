"""One Chromium a worker, and pages that must stay silent: no console error, no CSP violation, no foreign request."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.support.chromium import FLAGS
from tests.support.monitor.fake_server import FakeMonitor, fake_monitor

PATIENCE = 10_000  # ms; the machine may be busy with other tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One loop for all of them, because the browser lives in it; and the marker that says what they need."""
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.browser)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium. A machine without one fails these tests: they skip nothing."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeMonitor]:
    """A fresh stand-in for the control process."""
    async with fake_monitor() as running:
        yield running


@dataclass
class Complaints:
    """Everything a good page never does. A test that provokes one takes it out again."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def watch(self, page: Page, host: str) -> None:
        """Listen from the first request on."""
        page.on("console", lambda message: self._heard(message.type, message.text))
        page.on("pageerror", lambda error: self._heard("error", str(error)))
        page.on("request", lambda request: self._asked(request.url, host))

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _asked(self, url: str, host: str) -> None:
        if urlsplit(url).netloc != host:
            self.foreign.append(url)


@pytest.fixture
def complaints() -> Complaints:
    """What the page of this test complained about."""
    return Complaints()


@pytest_asyncio.fixture(loop_scope="session")
async def page(chromium: Browser, server: FakeMonitor, complaints: Complaints) -> AsyncIterator[Page]:
    """The monitor page, not signed in; afterwards it must have been silent."""
    context = await chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    complaints.watch(page, urlsplit(server.url).netloc)
    await page.goto(f"{server.url}/monitor")
    await page.get_by_label("用户名").wait_for()
    # before anybody signs in the browser itself reports the 401 of /api/v1/me
    complaints.errors = [text for text in complaints.errors if "401" not in text]
    yield page
    await context.close()
    assert complaints.errors == []
    assert complaints.foreign == []


@pytest_asyncio.fixture(loop_scope="session")
async def on_duty(page: Page) -> Page:
    """The same page with an officer of the prison signed in."""
    await page.get_by_label("用户名").fill("li-ming")
    await page.get_by_label("密码").fill("right")
    await page.get_by_role("button", name="登录").click()
    await page.get_by_text("已连接").wait_for()
    return page
