"""A procurator on the auditors' page: a reason opens a visit, which is watched and not changed."""

from playwright.async_api import expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import RECORDED, FakeArchive
from tests.support.monitor.fake_server import FakeMonitor

NEEDED = {"status": 403, "code": "inspection_needed", "title": "请先开始检察", "detail": "请先写明理由。"}


async def test_a_reason_opens_the_visit_to_be_watched_and_nothing_else(
    tab: Tab, server: FakeMonitor, archive: FakeArchive, complaints: Complaints
) -> None:
    archive.refuse["open"] = NEEDED
    page = await open_page(tab, server, f"#visit={RECORDED}", role="procurator")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("双方管理人员都能看到")
    assert await violations(page) == []
    await dialog.get_by_label("理由").fill("例行检察")
    await dialog.get_by_role("button", name="开始检察").click()
    await expect(page.locator(".film video").first).to_be_visible()
    assert archive.orders == [("inspections", RECORDED, {"reason": "例行检察"})]
    await expect(page.get_by_role("heading", name="会见情况")).to_be_visible()
    for name in ("添加", "提交评定", "验证", "保全"):
        await expect(page.get_by_role("button", name=name)).to_have_count(0)
    await expect(page.locator(".audit-parts a")).to_have_text(["查找会见"])
    complaints.errors.clear()  # the browser's own message about the 403
    await tab.leave(server)
