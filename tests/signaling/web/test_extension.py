"""Extension of a visit: approved on the page by the warden, and shown to supervisors (Yunnan 14)."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import live

APPROVED: dict[str, Any] = {
    "id": "apr_1",
    "at": datetime.now(UTC).isoformat(),
    "seconds": 600,
    "article": "YN-14-FAMILY",
    "by": {"id": "warden", "name": "王监狱长"},
    "reason": "家中亲属去世",
}


WISH: dict[str, Any] = {
    "id": "ext_1",
    "at": datetime.now(UTC).isoformat(),
    "by": {"id": "zhao-qiang", "name": "赵强"},
    "site": "yunnan-1",
    "seconds": 600,
    "article": "YN-14-FAMILY",
    "reason": "家中亲属去世",
    "note": "",
    "until": None,
    "state": "open",
    "decided_by": None,
}


@pytest_asyncio.fixture(loop_scope="session")
async def warden(page: Page, server: FakeMonitor) -> Page:
    """The page with the prison's approver signed in."""
    server.me = {**OFFICER, "id": "warden", "name": "王监狱长", "role": "approver"}
    await page.get_by_label("用户名").fill("warden")
    await page.get_by_label("密码").fill("right")
    await page.get_by_role("button", name="登录").click()
    await page.get_by_text("已连接").wait_for()
    return page


async def choose(page: Page) -> None:
    """Choose the only session of the day."""
    await page.get_by_role("button", name="三监区 1 号会见室").first.click()


class TestWarden:
    async def test_the_warden_approves_with_minutes_ground_and_reason(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await choose(warden)
        await warden.get_by_role("button", name="延长会见").click()
        dialog = warden.get_by_role("dialog", name="批准延长会见时间")
        await dialog.get_by_role("radio", name="10 分钟").check()
        await dialog.get_by_role("radio", name="第十四条").check()
        await dialog.get_by_role("button", name="批准延长").click()  # no reason yet: the form stays
        await expect(dialog).to_be_visible()
        await dialog.get_by_label("理由").fill("   ")
        await dialog.get_by_role("button", name="批准延长").click()
        await expect(dialog).to_be_visible()
        await dialog.get_by_label("理由").fill("家中亲属去世 ")
        await dialog.get_by_role("button", name="批准延长").click()
        await expect(warden.get_by_text("已批准延长")).to_be_visible()
        ((order, session, body),) = server.by_rest
        assert (order, session) == ("extensions", "ses_a")
        assert body.pop("id").startswith("apr_")
        assert body == {"seconds": 600, "article": "YN-14-FAMILY", "reason": "家中亲属去世"}

    async def test_the_warden_watches_nothing_and_cannot_intervene(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await choose(warden)
        await expect(warden.get_by_role("button", name="延长会见")).to_be_visible()
        await expect(warden.get_by_role("main")).to_contain_text("不观看会见")
        for name in ("劝阻", "终止", "中止", "监看"):
            await expect(warden.get_by_role("button", name=name)).to_have_count(0)
        await warden.keyboard.press("F9")
        await expect(warden.get_by_role("dialog")).to_have_count(0)
        assert server.watched == [] and server.orders == []

    async def test_no_further_extension_is_offered_than_the_rules_allow(
        self, warden: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), extensions=[APPROVED])
        await choose(warden)
        await expect(warden.get_by_role("region", name="延长会见时间")).to_contain_text("经批准延长 10 分钟")
        await expect(warden.get_by_role("button", name="延长会见")).to_have_count(0)

    async def test_a_warden_of_another_site_is_offered_no_extension(self, warden: Page, server: FakeMonitor) -> None:
        view = live()
        view["sides"]["prison"]["site"], view["sides"]["visitor"]["site"] = "yunnan-2", "yunnan-1"
        await server.put(view)
        await choose(warden)
        await expect(warden.get_by_role("button", name="延长会见")).to_have_count(0)


class TestASheet:
    """It is about one visit: it goes with it, and never falls upon another."""

    async def _asked(self, page: Page) -> None:
        await page.get_by_role("button", name="申请延长").click()
        await page.get_by_role("dialog", name="申请延长会见时间").wait_for()

    async def test_goes_when_its_visit_ends_and_says_so(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await self._asked(on_duty)
        await server.put(live(), state="ended", gate="shut")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(on_duty.get_by_text("会见已结束，未操作")).to_be_visible()

    async def test_goes_when_the_officer_turns_to_another_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live("ses_a"))
        await server.put(live("ses_b"))
        await self._asked(on_duty)
        await on_duty.locator(".tile").nth(1).locator(".tile-name").click()
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []

    async def test_goes_when_a_colleague_has_asked_meanwhile(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await self._asked(on_duty)
        await server.put(live(), extension_request=WISH)
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(on_duty.get_by_text("情况已变，未操作")).to_be_visible()


class TestSupervisor:
    async def test_a_supervisor_sees_the_approval_and_its_end_and_has_no_button(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="延长会见")).to_have_count(0)
        await server.put(live(left=2_000_000), extensions=[APPROVED], stops_at="2026-03-02T02:40:00Z")
        part = on_duty.get_by_role("region", name="延长会见时间")
        await expect(part).to_contain_text("经批准延长 10 分钟：家中亲属去世")
        await expect(part).to_contain_text("第十四条 · 王监狱长")
        await expect(part).to_contain_text("会见至 10:40 自动结束")
        await expect(on_duty.locator("#announce")).to_contain_text("经批准延长 10 分钟")
        await expect(on_duty.get_by_role("timer")).to_have_text(re.compile(r"^3[23]:"))
