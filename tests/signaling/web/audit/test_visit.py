"""One visit on the auditors' page: timeline, explained gaps, marks, listening again, verification, legal holds."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.signaling.web.audit.conftest import open_page
from tests.signaling.web.audit.test_player import press, reach
from tests.signaling.web.conftest import Complaints, Tab
from tests.signaling.web.test_accessibility import violations
from tests.support.monitor.fake_archive import BEGAN, RECORDED, FakeArchive, detail
from tests.support.monitor.fake_server import FakeMonitor

SIZES = [{"width": 1366, "height": 768}, {"width": 1920, "height": 1080}]
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC).isoformat()


def lane(page: Page, key: str) -> Any:
    """Return the bar of a lane."""
    return page.locator(f'.lane-bar[data-lane="{key}"]')


class TestTheTimeline:
    async def test_has_a_lane_for_each_subject_and_officer(self, visit: Page) -> None:
        names = await visit.locator(".lane-name").all_inner_texts()
        assert names[1:] == [
            *(
                "状态",
                "中止",
                "处置",
                "提醒",
                "标记",
                "缺失",
                "监所 讲话",
                "会见人 讲话",
                "管理员插话",
                "监所 画面",
                "会见人 画面",
            ),
            *("监所 · 李明", "监所 · 赵强", "会见人 · 刘芳", "会见人 · 陈静", "延长"),
        ]

    async def test_a_click_plays_from_there(self, visit: Page) -> None:
        box = await lane(visit, "speech-prison").bounding_box()
        assert box is not None
        await visit.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
        await visit.wait_for_function("() => Math.abs(document.querySelector('.film video').currentTime - 30) < 0.2")

    async def test_a_click_on_an_event_plays_from_its_second(self, visit: Page) -> None:
        await lane(visit, "interventions").locator("path").click()
        await reach(visit, 9.0)

    async def test_pointing_at_an_item_says_what_it_is(self, visit: Page) -> None:
        await lane(visit, "interventions").locator("path").hover()
        await expect(visit.locator(".lane-tip")).to_have_text(
            "0:09　劝阻 第十六条第（二）项：不准使用隐语、暗语交谈。（监所，李明）"
        )
        await lane(visit, "gaps").locator("rect").hover()
        await expect(visit.locator(".lane-tip")).to_contain_text("其间双方未互通")

    async def test_arrow_keys_in_a_lane_say_its_items_and_enter_plays(self, visit: Page) -> None:
        await lane(visit, "officer-chen").focus()
        await visit.keyboard.press("ArrowRight")
        await visit.keyboard.press("ArrowRight")
        await expect(visit.locator(".lane-tip")).to_contain_text("陈静 在岗 0:15–0:40")
        await visit.keyboard.press("Enter")
        await reach(visit, 15.0)

    async def test_the_list_tells_the_same_in_words_with_a_button_each(self, visit: Page) -> None:
        await visit.get_by_role("button", name="列表", exact=True).click()
        table = visit.locator(".timeline-list")
        for words in (
            "劝阻 第十六条第（二）项",
            "缺失：线路中断",
            "会见室线路中断",
            "提到他人姓名",
            "延长 5 分钟　周监狱长",
            "会见人：画面质量 一般",
        ):
            await expect(table).to_contain_text(words)
        await expect(table).to_contain_text("监所讲话 0:14（35%）")
        await expect(table).to_contain_text("会见人 · 陈静 在岗 0:37（93%）")
        await table.get_by_role("button", name="从 0:20–0:25 播放").click()
        await reach(visit, 20.5)

    async def test_the_place_that_is_played_is_marked(self, visit: Page) -> None:
        await press(visit, "5")
        await visit.wait_for_function(
            "() => document.querySelector('.playhead').style.getPropertyValue('--at') === '0.5'"
        )


class TestAboutTheVisit:
    async def test_people_officers_and_rules_are_named(self, visit: Page) -> None:
        about = visit.locator(".visit-about")
        for words in (
            "王秀兰 (母亲)",
            "李明、赵强 · 监督覆盖 100%",
            "周监狱长 · 云南 第十四条",
            "yunnan 2023.1 · abababababab",
        ):
            await expect(about).to_contain_text(words)

    async def test_a_visit_without_a_film_says_so_and_offers_no_player(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        archive.details[RECORDED] = detail(recording=None, state="no_show", seconds=None, film_seconds=None)
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.get_by_text("没有可以播放的录像：未录像")).to_be_visible()
        await expect(page.locator(".film")).to_have_count(0)
        for nothing in ("验证", "标记此处", "提交评定"):
            await expect(page.get_by_role("button", name=nothing)).to_have_count(0)
        await expect(page.locator(".timeline")).to_have_count(0)
        await tab.leave(server)

    async def test_a_visit_of_others_does_not_exist(
        self, tab: Tab, server: FakeMonitor, complaints: Complaints
    ) -> None:
        page = await open_page(tab, server, "#visit=ses_foreign")
        await expect(page.locator("main > .audit-failure")).to_contain_text("不存在")
        complaints.errors.clear()  # the browser's own message about the 404
        await tab.leave(server)


class TestMarks:
    async def test_are_added_at_the_second_that_is_shown(self, visit: Page, archive: FakeArchive) -> None:
        await press(visit, "5")
        await reach(visit, 20.0)
        await press(visit, "n")
        await visit.keyboard.type("提到账号")
        await visit.get_by_label("种类").select_option("evidence")
        await visit.get_by_role("button", name="添加").click()
        await expect(visit.locator(".marks li")).to_have_count(2)
        assert archive.orders == [("marks", RECORDED, {"at": 20.0, "text": "提到账号", "kind": "evidence"})]
        await expect(visit.locator(".marks li").nth(1)).to_contain_text("提到账号")

    async def test_reach_from_one_place_to_another(self, visit: Page, archive: FakeArchive) -> None:
        await visit.get_by_role("button", name="标记此处").click()
        await press(visit, "l")
        await reach(visit, 10.0)
        await visit.get_by_role("button", name="到此处为止").click()
        await visit.get_by_label("内容").fill("情绪激动")
        await visit.keyboard.press("Enter")
        await expect(visit.locator(".marks li")).to_have_count(2)
        assert archive.orders[0][2] == {"at": 0, "to": 10.0, "text": "情绪激动", "kind": "note"}

    async def test_are_withdrawn_with_a_reason_and_stay_in_the_list(self, visit: Page, archive: FakeArchive) -> None:
        await visit.get_by_role("button", name="撤回").click()
        await visit.get_by_role("dialog").get_by_role("textbox").fill("听错了")
        await visit.get_by_role("dialog").get_by_role("button", name="撤回").click()
        await expect(visit.locator(".marks li")).to_contain_text("已撤回：听错了")
        assert archive.orders == [("marks/mrk_1/withdraw", RECORDED, {"reason": "听错了"})]
        await expect(visit.locator(".marks").get_by_role("button", name="撤回")).to_have_count(0)

    async def test_show_markup_and_direction_marks_as_text(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        text = "<img src=x onerror=alert(1)>\u202egnp.exe"
        archive.details[RECORDED]["marks"][0]["text"] = text
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.locator(".mark-text")).to_have_text(text)
        isolated = "() => getComputedStyle(document.querySelector('.mark-text')).unicodeBidi"
        assert await page.evaluate(isolated) == "isolate"
        await expect(page.locator(".marks img")).to_have_count(0)
        await tab.leave(server)


class TestListeningAgain:
    async def test_is_not_offered_where_nobody_has_to(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        nothing = {"state": "none", "due_at": None, "rated": 0}
        archive.details[RECORDED] = detail(relisten=nothing)
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.locator(".ratings")).to_contain_text("无复听任务")
        await expect(page.get_by_role("button", name="提交评定")).to_be_hidden()
        await tab.leave(server)

    async def test_a_rating_is_given_once_by_one_person(self, visit: Page, archive: FakeArchive) -> None:
        await expect(visit.locator(".ratings")).to_contain_text("应在 2026-03-10 10:00 前完成")
        await visit.get_by_role("radio", name="不规范").check()
        await visit.get_by_label("评定说明").fill("未及时劝阻")
        await visit.get_by_role("button", name="提交评定").click()
        await expect(visit.get_by_text("第二次评定须由另一人作出")).to_be_visible()
        await expect(visit.get_by_role("button", name="提交评定")).to_be_hidden()
        assert archive.orders == [("ratings", RECORDED, {"verdict": "improper", "text": "未及时劝阻"})]

    async def test_what_is_overdue_is_listed_first_and_leads_to_the_visit(
        self, audit: Page, archive: FakeArchive
    ) -> None:
        duty = {"session": RECORDED, "starts_at": NOW, "due_at": NOW, "rated": 1, "mine": False}
        archive.duties = {"overdue": [duty]}
        await audit.get_by_role("link", name="复听任务").click()
        await expect(audit.get_by_role("cell", name="1 / 2")).to_be_visible()
        assert await violations(audit) == []
        await audit.get_by_role("radio", name="已完成").check()
        await expect(audit.get_by_text("没有复听任务")).to_be_visible()
        await audit.get_by_role("radio", name="逾期").check()
        await audit.get_by_role("link", name="2026-03-10 10:00").click()
        await expect(audit.locator(".film")).to_be_visible()


async def answered(route: Route, status: int) -> None:
    """Refuse a look at a verification; an order reaches the server."""
    if route.request.method == "GET":
        await route.fulfill(status=status, body="")
    else:
        await route.continue_()


class TestVerification:
    async def test_shows_its_progress_and_the_damage_in_words(self, visit: Page, archive: FakeArchive) -> None:
        damage = {
            "code": "bytes",
            "file": "film.mp4",
            "second": 12.0,
            "zh": "第 12 秒的数据被改动",
            "en": "changed at 12 s",
        }
        words = {"code": "damaged", "zh": "录像已损坏", "en": "The recording is damaged"}
        running = {"state": "running", "progress": 0.4, "checked_at": None, "findings": [], **words}
        found = {"state": "damaged", "progress": 1.0, "checked_at": NOW, "findings": [damage], **words}
        archive.verifications = [running, found]
        await visit.get_by_role("button", name="验证").click()
        await expect(visit.get_by_text("正在验证：40%")).to_be_visible()
        await expect(visit.locator('.verified[data-state="damaged"]')).to_contain_text("第 12 秒的数据被改动")
        await expect(visit.locator("#announce")).to_have_text("录像已损坏")
        await expect(visit.get_by_role("button", name="验证", exact=True)).to_be_focused()
        await visit.get_by_role("button", name="从 0:12 播放").click()
        await reach(visit, 12.0)
        assert await violations(visit) == []

    @pytest.mark.parametrize("status", [404, 401])
    async def test_that_the_server_has_lost_is_told_once_and_can_be_ordered_again(
        self, visit: Page, archive: FakeArchive, complaints: Complaints, status: int
    ) -> None:
        words = {"code": "sound", "zh": "验证通过", "en": "Verified"}
        running = {"state": "running", "progress": 0.4, "checked_at": None, "findings": [], **words}
        archive.verifications = [running]
        await visit.route("**/verification", lambda route: answered(route, status))
        await visit.get_by_role("button", name="验证").click()
        await expect(visit.locator('.toast[data-level="bad"]')).to_have_count(1)
        await expect(visit.locator(".verified progress")).to_be_hidden()
        await visit.unroute("**/verification")
        archive.verifications = [{**running, "state": "sound", "progress": 1.0, "checked_at": NOW}]
        await visit.get_by_role("button", name="验证", exact=True).click()
        await expect(visit.locator('.verified[data-state="sound"]')).to_contain_text("验证通过")
        await expect(visit.locator('.toast[data-level="bad"]')).to_have_count(1)
        complaints.errors.clear()  # the browser's own message about the refusal

    async def test_of_an_earlier_day_is_shown_when_the_visit_is_opened(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        words = {"code": "sound", "zh": "验证通过", "en": "Verified"}
        found = {"state": "sound", "progress": 1.0, "checked_at": NOW, "findings": [], **words}
        archive.details[RECORDED] |= {"verification": found}
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.locator('.verified[data-state="sound"]')).to_contain_text("验证通过")
        await tab.leave(server)


class TestLegalHolds:
    async def test_are_set_and_lifted_with_reasons(self, visit: Page, archive: FakeArchive) -> None:
        for button, reason in (("保全", "法院调取 2026-114"), ("解除", "案件已结")):
            await visit.locator(".legal-holds").get_by_role("button", name=button, exact=True).click()
            dialog = visit.get_by_role("dialog")
            await dialog.get_by_role("textbox").fill(reason)
            await dialog.get_by_role("button", name=button, exact=True).click()
            await expect(visit.locator(".legal-holds li")).to_contain_text(reason)
        assert [(kind, body["reason"]) for kind, _, body in archive.orders] == [
            ("holds", "法院调取 2026-114"),
            ("holds/lift", "案件已结"),
        ]
        await expect(visit.locator(".legal-holds").get_by_role("button", name="解除")).to_be_hidden()

    async def test_a_refusal_is_shown_in_the_servers_words(
        self, visit: Page, archive: FakeArchive, complaints: Complaints
    ) -> None:
        hold = {"id": 1, "entry": "e", "session": RECORDED, "reason": "法院调取", "by": "sun", "at": NOW}
        archive.details[RECORDED]["holds"] = [hold | {"lifted_at": None, "lifted_by": None, "lifted_why": None}]
        await visit.reload()
        refusal = {
            "status": 403,
            "code": "credential_too_new",
            "title": "密码设置未满规定时间",
            "detail": "请明日再试。",
        }
        archive.refuse = {"holds/lift": refusal}
        await visit.locator(".legal-holds").get_by_role("button", name="解除").click()
        await visit.get_by_role("dialog").get_by_role("textbox").fill("已结")
        await visit.get_by_role("dialog").get_by_role("button", name="解除").click()
        await expect(visit.locator(".toast")).to_contain_text("密码设置未满规定时间")
        complaints.errors.clear()  # the browser's own message about the 403

    async def test_all_that_stand_are_listed(self, audit: Page, archive: FakeArchive) -> None:
        hold = {"id": 1, "entry": "e", "session": RECORDED, "reason": "法院调取", "by": "sun", "at": NOW}
        hold |= {"started_at": BEGAN.isoformat(), "by_name": "孙审计"}
        archive.details[RECORDED]["holds"] = [hold | {"lifted_at": None, "lifted_by": None, "lifted_why": None}]
        await audit.get_by_role("link", name="证据保全").click()
        for words in ("2026-03-03 10:00", "法院调取", "孙审计"):
            await expect(audit.get_by_role("cell", name=words)).to_be_visible()
        assert await violations(audit) == []


class TestAccess:
    @pytest.mark.parametrize("size", SIZES)
    async def test_axe_finds_nothing_in_both_forms_of_the_timeline_and_both_languages(
        self, visit: Page, size: Any
    ) -> None:
        await visit.set_viewport_size(size)
        assert await violations(visit) == []
        await visit.get_by_role("button", name="列表", exact=True).click()
        assert await violations(visit) == []
        await visit.get_by_role("button", name="Switch to English").click()
        await expect(visit.locator(".timeline-list")).to_contain_text("Warning Article 16(2)")
        assert await violations(visit) == []
        wide = await visit.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
        left = await visit.evaluate("() => document.body.innerText.replace(/中文/g, '')")
        names = (
            "云南第一监狱",
            "官渡区司法局",
            "会见室",
            "李明",
            "赵强",
            "刘芳",
            "陈静",
            "母亲",
            "配偶",
            "王建国",
            "王秀兰",
        )
        for name in (*names, "张丽", "周监狱长", "云南 第十四条", "提到他人姓名", "孙审计"):
            left = left.replace(name, "")
        assert [c for c in left if "\u4e00" <= c <= "\u9fff"] == []
