"""Handing recordings over on the auditors' page: one officer asks, another one decides, the package is fetched."""

import pytest
from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import RECORDED, FakeArchive, handed
from tests.support.monitor.fake_server import FakeMonitor

ME = {"id": "li-ming", "name": "李明"}


class TestAsking:
    async def test_takes_receiver_and_reason_and_may_be_withdrawn_by_the_same_officer(
        self, visit: Page, archive: FakeArchive
    ) -> None:
        await visit.locator(".visit-exports summary").click()
        await expect(visit.get_by_text("没有移交申请")).to_be_visible()
        await expect(visit.get_by_role("link", name="verify.html")).to_have_attribute("href", "/verify.html")
        await visit.get_by_label("接收单位或接收人").fill("昆明市中级人民法院")
        await visit.get_by_label("移交理由").fill("法院调取 2026-114")
        await visit.get_by_role("button", name="申请移交").click()
        await expect(visit.locator(".export-row")).to_contain_text("待批准")
        await expect(visit.get_by_label("接收单位或接收人")).to_be_focused()
        order = {"receiver": "昆明市中级人民法院", "reason": "法院调取 2026-114", "downloaders": ["li-ming"]}
        assert archive.orders == [("exports", RECORDED, order)]
        assert await violations(visit) == []

    async def test_names_one_to_five_who_may_fetch_the_package(self, visit: Page, archive: FakeArchive) -> None:
        await visit.locator(".visit-exports summary").click()
        await expect(visit.get_by_label("李明 (li-ming)")).to_be_checked()
        for name in ("孙审计 (sun)", "审计0 (a0)", "审计1 (a1)", "审计2 (a2)"):
            await visit.get_by_label(name).check()
        await expect(visit.get_by_label("审计3 (a3)")).to_be_disabled()
        for name in ("李明 (li-ming)", "审计0 (a0)", "审计1 (a1)", "审计2 (a2)"):
            await visit.get_by_label(name).uncheck()
        await visit.get_by_label("接收单位或接收人").fill("某法院")
        await visit.get_by_label("移交理由").fill("调取")
        await visit.get_by_role("button", name="申请移交").click()
        await expect(visit.get_by_text("可下载人：sun")).to_be_visible()
        assert archive.orders[0][2]["downloaders"] == ["sun"]
        await visit.get_by_label("李明 (li-ming)").uncheck()
        await expect(visit.get_by_role("button", name="申请移交")).to_be_disabled()

    async def test_the_own_request_is_withdrawn_and_never_approved_by_oneself(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        archive.exports = [handed("exp_1", by=ME)]
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.locator(".export-row").get_by_role("button")).to_have_text(["撤回"])
        await audit.get_by_role("button", name="撤回").click()
        await audit.get_by_role("dialog").get_by_role("button", name="撤回").click()
        await expect(audit.locator(".export-row")).to_contain_text("已失效")
        assert archive.orders == [("exports/withdraw", "exp_1", {})]


