"""Details of a session: state, quorum, countdown, what is missing, and the recording light."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import QUORUM, because, by_officer, checking_in, live, officers, session

RECORDING = [
    ("none", "未录制", "idle"),
    ("starting", "录制启动中", "wait"),
    ("writing", "录制中", "good"),
    ("lost", "录制中断", "bad"),
    ("failed", "归档失败", "bad"),
    ("archived", "已归档 30:00", "done"),
]
SHORT = {"prison": officers("李明", "赵强"), "visitor": officers("刘芳")}


def _details(page: Page) -> Locator:
    return page.get_by_role("complementary", name="会见详情与处置")


class TestQuorum:
    async def test_both_sites_are_shown_with_the_officers_present_and_how_many_are_short(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in(quorum=SHORT))
        sides = _details(on_duty).locator(".quorum-side")
        await expect(sides.nth(0)).to_contain_text("2 / 2")
        await expect(sides.nth(0)).to_contain_text("李明、赵强")
        await expect(sides.nth(1)).to_contain_text("1 / 2")
        await expect(sides.nth(1)).to_contain_text("还差 1 人")
        await server.put(checking_in(quorum=QUORUM))
        await expect(sides.nth(1)).to_contain_text("人数已够")

    async def test_that_is_short_is_red_only_once_the_visit_has_begun(self, on_duty: Page, server: FakeMonitor) -> None:
        chip, side = on_duty.locator(".tile-facts .chip").nth(2), _details(on_duty).locator(".quorum-side").nth(1)
        await server.put(checking_in(quorum=SHORT))
        for part in (chip, side):
            await expect(part).to_have_attribute("data-level", "wait")
        await server.put(live(quorum=SHORT))
        for part in (chip, side):
            await expect(part).to_have_attribute("data-level", "bad")

    async def test_a_lost_quorum_is_announced_and_shown_on_the_tile(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.locator(".tile .badge")).to_have_text("会见中")
        reason = because("quorum_lost", "管理员不足，会见中止", "Too few supervisors are watching")
        await server.put(live(), state="held", gate="shut", reason=reason, quorum=SHORT)
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("已中止，管理员不足")
        await expect(on_duty.locator(".slate")).to_have_text("已中止：管理员不足，会见中止")
        await expect(_details(on_duty).get_by_text("原因消除后自动恢复")).to_be_visible()
        await expect(on_duty.get_by_role("button", name="恢复会见")).to_be_disabled()

    async def test_a_missing_quorum_is_no_alarm_before_check_in_and_after_the_end(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(session("ses_a", 60))
        await on_duty.get_by_role("navigation").get_by_role("button").first.click()
        await expect(_details(on_duty).locator('.quorum-side[data-level="idle"]')).to_have_count(2)
        await server.put(session("ses_a", 60), state="ended")
        await expect(_details(on_duty).get_by_text("在岗管理员")).to_be_hidden()


class TestCountdown:
    async def test_the_countdown_runs_by_itself_between_messages(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(left=600_000))
        timer = _details(on_duty).get_by_role("timer")
        await expect(timer).to_have_text("09:59")
        await expect(timer).to_have_text("09:58")
        await server.put(live(left=500_000))
        await expect(timer).to_have_text("08:20")

    async def test_a_wall_clock_that_is_set_does_not_move_the_countdown(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.evaluate("() => { const now = Date.now; Date.now = () => now() + 3_600_000; }")
        await server.put(live(left=600_000))
        await expect(_details(on_duty).get_by_role("timer")).to_have_text("09:58")

    async def test_the_last_minutes_are_marked_in_words_and_announced(self, on_duty: Page, server: FakeMonitor) -> None:
        for left, words in ((290_000, "最后五分钟"), (59_000, "最后一分钟")):
            await server.put(live(left=left))
            await expect(_details(on_duty).get_by_text(words)).to_be_visible()
            await expect(on_duty.locator("#announce-urgent")).to_contain_text(words)

    async def test_no_clock_stands_before_the_first_crossing_but_when_it_begins_and_what_it_waits_for(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        ten = {"starts_at": "2026-03-02T02:00:00Z"}
        await server.put(checking_in(**ten))
        for state, words in (
            ("check_in", "预定 10:00 开始，条件齐备后接通"),
            ("ready", "条件齐备，10:00 接通"),
            ("held", "尚未接通，接通后开始计时"),
        ):
            await server.put(checking_in(**ten), state=state)
            await expect(_details(on_duty).locator(".start")).to_have_text(words)
            await expect(_details(on_duty).get_by_role("timer")).to_be_hidden()
            assert "30:00" not in await on_duty.locator("body").inner_text()
        await server.put(live(left=600_000))
        await expect(_details(on_duty).get_by_role("timer")).to_be_visible()
        await expect(_details(on_duty).locator(".start")).to_be_hidden()


class TestWhatIsMissing:
    async def test_what_is_missing_is_named_until_it_is_there(self, on_duty: Page, server: FakeMonitor) -> None:
        words = because(
            "visitor_check_in", "会见人一方人员核验未完成", "Check-in on the visitors' side is not complete"
        )
        await server.put(checking_in(missing=[words]))
        folded = _details(on_duty).get_by_text("会见人一方人员核验未完成")
        await expect(folded).to_be_hidden()
        await _details(on_duty).get_by_text("尚缺：人员 1").press("Enter")
        await expect(folded).to_be_visible()
        await server.put(checking_in(missing=[]))
        await expect(_details(on_duty).get_by_role("region", name="尚缺条件")).to_be_hidden()

    async def test_a_line_counts_it_by_subject_and_what_holds_a_visit_is_the_list(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        codes = (
            *("prison_check_in", "visitor_letter", "interpreter", "prison_media", "visitor_seat"),
            *("visitor_self_test", "prison_rules", "visitor_quorum", "recorder"),
        )
        lacks = [because(code, f"缺 {code}", f"lacks {code}") for code in codes]
        await server.put(checking_in(missing=lacks))
        missing = _details(on_duty).get_by_role("region", name="尚缺条件")
        counted = "尚缺：人员 3 · 会见室 2 · 设备 1 · 须知 1 · 管理员 1 · 系统 1"
        await expect(missing.locator("summary")).to_have_text(counted)
        assert (box := await missing.bounding_box()) is not None and box["height"] < 40
        await server.put(live(), state="held", gate="shut", missing=lacks[3:4])
        await expect(missing.get_by_role("listitem")).to_have_text(["缺 prison_media"])


class TestRecordingLight:
    async def test_the_light_repeats_the_state_of_the_recorder(self, on_duty: Page, server: FakeMonitor) -> None:
        lights = on_duty.locator(".recording")
        for state, words, level in RECORDING:
            recording: dict[str, Any] = {"state": state, "seconds": 1800.0, "path": None, "sha256": None}
            await server.put(live(recording=recording))
            await expect(lights).to_have_text([words, words])
            await expect(lights.first).to_have_attribute("data-level", level)


class TestReason:
    async def test_the_hold_of_an_officer_names_its_article(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(by_officer())
        await expect(on_duty.locator(".slate")).to_have_text("已中止：管理员中止会见 · 第十六条第（六）项")
