"""The wall alone, for a second screen: pictures and nothing beside them, and yet all that an officer's duty needs."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Tab
from tests.signaling.web.test_alerts import alert
from tests.signaling.web.test_wall import duty, put_checking_in, shown
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live


@pytest_asyncio.fixture(loop_scope="session")
async def second(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The second screen of an officer who is signed in."""
    await tab.sign_in(server)
    await tab.page.goto(f"{server.url}/monitor?wall")
    await tab.page.get_by_text("已连接").wait_for()
    server.presence.clear()
    yield tab.page
    await tab.leave(server)


async def _widths(page: Page) -> Any:
    columns = "() => ['.list', '.details'].map((part) => document.querySelector(part).getBoundingClientRect().width)"
    return await page.evaluate(columns)


class TestTheWallAlone:
    async def test_opens_from_the_wall_in_a_window_of_its_own(self, on_duty: Page, server: FakeMonitor) -> None:
        link = on_duty.get_by_role("link", name="副屏")
        await expect(link).to_have_attribute("href", "/monitor?wall")
        await expect(link).to_have_attribute("target", "_blank")

    async def test_shows_no_column_whatever_the_number_of_visits(self, second: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a")
        await expect(second.locator(".tile")).to_have_count(1)
        assert await _widths(second) == [0, 0]
        await expect(second.get_by_role("link", name="副屏")).to_have_count(0)
        await expect(second.get_by_role("button", name="退出登录")).to_be_hidden()

    async def test_reports_its_pictures_and_its_duty_so_that_the_officer_counts(
        self, second: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await server.until(lambda: server.presence and shown(server) == ["ses_a/prison", "ses_a/visitor"])
        assert duty(server) == ["ses_a"]
        await server.send("standing", sessions=[{"session": "ses_a", "counted": True, "why": []}], prompt=None)
        await expect(second.locator("#presence-status")).to_have_text("已计入 1 场监督")

    async def test_has_the_strip_and_every_key_and_opens_the_desk_for_an_act(
        self, second: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await second.get_by_role("listitem").filter(has_text="画面全黑").wait_for()
        await second.keyboard.press("a")
        await server.until(lambda: bool(server.orders))
        assert server.orders[-1]["type"] == "take_alert"
        await second.keyboard.press("F9")
        await expect(second.get_by_role("dialog", name="终止会见")).to_be_in_viewport()
        await second.keyboard.press("Escape")
        await second.locator(".tile-name").click()
        await expect(second.get_by_role("button", name="劝阻")).to_be_in_viewport()
        await second.locator(".toolbar").click(position={"x": 2, "y": 2})
        await second.keyboard.press("Escape")
        await expect(second.locator(".duty")).to_have_attribute("data-desk", "folded")
