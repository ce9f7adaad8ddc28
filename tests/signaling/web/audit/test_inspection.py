"""A procurator on the auditors' page: a reason opens a visit, which is watched and not changed."""

from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import BEGAN, RECORDED, FakeArchive, detail
from tests.support.monitor.fake_server import FakeMonitor

INSPECTION = {"id": "ins_1", "by": {"id": "wu", "name": "吴检察"}, "reason": "例行检察", "begun_at": BEGAN.isoformat()}
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


async def watching(tab: Tab, server: FakeMonitor, archive: FakeArchive) -> Page:
    """The page of a procurator who has begun an inspection of a visit under way."""
    inspections = [{**INSPECTION, "ended_at": None}, {**INSPECTION, "id": "ins_0", "ended_at": BEGAN.isoformat()}]
    archive.details["ses_live"] = detail("ses_live", state="running", recording=None, inspections=inspections)
    for side in ("prison", "visitor"):
        server.unmute(f"ses_live/{side}")
    page = await open_page(tab, server, "#visit=ses_live", role="procurator", id="wu", name="吴检察")
    await page.wait_for_function(f"() => ({SHOWN})() === 2")
    return page


SHOWN = "() => [...document.querySelectorAll('.live video')].filter((video) => video.videoWidth > 0).length"
HEARD = "() => [...document.querySelectorAll('.live video')].map((video) => !video.muted && !video.paused)"


async def test_a_visit_under_way_is_watched_live_from_both_sides_under_the_viewers_name(
    tab: Tab, server: FakeMonitor, archive: FakeArchive
) -> None:
    page = await watching(tab, server, archive)
    await expect(page.locator(".live .viewer-mark span").first).to_contain_text("吴检察 wu")
    assert await page.evaluate(HEARD) == [False, False]
    await page.get_by_role("button", name="打开双方声音").click()
    await page.wait_for_function(f"() => ({HEARD})().every(Boolean)")
    await expect(page.get_by_role("button", name="关闭声音")).to_have_attribute("aria-pressed", "true")
    assert await violations(page) == []
    await tab.leave(server)


async def test_the_timeline_of_a_visit_under_way_reaches_to_the_latest_second_and_not_past_its_frame(
    tab: Tab, server: FakeMonitor, archive: FakeArchive
) -> None:
    page = await watching(tab, server, archive)
    archive.details["ses_live"] |= {"film_seconds": None, "seconds": None}
    await page.reload()
    await page.locator("[data-lane]").first.wait_for()
    edges = "(nodes) => nodes.map((node) => node.getBoundingClientRect().right)"
    (frame, *_), bars = [await page.locator(what).evaluate_all(edges) for what in ("[data-lane]", "[data-lane] rect")]
    assert bars and max(bars) <= frame + 1
    await tab.leave(server)


async def test_the_end_of_the_inspection_ends_what_is_watched(
    tab: Tab, server: FakeMonitor, archive: FakeArchive
) -> None:
    page = await watching(tab, server, archive)
    await page.get_by_role("button", name="结束检察").click()
    await expect(page.get_by_text("选择日期或填写条件后查找")).to_be_visible()
    assert archive.orders == [("end-inspection", "ins_1", {})]  # the other one was over
    await expect(page.locator("video")).to_have_count(0)
    await tab.leave(server)


async def test_an_auditor_has_no_live_picture(tab: Tab, server: FakeMonitor, archive: FakeArchive) -> None:
    archive.details["ses_live"] = detail("ses_live", state="running", recording=None)
    page = await open_page(tab, server, "#visit=ses_live")
    await expect(page.locator(".film-none")).to_be_visible()
    await expect(page.locator(".live")).to_have_count(0)
    await tab.leave(server)