class TestDeciding:
    async def test_an_approved_package_is_followed_until_it_can_be_fetched(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        archive.exports = [handed("exp_1", downloaders=[ME, {"id": "sun", "name": "孙审计"}])]
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.get_by_text("可下载人：李明，孙审计")).to_be_visible()
        await audit.get_by_role("button", name="批准", exact=True).click()
        await audit.get_by_role("dialog").get_by_role("button", name="批准", exact=True).click()
        await expect(audit.get_by_role("progressbar", name="移交包进度")).to_be_visible()
        link = audit.get_by_role("link", name="下载移交包（5.0 MB）")
        await expect(link).to_have_attribute("href", "/api/v1/exports/exp_1/package")
        assert archive.orders == [("exports/decide", "exp_1", {"decision": "approve"})]
        assert await violations(audit) == []

    async def test_the_time_that_the_building_takes_yet_is_estimated_and_the_focus_stays(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        mine = handed("exp_1", by=ME, state="building", progress=0.1)
        archive.exports, now = [mine], dict(mine)
        await audit.route("**/api/v1/exports/exp_1", lambda route: route.fulfill(json=now))
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.get_by_text("已完成 10%，正在估计剩余时间")).to_be_visible()
        await expect(audit.get_by_text("有会见进行时会放慢")).to_be_visible()
        await audit.get_by_role("button", name="撤回").focus()
        now["progress"] = 0.6
        await expect(audit.get_by_text("已完成 60%，还需不到 1 分钟")).to_be_visible()
        await expect(audit.get_by_role("button", name="撤回")).to_be_focused()

    async def test_it_is_followed_again_after_the_server_was_away(
        self, audit: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        archive.exports = [handed("exp_1", state="building", progress=0.1)]
        await audit.route("**/api/v1/exports/exp_1", lambda route: route.fulfill(status=503, body=""))
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.locator('.toast[data-level="bad"]')).to_have_count(1)
        await audit.unroute("**/api/v1/exports/exp_1")
        await expect(audit.get_by_role("link", name="下载移交包")).to_be_visible()
        complaints.errors.clear()  # the browser's own messages about the 503

    async def test_one_that_can_be_read_no_more_is_told_once_and_holds_up_no_other_one(
        self, audit: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        archive.exports = [handed("exp_1", state="building", progress=0.1), handed("exp_2", state="building")]
        await audit.route("**/api/v1/exports/exp_1", lambda route: route.fulfill(status=403, body=""))
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.get_by_role("link", name="下载移交包")).to_have_count(1)
        await expect(audit.locator('.toast[data-level="bad"]')).to_have_count(1)
        complaints.errors.clear()  # the browser's own message about the 403

    @pytest.mark.parametrize(
        ("seen", "seconds"),
        [
            ([(0.1, 0)], None),
            ([(0.1, 0), (0.12, 10)], None),
            ([(0.1, 0), (0.2, 10)], 80.0),
            ([(0.1, 0), (0.3, 10), (0.32, 50), (0.34, 70), (0.4, 130)], 600.0),
            ([(0.1, 0), (0.12, 100), (0.16, 500)], 500 / 0.06 * 0.84),
            ([(0.5, 0), (0.7, 10), (0.0, 20)], None),
        ],
        ids=["at first", "too little", "its speed so far", "its speed of the last minute", "slow", "begun anew"],
    )
    async def test_the_estimate_follows_what_was_seen(
        self, scripts: Page, seen: list[tuple[float, int]], seconds: float | None
    ) -> None:
        found = await scripts.evaluate(
            """async (seen) => {
              const { Remaining } = await import("/web/ui/audit/exports/remaining.js");
              const remaining = new Remaining();
              return seen.map(([share, at]) => remaining.after(share, at * 1000)).at(-1);
            }""",
            seen,
        )
        assert found == (None if seconds is None else pytest.approx(seconds))

    async def test_a_refusal_needs_its_reason(self, audit: Page, archive: FakeArchive) -> None:
        archive.exports = [handed("exp_1")]
        await audit.get_by_role("link", name="移交").click()
        await audit.get_by_role("button", name="不批准").click()
        await audit.get_by_role("dialog").get_by_role("textbox").fill("手续不全")
        await audit.get_by_role("dialog").get_by_role("button", name="不批准").click()
        await expect(audit.locator(".export-row")).to_contain_text("李明 决定（2026-03-03 10:00） (手续不全)")
        assert archive.orders == [("exports/decide", "exp_1", {"decision": "refuse", "note": "手续不全"})]

    async def test_a_package_for_others_is_not_offered(self, audit: Page, archive: FakeArchive) -> None:
        archive.exports = [handed("exp_1", state="ready", mine=False, bytes=1, expires_at="2026-03-03T02:00:00Z")]
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.locator(".export-row")).to_contain_text("可下载")
        await expect(audit.get_by_role("link", name="下载移交包")).to_have_count(0)

    async def test_a_failure_is_told_in_words_and_built_again(self, audit: Page, archive: FakeArchive) -> None:
        failed = {"state": "failed", "failure": "font", "failure_zh": "缺少中文字体", "failure_en": "A font is missing"}
        archive.exports = [handed("exp_1", **failed)]
        await audit.get_by_role("link", name="移交").click()
        await expect(audit.get_by_text("缺少中文字体")).to_be_visible()
        await audit.get_by_role("button", name="重新制作").click()
        await audit.get_by_role("dialog").get_by_role("button", name="重新制作").click()
        await expect(audit.locator(".export-row")).to_contain_text("已失效")
        assert archive.orders == [("exports/build", "exp_1", {})]


class TestWhatWaits:
    """The second person finds what waits for their word on every part of the page, each with its link."""

    async def test_is_counted_on_its_links_without_what_is_the_officers_own(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        archive.exports = [handed("exp_1"), handed("exp_2", by=ME), handed("exp_3", state="refused")]
        archive.changes = [{"id": "chg_1", "mine": True}, {"id": "chg_2", "mine": True}, {"id": "chg_3", "mine": False}]
        page = await open_page(tab, server)
        parts = page.locator(".audit-parts")
        await expect(parts.get_by_role("link", name="移交 1 项等您确认")).to_be_visible()
        link = page.get_by_role("link", name="系统管理 2 项等您确认")
        await expect(link).to_have_attribute("href", "/admin")
        assert await violations(page) == []
        await parts.get_by_role("link", name="移交").click()
        await page.get_by_role("button", name="批准", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="批准", exact=True).click()
        await expect(parts.locator(".count-chip").filter(visible=True)).to_have_count(0)
        archive.changes = []
        await parts.get_by_role("link", name="台账").click()
        await expect(page.locator(".count-chip").filter(visible=True)).to_have_count(0)
        await tab.leave(server)
