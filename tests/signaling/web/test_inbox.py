"""Longer visits by request, and the inbox: a supervisor asks, the approver sees whose visit and its new end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Tab
from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import because, live, session

WARDEN = {**OFFICER, "id": "warden", "name": "周正", "role": "approver"}


def wish(state: str = "open", **changes: Any) -> dict[str, Any]:
    """Return a request for ten minutes."""
    decided = None if state == "open" else {"id": "warden", "name": "周正"}
    asked = {"id": "ext_1", "at": "2026-03-02T02:00:00Z", "by": {"id": "li-ming", "name": "李明"}, "site": "yunnan-1"}
    facts = {"seconds": 600, "article": "YN-14-FAMILY", "reason": "家中亲属去世", "note": "", "until": None}
    return {**asked, **facts, "state": state, "decided_by": decided, **changes}


@pytest_asyncio.fixture(loop_scope="session")
async def warden(tab: Tab, server: FakeMonitor) -> AsyncIterator[Page]:
    """The page of the prison's approver."""
    server.me = WARDEN
    yield await tab.sign_in(server)
    await tab.leave(server)


def _inbox(page: Page) -> Any:
    return page.get_by_role("main")


class TestASupervisor:
    async def test_asks_for_a_longer_visit_and_reads_the_answer(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="申请延长").click()
        dialog = on_duty.get_by_role("dialog", name="申请延长会见时间")
        await expect(dialog).to_contain_text("王建国")
        await dialog.get_by_role("radio", name="10 分钟").check()
        await expect(dialog.get_by_role("status")).to_contain_text("延长后：")
        await dialog.locator("input[name=article]").check()
        await dialog.get_by_label("理由").fill("家中亲属去世")
        await dialog.get_by_role("button", name="提交申请").click()
        await server.until(lambda: server.orders)
        sent = server.orders[-1]
        assert (sent["type"], sent["session"], sent["seconds"]) == ("request_extension", "ses_a", 600)
        await server.put(live(), extension_request=wish())
        part = on_duty.get_by_role("region", name="延长会见时间")
        await expect(part).to_contain_text("等待批准")
        await expect(on_duty.get_by_role("button", name="申请延长")).to_have_count(0)
        await server.put(live(), extension_request=wish("declined", note="下一场会见已到"))
        await expect(part).to_contain_text("周正不予延长：下一场会见已到")


class TestTheInbox:
    async def test_says_that_nothing_waits(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(_inbox(warden)).to_contain_text("没有待办事项")

    async def test_shows_a_request_live_with_the_visit_and_its_new_end(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live(stops_at="2026-03-02T02:30:00Z"), extension_request=wish())
        row = _inbox(warden).get_by_role("status").first
        await expect(row).to_contain_text("王建国 ⇄ 官渡区司法局")
        await expect(row).to_contain_text("李明申请延长10 分钟")
        await expect(row).to_contain_text("现定结束：10:30，延长后：10:40")
        await row.get_by_role("button", name="延长会见").click()
        dialog = warden.get_by_role("dialog", name="批准延长会见时间")
        await expect(dialog.get_by_role("radio", name="10 分钟")).to_be_checked()
        await expect(dialog.get_by_label("理由")).to_have_value("家中亲属去世")
        await dialog.get_by_role("button", name="批准延长").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest[-1][0] == "extensions" and server.by_rest[-1][2]["seconds"] == 600
        await server.put(live(), extension_request=wish("approved"))
        await expect(_inbox(warden)).to_contain_text("没有待办事项")

    async def test_declines_a_request_with_a_reason(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live(), extension_request=wish())
        await _inbox(warden).get_by_role("button", name="不予延长").click()
        dialog = warden.get_by_role("dialog", name="不予延长")
        await dialog.get_by_label("理由").fill("下一场会见已到")
        await dialog.get_by_role("button").last.click()
        await server.until(lambda: server.orders)
        assert {**server.orders[-1], "id": 0} == {
            "type": "decline_extension",
            "id": 0,
            "session": "ses_a",
            "request": "ext_1",
            "reason": "下一场会见已到",
        }

    async def test_counts_announcements_and_second_approvals(self, warden: Page, server: FakeMonitor) -> None:
        server.due = [{"session": "ses_a", "code": "YN-18", "issuer": "unit"}]
        await server.put(live())
        lacking = because("second_approval", "另一方机关尚未审批", "The second institution has not approved")
        await server.put(session("ses_b", 60, missing=[lacking]))
        await warden.reload()
        await expect(_inbox(warden)).to_contain_text("2 项")
        await expect(_inbox(warden).get_by_role("region", name="待发布公告")).to_contain_text("王建国")
        await expect(_inbox(warden).get_by_role("region", name="待另一方机关审批")).to_be_visible()
