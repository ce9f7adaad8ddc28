"""Check-in on the supervisors' page: each check by mouse and by keyboard, the room, and what is still missing."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import VISITORS, checking_in, language, live, person

GUANDU = {"kind": "user", "id": "liu-fang", "name": "刘芳", "role": "supervisor", "site": "guandu"}
REFUSED = {
    "type": "urn:huijian:problem:conflict",
    "code": "conflict",
    "status": 409,
    "title": "与现有状态冲突",
    "title_en": "Conflict",
    "detail": "当前状态不允许此操作。",
    "detail_en": "Not possible now.",
}


async def _last(server: FakeMonitor, count: int = 1) -> dict[str, Any]:
    await server.until(lambda: len(server.orders) >= count)
    return {key: value for key, value in server.orders[-1].items() if key not in ("id", "session")}


def _details(page: Page) -> Locator:
    return page.get_by_role("complementary", name="会见详情与处置")


def _with_prison(view: dict[str, Any], **changes: Any) -> dict[str, Any]:
    sides = view["sides"]
    return {**view, "sides": {**sides, "prison": {**sides["prison"], **changes}}}


class TestRulesToTell:
    async def test_are_there_to_be_read_out_in_both_languages(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        notices = _details(on_duty).get_by_role("group").filter(has_text="应当告知的规定")
        await notices.locator("summary").press("Enter")
        await expect(notices.get_by_role("listitem")).to_have_text(["不准谈论警力配备。"])
        await server.put(live())
        await expect(notices).to_be_hidden()


class TestChecks:
    async def test_each_check_is_an_order_of_its_own_and_can_be_taken_back(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        view = checking_in()
        await server.put(view)
        listed = view["sides"]["prison"]["people"][0]["id"]
        checks = _details(on_duty).get_by_role("group", name="王建国的核验")
        await expect(checks.get_by_role("checkbox")).to_have_count(3)
        await expect(_details(on_duty).get_by_text("尚缺 3 项")).to_be_visible()
        await checks.get_by_label("安检已通过").click()
        tick = {"type": "tick", "side": "prison", "person": listed, "tick": "security"}
        assert await _last(server) == {**tick, "on": True}
        await server.put(_with_prison(view, people=[person("王建国", ticked=["security"])]))
        await expect(_details(on_duty).get_by_text("尚缺 2 项")).to_be_visible()
        await checks.get_by_label("安检已通过").click()
        assert await _last(server, 2) == {**tick, "on": False}

    async def test_a_person_with_all_checks_is_checked_in(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(_with_prison(checking_in(), people=[person("王建国", checked=True)]))
        await expect(_details(on_duty).get_by_text("已入场")).to_be_visible()
        boxes = _details(on_duty).get_by_role("group", name="王建国的核验").get_by_role("checkbox")
        assert [await box.is_checked() for box in await boxes.all()] == [True, True, True]

    async def test_a_refused_check_is_not_shown_as_made(self, on_duty: Page, server: FakeMonitor) -> None:
        server.refuse["tick"] = REFUSED
        await server.put(checking_in())
        box = on_duty.get_by_label("身份已核验")
        await box.click()
        await expect(on_duty.get_by_role("region", name="提示").get_by_role("alert")).to_contain_text(
            "当前状态不允许此操作。"
        )
        await expect(box).not_to_be_checked()

    async def test_check_in_works_by_keyboard_and_a_message_in_between_keeps_the_focus(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in())
        await on_duty.get_by_label("身份已核验").focus()
        await on_duty.keyboard.press("Space")
        await server.put(checking_in(minutes=25), remaining_ms=None)
        await expect(on_duty.get_by_text("批准 25 分钟")).to_be_visible()
        await expect(on_duty.get_by_label("身份已核验")).to_be_focused()
        await on_duty.keyboard.press("Tab")
        await expect(on_duty.get_by_label("安检已通过")).to_be_focused()

    async def test_only_people_of_the_officers_side_can_be_checked(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await expect(_details(on_duty).get_by_text("王建国", exact=True)).to_be_visible()
        await expect(_details(on_duty).get_by_text("王秀兰")).to_have_count(0)

    async def test_no_check_can_be_changed_once_the_visit_is_live(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(_with_prison(live(), people=[person("王建国", checked=True)]))
        await expect(_details(on_duty).get_by_text("已入场")).to_be_visible()
        await expect(_details(on_duty).get_by_label("身份已核验")).to_be_hidden()
        await expect(_details(on_duty).get_by_label("会见席位已就绪")).to_be_disabled()

    async def test_an_absence_is_confirmed_and_then_ordered(self, on_duty: Page, server: FakeMonitor) -> None:
        view = checking_in()
        await server.put(view)
        await on_duty.get_by_role("button", name="未到", exact=True).click()
        await on_duty.get_by_role("button", name="确认未到").click()
        listed = view["sides"]["prison"]["people"][0]["id"]
        assert await _last(server) == {"type": "absent", "side": "prison", "person": listed}
        await server.put(_with_prison(view, people=[person("王建国", absent=True)]))
        await expect(_details(on_duty).get_by_text("已登记未到")).to_be_visible()


class TestRoom:
    async def test_the_seat_is_an_order_of_its_own(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await on_duty.get_by_label("会见席位已就绪").click()  # it shows the server's state, not the click
        assert await _last(server) == {"type": "seat", "side": "prison", "ready": True}

    async def test_it_is_shown_whether_the_room_has_acknowledged_the_rules(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in())
        rules = on_duty.locator(".room-rules")
        await expect(rules).to_have_text("会见室确认须知尚未确认")
        acknowledged = {"rules": True, "rules_at": "2026-03-02T01:47:00Z"}
        await server.put(_with_prison(checking_in(), **acknowledged, rules_manner="touch"))
        await expect(rules).to_contain_text("09:47 已触摸确认")
        await server.put(_with_prison(checking_in(), **acknowledged, rules_manner="unattended"))
        await expect(rules).to_contain_text("09:47 由终端自动确认，室内无人")
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(rules).to_contain_text("At 09:47, by the terminal itself, without people")

    async def test_the_equipment_is_shown_part_by_part_with_the_tester_and_the_time(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        parts = {"camera": "passed", "microphone": "failed", "speaker": "not_checked", "network": "passed"}
        test = {"by": "terminal", "passed": False, "fresh": False, "at": "2026-03-02T01:40:00Z", "parts": parts}
        await server.put(_with_prison(checking_in(), equipment=test))
        equipment = _details(on_duty).locator(".equipment:not(.drill-failed)")
        await expect(equipment).to_contain_text("09:40 终端自检")
        rows = equipment.get_by_role("listitem")
        await expect(rows).to_have_text(["摄像头正常", "麦克风未通过", "扬声器未检测", "网络正常"])

    async def test_a_check_is_shown_with_its_figure_and_what_to_do(self, on_duty: Page, server: FakeMonitor) -> None:
        check = {"code": "blurred", "verdict": "failed", "measured": "4.2 px", "zh": "擦拭镜头", "en": "Wipe the lens"}
        test = {"by": "terminal", "passed": False, "fresh": False, "at": "2026-03-02T01:40:00Z", "checks": [check]}
        await server.put(_with_prison(checking_in(), equipment=test | {"parts": {"blurred": "failed"}}))
        rows = _details(on_duty).locator(".equipment").get_by_role("listitem")
        await expect(rows).to_have_text(["清晰度未通过4.2 px擦拭镜头"])

    async def test_the_line_of_the_last_weeks_is_drawn_and_told_in_words(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        figures = [(0.004, 0.0, 41.0), (0.001, 0.07, 180.0), (0.0, 0.0, 40.0)]
        server.tests["yunnan-1-r"] = [
            {"at": f"2026-03-0{3 - day}T00:00:00Z", "figures": {"loss_up": up, "loss_down": down, "round_trip": trip}}
            for day, (up, down, trip) in enumerate(figures)
        ] + [{"at": "2026-02-20T00:00:00Z", "figures": {"width": 1280}}]
        test = {"by": "terminal", "passed": True, "fresh": True, "at": "2026-03-03T00:00:00Z", "parts": {}}
        await server.put(_with_prison(checking_in(), equipment=test | {"test": "tst_3"}))
        history = _details(on_duty).locator(".line-history")
        await expect(history).to_contain_text("近四周丢包：最近 0.4%，最高 7.0%（3 次检测）")
        await expect(history).to_contain_text("近四周往返时间：最近 41 ms，最长 180 ms")
        drawn = await history.locator("path").evaluate_all("all => all.map((path) => path.getAttribute('d'))")
        assert [line.count("L") for line in drawn] == [2, 2]
        assert drawn[0] != drawn[1]

    async def test_an_officer_has_the_room_tested_again(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await on_duty.get_by_role("button", name="重新检测").click()
        await server.until(lambda: bool(server.by_rest))
        ((kind, _, body),) = server.by_rest
        assert (kind, body) == ("retest", {"side": "prison"})
        await expect(on_duty.get_by_text("已要求终端重新检测")).to_be_visible()

    async def test_staff_let_the_equipment_count_only_with_a_reason(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        good = on_duty.get_by_role("button", name="检查合格")
        await expect(good).to_be_disabled()
        await on_duty.get_by_label("认定合格的理由").fill("手工检查")
        await good.click()
        assert await _last(server) == {"type": "equipment", "side": "prison", "passed": True, "reason": "手工检查"}

    async def test_staff_can_mark_the_equipment_as_failed(self, on_duty: Page, server: FakeMonitor) -> None:
        test = {"by": "staff", "passed": True, "fresh": True, "at": "2026-03-02T01:40:00Z", "parts": {}}
        await server.put(_with_prison(checking_in(), equipment=test, self_test=True))
        await expect(_details(on_duty).get_by_text("09:40 工作人员检查")).to_be_visible()
        await on_duty.get_by_role("button", name="检查不合格").click()
        assert await _last(server) == {"type": "equipment", "side": "prison", "passed": False, "reason": ""}


class TestWhatIsMissing:
    async def test_what_is_missing_is_listed_by_person_in_the_language_of_the_page(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        lack = {"code": "visitor_check_in", "person": "per_1", "ticks": ["phone"]}
        words = {
            "zh": "会见人一方 王秀兰：尚缺寄存手机等物品",
            "en": "Visitor side, 王秀兰, still to do: handing in the phone",
        }
        await server.put(checking_in(missing=[{**lack, **words}]))
        missing = _details(on_duty).get_by_role("region", name="尚缺条件")
        await missing.locator("summary").click()
        await expect(missing.get_by_role("listitem")).to_have_text([words["zh"]])
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(on_duty.get_by_text(words["en"])).to_be_visible()

    async def test_the_time_limit_of_check_in_is_shown_while_people_are_awaited(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in(check_in_until="2026-03-02T02:15:00Z"))
        await expect(_details(on_duty).get_by_text("请在 10:15 前办妥；逾期记为未到场。")).to_be_visible()
        done = _with_prison(checking_in(), people=[person("王建国", checked=True)])
        await server.put(done)
        await expect(_details(on_duty).get_by_text("逾期记为未到场")).to_be_hidden()


class TestBureau:
    async def test_first_visits_interpreters_and_the_language_are_marked(self, page: Page, server: FakeMonitor) -> None:
        server.me = GUANDU
        await page.get_by_label("用户名").fill("liu-fang")
        await page.get_by_label("密码").fill("right")
        await page.get_by_role("button", name="登录").click()
        await page.get_by_text("已连接").wait_for()
        view = checking_in(language=language("bo", "藏语", "Tibetan", "missing"))
        view["sides"]["visitor"]["people"] = [
            person("王秀兰", "母亲", required=(*VISITORS, "letter"), first_visit=True),
            person("马翻译", required=VISITORS, role="interpreter"),
        ]
        await server.put(view)
        rows = _details(page).locator(".people-list > li")
        kin, helper = rows.nth(0), rows.nth(1)
        await expect(kin).to_contain_text("首次会见")
        await expect(kin.get_by_label("承诺书已签署")).to_be_visible()
        await expect(helper).to_contain_text("翻译人员")
        await expect(helper.get_by_label("承诺书已签署")).to_have_count(0)
        await expect(_details(page).get_by_text("会见语言：藏语 · 翻译人员未到场")).to_be_visible()
        await server.put(view, language=language("bo", "藏语", "Tibetan", "here"))
        await expect(_details(page).get_by_text("翻译人员已到场")).to_be_visible()


MARK: dict[str, Any] = {
    **{"drill": "ses_d", "step": "cut", "zh": "一名管理员离开后按时切断", "en": "It is cut in time"},
    **{"blocks": True, "by": None, "reason": ""},
}


class TestDrill:
    """Yunnan 12, 26(5): a failed drill of the rooms is said in words, and is passed over with a reason only."""

    async def test_that_failed_asks_for_a_reason(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in(), drill_failed=MARK)
        details = _details(on_duty)
        await expect(details.get_by_text("当日演练未通过：一名管理员离开后按时切断")).to_be_visible()
        button = details.get_by_role("button", name="说明理由并放行")
        await expect(button).to_be_disabled()
        await details.get_by_label("仍可开始会见的理由").fill("网线已更换")
        await button.press("Enter")
        assert await _last(server) == {"type": "override_drill", "reason": "网线已更换"}
        by = {"by": {"id": "li-ming", "name": "李明"}, "reason": "网线已更换"}
        await server.put(checking_in(), drill_failed=MARK | by)
        await expect(details.get_by_text("李明 认定可以开始：网线已更换")).to_be_visible()
        await expect(button).to_be_hidden()

    async def test_that_runs_is_told_from_a_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in(), drill=True)
        await on_duty.get_by_role("button", name="办理入场 演练").click()  # it takes no place by itself
        await expect(_details(on_duty).get_by_text("演练：室内无人")).to_be_visible()

    async def test_says_nothing_in_a_usual_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await expect(_details(on_duty).get_by_text("当日演练未通过")).to_have_count(0)
        await expect(_details(on_duty).get_by_text("演练：室内无人")).to_be_hidden()
