"""Longer visits by request, and the inbox: a supervisor asks, the approver sees whose visit and its new end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Tab
from tests.signaling.web.test_follow_ups import REQUEST
from tests.signaling.web.test_suspension import proposal
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


def _waiting(page: Page) -> Any:
    """Return the rows of what waits for a decision, in their order."""
    return page.locator(".inbox-list > li")


class TestASupervisor:
    async def test_asks_for_a_longer_visit_and_reads_the_answer(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="申请延长").press("Enter")
        dialog = on_duty.get_by_role("dialog", name="申请延长会见时间")
        await expect(dialog).to_contain_text("王建国")
        await dialog.get_by_role("radio", name="10 分钟").check()
        await expect(dialog.get_by_role("status")).to_contain_text("延长后：")
        await dialog.locator("input[name=article]").check()
        await dialog.get_by_label("理由").fill("家中亲属去世")
        await dialog.get_by_role("button", name="提交申请").press("Enter")
        await server.until(lambda: server.orders)
        sent = server.orders[-1]
        assert (sent["type"], sent["session"], sent["seconds"]) == ("request_extension", "ses_a", 600)
        await server.put(live(), extension_request=wish())
        part = on_duty.get_by_role("region", name="延长会见时间")
        await expect(part).to_contain_text("等待批准")
        await expect(on_duty.get_by_role("button", name="申请延长")).to_have_count(0)
        await expect(on_duty.locator(".tile")).to_be_focused()  # the button that had the focus is gone
        await server.put(live(), extension_request=wish("declined", note="下一场会见已到"))
        await expect(part).to_contain_text("周正不予延长：下一场会见已到")


class TestTheInbox:
    async def test_has_the_focus_when_the_page_begins(self, warden: Page, server: FakeMonitor) -> None:
        await expect(warden.get_by_role("main")).to_be_focused()

    async def test_says_that_nothing_waits(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(_inbox(warden)).to_contain_text("没有待办事项")

    async def test_shows_a_request_live_with_the_visit_and_its_new_end(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(live(stops_at="2026-03-02T02:30:00Z"), extension_request=wish())
        row = _waiting(warden).first
        await expect(row).to_contain_text("王建国 ⇄ 官渡区司法局")
        await expect(row).to_contain_text("李明申请延长 10 分钟")
        await expect(row).to_contain_text("现定结束：10:30，延长后：10:40")
        await row.get_by_role("button", name="延长会见").click()
        dialog = warden.get_by_role("dialog", name="批准延长会见时间")
        await expect(dialog.get_by_role("radio", name="10 分钟")).to_be_checked()
        await expect(dialog.get_by_label("理由")).to_have_value("家中亲属去世")
        await dialog.get_by_role("button", name="批准延长").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest[-1][0] == "extensions" and (server.by_rest[-1][2] or {})["seconds"] == 600
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

    async def test_has_all_kinds_in_one_order_with_the_oldest_first(self, warden: Page, server: FakeMonitor) -> None:
        server.due = [
            {"session": "ses_a", "code": "YN-18", "issuer": "unit", "at": "2026-03-02T01:00:00Z", "mine": True}
        ]
        filed = {"cause": "停电", "site": "石桥县司法局", "text": "", "code": "YN-18", "session": None}
        server.announcements = [{**filed, "id": "ann_1", "at": "2026-03-01T01:00:00Z", "filed_at": None, "mine": True}]
        server.suspensions = [proposal(mine=True, at="2026-03-02T01:30:00Z")]
        await server.put(live(), extension_request=wish())
        await server.put(_between_prisons())
        await warden.reload()
        kinds = ["待备案公告", "待发布公告", "暂停会见建议", "延长申请", "待本单位审批"]
        await expect(_waiting(warden)).to_contain_text(kinds)
        await expect(_inbox(warden)).to_contain_text("5 项")

    async def test_names_the_visit_of_whatever_day_that_is_to_be_booked_again(
        self, warden: Page, server: FakeMonitor
    ) -> None:
        server.rebookings = [REQUEST]
        await warden.reload()
        await expect(_waiting(warden).first).to_contain_text("李春生 ⇄ 盘龙区司法局")
        await _waiting(warden).get_by_role("button", name="不再安排").click()
        await expect(warden.get_by_role("dialog").locator(".dialog-where")).to_contain_text("李春生 ⇄ 盘龙区司法局")

    async def test_leaves_out_what_others_decide(self, warden: Page, server: FakeMonitor) -> None:
        server.due = [{"session": "ses_a", "code": "YN-18", "issuer": "bureau", "at": None, "mine": False}]
        server.suspensions = [proposal()]
        await server.put(live())
        lacking = because("second_approval", "另一方监所尚未批准", "The other institution has still to approve")
        await server.put(session("ses_b", 60, missing=[lacking]))
        await warden.reload()
        await expect(_inbox(warden)).to_contain_text("没有待办事项")
        await expect(_inbox(warden).get_by_role("region", name="暂停会见建议")).to_contain_text("王建国")
        await expect(_waiting(warden)).to_have_count(0)

    async def test_announces_why_a_visit_stopped(self, warden: Page, server: FakeMonitor) -> None:
        server.due = [{"session": "ses_a", "code": "YN-18", "issuer": "unit", "at": None, "mine": True}]
        await server.put(live())
        await warden.reload()
        await _waiting(warden).get_by_role("button", name="发布公告").click()
        dialog = warden.get_by_role("dialog", name="发布公告")
        await expect(dialog).to_contain_text("王建国")
        await expect(dialog).to_contain_text("第十八条")
        await dialog.get_by_role("button", name="发布公告").click()  # no text yet: the form stays
        await dialog.get_by_label("公告内容").fill("因网络故障，今日暂停会见。")
        await dialog.get_by_role("button", name="发布公告").click()
        await server.until(lambda: server.by_rest)
        ((order, _, body),) = server.by_rest
        assert order == "announce" and body is not None and body.pop("id").startswith("ann_")
        assert body == {"code": "YN-18", "session": "ses_a", "text": "因网络故障，今日暂停会见。"}

    async def test_puts_an_announcement_on_file(self, warden: Page, server: FakeMonitor) -> None:
        made = {"id": "ann_1", "cause": "停电", "site": "石桥县司法局", "text": "停电", "at": "2026-03-01T01:00:00Z"}
        server.announcements = [{**made, "filed_at": None, "mine": True}]
        await server.put(live())
        await warden.reload()
        await _waiting(warden).get_by_role("button", name="备案").click()
        await warden.get_by_role("dialog", name="公告备案").get_by_role("button", name="确认备案").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("file", "ann_1", {})]

    async def test_approves_a_visit_for_the_second_institution(self, warden: Page, server: FakeMonitor) -> None:
        await server.put(_between_prisons())
        await _waiting(warden).get_by_role("button", name="批准会见").click()
        dialog = warden.get_by_role("dialog", name="批准会见")
        await expect(dialog.get_by_label("批准人")).to_have_value("周正")
        await dialog.get_by_label("条款").fill("云南 第七条")
        await dialog.get_by_role("button", name="批准会见").click()
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("approve", "slot-ses_b", {"approved_by": "周正", "article": "云南 第七条"})]
        await server.put(_between_prisons(), missing=[])
        await expect(_inbox(warden)).to_contain_text("没有待办事项")


def _between_prisons() -> dict[str, Any]:
    """Return a visit of which the warden's prison is the second institution, and which it has not approved."""
    lacking = because("second_approval", "另一方监所尚未批准", "The other institution has still to approve")
    view = session("ses_b", 60, missing=[lacking])
    prison, visitor = view["sides"]["prison"], view["sides"]["visitor"]
    view["sides"] = {"prison": {**prison, "site": "foreign-1"}, "visitor": {**visitor, "site": "yunnan-1"}}
    return view
