"""Interventions on the supervisors' page: warning, muting, noting and stopping, as an officer does them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import FloatRect, Locator, Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import by_officer, checking_in, live, session

BOTH = ["prison", "visitor"]
LI = {"id": "li-ming", "name": "李明"}
NOW = "2026-03-02T01:40:00Z"
# elements that end right of the details, or are too narrow for their own words
STICKS_OUT = """(details) => {
    const edge = details.getBoundingClientRect().right;
    const parts = [...details.querySelectorAll("*")];
    const seen = parts.filter((part) => part.checkVisibility() && !part.matches(".unseen"));
    const out = seen.filter((part) => part.getBoundingClientRect().right > edge + 0.5);
    const tight = seen.filter((part) => part.matches("button") && part.scrollWidth > part.clientWidth);
    return [...out, ...tight].map((part) => `${part.tagName}.${part.className} ${part.textContent.slice(0, 30)}`);
}"""


async def _ordered(server: FakeMonitor, count: int = 1) -> dict[str, Any]:
    await server.until(lambda: len(server.orders) >= count)
    return {key: value for key, value in server.orders[-1].items() if key != "id"}


async def _box(element: Locator) -> FloatRect:
    found = await element.bounding_box()
    assert found is not None
    return found


def _overlap(a: FloatRect, b: FloatRect) -> bool:
    """Whether two rectangles have an area in common."""
    across = a["x"] < b["x"] + b["width"] and b["x"] < a["x"] + a["width"]
    return across and a["y"] < b["y"] + b["height"] and b["y"] < a["y"] + a["height"]


def _warning(*acknowledged: str) -> dict[str, Any]:
    """Return a warning of both rooms with these confirmations."""
    words = {"zh": "不准大声喧哗、吵闹。", "en": "Do not shout.", "article": "YN-16-6"}
    at = datetime.now(UTC).isoformat()
    return {"id": "wrn_1", "at": at, "sides": BOTH, **words, "by": LI, "acknowledged": list(acknowledged)}


class TestWarning:
    async def test_ready_words_go_to_the_chosen_side_under_their_own_code(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        await expect(dialog).to_contain_text("不得以劝阻了结")
        await dialog.get_by_role("button", name="发出劝阻").click()  # no words yet: the form stays
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("radio", name="会见人一方").check()
        await dialog.get_by_role("radio", name="第十六条第（二）项").check()
        await dialog.get_by_role("button", name="发出劝阻").click()
        order = {"type": "warn", "session": "ses_a", "sides": ["visitor"], "article": "YN-16-2", "text_id": "dont-4"}
        assert await _ordered(server) == order
        await expect(on_duty.get_by_text("劝阻已发出")).to_be_visible()

    async def test_words_on_a_matter_that_must_end_the_visit_say_so_and_offer_the_stop(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        for measure, button in (("中止会见，并", "确认中止"), ("终止会见", "确认终止")):
            await on_duty.get_by_role("button", name="劝阻").click()
            dialog = on_duty.get_by_role("dialog", name="劝阻")
            await dialog.get_by_role("radio", name="第十六条第（二）项").check()
            await expect(dialog.get_by_role("button", name="发出劝阻")).to_be_visible()
            await dialog.get_by_role("radio", name="第十七条第（六）项").check()
            await expect(dialog).to_contain_text("应当中止或取消会见，不得以劝阻了结")
            await expect(dialog.get_by_role("button", name="发出劝阻")).to_have_count(0)
            await dialog.locator('[type="submit"]').click()  # nothing is chosen beforehand: it says what is lacking
            await expect(dialog.get_by_role("alert")).to_contain_text("处置")
            await dialog.get_by_role("radio", name=measure).check()
            await dialog.get_by_role("button", name=button).click()
            await expect(dialog).to_be_hidden()
        await server.until(lambda: len(server.orders) >= 2)
        held, ended = [{key: value for key, value in order.items() if key != "id"} for order in server.orders[-2:]]
        assert held == {"type": "hold", "session": "ses_a", "sides": BOTH, "article": "YN-17-6", "text_id": "dont-3"}
        assert ended == {"type": "end", "session": "ses_a", "article": "YN-17-6"}

    async def test_what_can_be_a_warning_stands_before_what_must_end_the_visit_and_the_list_fills_the_sheet(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        kinds = await dialog.locator(".code[data-must]").evaluate_all("all => all.map((row) => row.dataset.must)")
        assert kinds == sorted(kinds)  # false before true
        assert set(kinds) == {"false", "true"}
        sheet, button = await _box(dialog), await _box(dialog.get_by_role("button", name="发出劝阻"))
        assert sheet["y"] + sheet["height"] - button["y"] - button["height"] < 20
        await dialog.get_by_role("radio", name="第十七条第（六）项").check()
        assert (await _box(dialog.get_by_role("button", name="请先选择处置")))["y"] == button["y"]  # it does not move

    async def test_a_choice_that_was_left_for_a_warning_is_not_kept(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        await dialog.get_by_role("radio", name="第十七条第（六）项").check()
        await dialog.get_by_role("radio", name="终止会见").check()
        await dialog.get_by_role("radio", name="第十六条第（二）项").check()
        await dialog.get_by_role("radio", name="第十七条第（六）项").check()
        await expect(dialog.get_by_role("radio", name="终止会见")).not_to_be_checked()

    async def test_the_same_words_under_a_milder_ground_are_a_warning(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        await dialog.get_by_role("radio", name="第十六条第（六）项 不准谈论警力配备").check()
        await dialog.get_by_role("button", name="发出劝阻").click()
        order = {"type": "warn", "session": "ses_a", "sides": BOTH, "article": "YN-16-6", "text_id": "dont-3"}
        assert await _ordered(server) == order

    async def test_own_words_need_a_code_that_allows_a_warning(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        own = dialog.get_by_label("自拟内容，最多 120 字", exact=True)
        await expect(own).to_be_hidden()
        await dialog.get_by_role("radio", name="自拟").check()
        await expect(own).to_be_focused()
        codes = await dialog.get_by_label("条款").locator("option").evaluate_all("all => all.map(o => o.value)")
        assert codes == ["YN-16-2", "YN-16-6", "YN-18"]  # no ground that demands the end, and no ground of talkback
        await own.fill("   ")
        await dialog.get_by_role("button", name="发出劝阻").click()
        await expect(dialog).to_be_visible()
        await own.fill("请一个一个说话 ")
        await dialog.get_by_label("条款").select_option("YN-16-6")
        await dialog.get_by_role("button", name="发出劝阻").click()
        order = {"type": "warn", "session": "ses_a", "sides": BOTH, "article": "YN-16-6", "text": "请一个一个说话"}
        assert await _ordered(server) == order

    async def test_the_message_of_a_sent_warning_hides_neither_alarm_nor_visit(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        await on_duty.get_by_role("radio", name="第十六条第（二）项").check()
        await on_duty.get_by_role("button", name="发出劝阻").click()
        await expect(on_duty.get_by_text("劝阻已发出")).to_be_visible()
        lost = {"code": "quorum_lost", "zh": "管理员不足", "en": "Too few supervisors", "article": None}
        await server.put(live(), state="held", gate="shut", reason=lost)
        await expect(on_duty.locator(".strip")).to_contain_text("监督人数不足")
        toast = await _box(on_duty.locator(".toast"))
        for other in (".strip", ".wall", ".details"):
            assert not _overlap(toast, await _box(on_duty.locator(other))), other

    async def test_confirmations_of_the_rooms_are_shown_and_announced(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), warnings=[_warning()])
        warnings = on_duty.get_by_role("region", name="已作劝阻")
        await expect(warnings).to_contain_text("不准大声喧哗、吵闹。")
        await expect(warnings).to_contain_text("会见人 待确认")
        await server.put(live(), warnings=[_warning("visitor")])
        await expect(warnings).to_contain_text("会见人 已确认")
        await expect(warnings).to_contain_text("监所 待确认")
        await expect(on_duty.locator("#announce")).to_contain_text("会见人一方 已确认")


class TestMuting:
    async def test_a_mute_needs_a_code_and_its_own_site_lifts_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="静音会见人").click()
        dialog = on_duty.get_by_role("dialog", name="静音")
        await expect(dialog.locator(".dialog-where")).to_contain_text(
            "会见人一方 · "
        )  # a room's name alone says no side
        assert await dialog.get_by_role("radio").count() == 3, "no code that demands the end"
        await dialog.get_by_role("radio", name="第十六条第（二）项").check()
        await dialog.get_by_role("button", name="确认静音").click()
        order = {"type": "mute", "session": "ses_a", "side": "visitor", "on": True, "article": "YN-16-2"}
        assert await _ordered(server) == order
        await expect(on_duty.get_by_role("status").filter(has_text="会见人一方已静音")).to_be_visible()
        await server.put(live(), muted=[{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": LI}])
        pressed = on_duty.get_by_role("button", name="解除会见人静音")
        await expect(pressed).to_have_attribute("aria-pressed", "true")
        await pressed.click()
        await on_duty.get_by_role("button", name="确认解除").click()
        assert await _ordered(server, 2) == {"type": "mute", "session": "ses_a", "side": "visitor", "on": False}

    async def test_a_mute_of_the_other_site_cannot_be_lifted(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), muted=[{"side": "prison", "article": "YN-16-2", "site": "guandu", "by": LI}])
        await expect(on_duty.get_by_role("button", name="解除监所静音")).to_be_disabled()


class TestStopping:
    """One button and one key; the officer chooses the ground, and nothing is chosen beforehand."""

    async def test_enter_on_a_stop_without_a_ground_ends_nothing_and_says_what_is_lacking(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        for key in ("F9", "Enter", "Enter", "Enter"):
            await on_duty.keyboard.press(key)
        dialog = on_duty.get_by_role("dialog", name="终止会见")
        await expect(dialog.get_by_role("alert")).to_have_text("尚未选择或填写：条款")
        await expect(dialog.get_by_role("radio", checked=True)).to_have_count(0)
        assert server.orders == []

    async def test_a_stop_takes_one_click_on_a_ground_and_one_to_confirm(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        dialog = on_duty.get_by_role("dialog", name="终止会见")
        await dialog.get_by_text("谈论案情").click()
        assert server.orders == []
        await on_duty.keyboard.press("Enter")
        assert await _ordered(server) == {"type": "end", "session": "ses_a", "article": "YN-17-8"}
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_the_first_arrow_key_chooses_the_first_ground(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="终止会见")).to_be_visible()
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("radiogroup", name="条款")).to_be_focused()
        await on_duty.keyboard.press("ArrowDown")
        await expect(on_duty.get_by_role("radio", name="第十七条第（六）项")).to_be_checked()
        await on_duty.keyboard.press("ArrowDown")
        await expect(on_duty.get_by_role("radio", name="第十七条第（八）项")).to_be_checked()
        await on_duty.keyboard.press("Enter")
        assert await _ordered(server) == {"type": "end", "session": "ses_a", "article": "YN-17-8"}

    async def test_an_arrow_key_passes_over_no_ground_after_it_was_said_that_one_is_lacking(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="终止会见")).to_be_visible()
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("radiogroup", name="条款")).to_be_focused()
        for key in ("Enter", "ArrowDown"):
            await on_duty.keyboard.press(key)
        await expect(on_duty.get_by_role("radio", name="第十七条第（六）项")).to_be_checked()

    async def test_an_arrow_key_passes_over_no_words_of_a_warning(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="劝阻")).to_be_visible()
        await on_duty.keyboard.press("w")
        await expect(on_duty.get_by_role("radio", name="双方")).to_be_focused()
        for key in ("Tab", "ArrowDown"):
            await on_duty.keyboard.press(key)
        words = on_duty.get_by_role("radiogroup", name="劝阻用语")
        await expect(words.get_by_role("radio").first).to_be_checked()

    async def test_the_key_of_the_stop_takes_the_place_of_another_acts_sheet(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        await on_duty.keyboard.press("w")
        await on_duty.get_by_role("radio", name="自拟").check()
        await on_duty.keyboard.type("w")
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog")).to_have_count(1)
        await expect(on_duty.get_by_role("dialog", name="终止会见").get_by_role("radiogroup")).to_be_focused()
        await expect(on_duty.locator(".details > [inert]")).not_to_have_count(0)
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(on_duty.locator(".details > [inert]")).to_have_count(0)

    async def test_escape_stops_nothing_and_an_ended_visit_says_why_it_has_no_stop(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="终止会见")).to_be_enabled()
        await on_duty.keyboard.press("F9")
        await on_duty.get_by_text("谈论案情").click()
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await server.put(session("ses_a", state="ended"))
        await expect(on_duty.get_by_role("button", name="终止会见")).to_be_disabled()
        await expect(on_duty.get_by_role("button", name="终止会见")).to_contain_text("会见已结束")
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []

    async def test_the_stop_of_a_visit_goes_when_the_officer_turns_to_another_one(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await server.put(live("ses_b"))
        await expect(on_duty.locator(".tile")).to_have_count(2)
        await on_duty.keyboard.press("F9")
        await on_duty.get_by_role("dialog", name="终止会见").wait_for()
        await on_duty.locator(".tile-name").nth(1).click()
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await on_duty.keyboard.press("F9")
        await server.put(live("ses_b"), state="ended")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []


class TestPlaces:
    """Every act has its place in every state, and no dialog of an act lies over a picture."""

    async def test_no_button_moves_or_vanishes_whatever_state_the_visit_is_in(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        places = []
        lost = {"code": "quorum_lost", "zh": "管理员不足", "en": "Too few supervisors", "article": None}
        states = [checking_in(), live(), live(state="held", gate="shut", reason=lost), by_officer()]
        word = {"side": "visitor", "at": NOW, "by": {"id": "wang", "name": "石桥县司法局管理员甲"}, "room": False}
        states += [live(farewell=[word]), session("ses_a", state="ended")]
        for view in states:
            await server.put(view)
            await expect(on_duty.locator(".details .badge")).to_have_attribute("data-state", view["state"])
            buttons = await on_duty.locator(".acts button").all()
            places.append([await _box(button) for button in buttons])
        assert len(places[0]) == 8 and all(place == places[0] for place in places)

    async def test_an_act_that_is_not_possible_says_why(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await expect(on_duty.get_by_role("button", name="中止会见")).to_contain_text("会见尚未开始")
        await server.put(by_officer())
        await expect(on_duty.get_by_role("button", name="中止会见")).to_contain_text("已中止")
        await expect(on_duty.get_by_role("button", name="恢复会见")).to_be_enabled()
        reason = {"code": "supervisor", "zh": "管理员中止会见", "en": "Held", "article": "YN-17-6"}
        await server.put(by_officer(), reason=reason)
        await expect(on_duty.get_by_role("button", name="恢复会见")).to_contain_text("应当终止，不得恢复")

    @pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)])
    async def test_no_dialog_of_an_act_lies_over_a_picture(
        self, on_duty: Page, server: FakeMonitor, size: tuple[int, int]
    ) -> None:
        await on_duty.set_viewport_size({"width": size[0], "height": size[1]})
        for count in range(1, 10):
            await server.put(checking_in(f"ses_{count}") if count > 1 else live(f"ses_{count}"))
        await on_duty.get_by_role("radio", name="9", exact=True).check(force=True)
        await expect(on_duty.locator(".tile")).to_have_count(9)
        await on_duty.keyboard.press("1")  # the live visit stands first
        for key in ("w", "m", "h", "F9"):
            await on_duty.keyboard.press(key)
            await expect(on_duty.get_by_role("dialog")).to_be_visible()
            sheet = await _box(on_duty.get_by_role("dialog"))
            for video in await on_duty.locator("video").all():
                assert not _overlap(sheet, await _box(video)), key
            await on_duty.keyboard.press("Escape")
            await expect(on_duty.get_by_role("dialog")).to_have_count(0)


class TestMarksOnThePicture:
    async def test_a_muted_side_and_an_unconfirmed_warning_are_marked_on_its_picture_alone(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        muted = [{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": LI}]
        await server.put(live(), muted=muted, warnings=[_warning("visitor")])
        marks = on_duty.locator(".tile .picture-marks")
        await expect(marks.nth(1)).to_have_text("已静音")
        await expect(marks.nth(0)).to_have_text("劝阻未确认")
        await server.put(live(), muted=[], warnings=[_warning("visitor", "prison")])
        await expect(marks.nth(0)).to_have_text("")
        await expect(marks.nth(1)).to_have_text("")


class TestConditionsOfAGround:
    """A ground that is another office's, or for another part of the visit, is not offered; one that supposes a warning
    in vain is offered after one."""

    async def test_the_countys_ground_is_not_offered_to_the_prison_nor_during_the_visit(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.conditions = {"YN-17-6": {"by": "county"}, "YN-17-8": {"phase": "before"}}
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog", name="终止会见")).to_be_visible()
        await expect(on_duty.get_by_role("radio", name="第十七条")).to_have_count(0)
        await on_duty.keyboard.press("Escape")
        await server.put(checking_in())
        await on_duty.get_by_label("身份已核验").first.wait_for()  # the page shows the check-in
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("radio", name="第十七条第（八）项")).to_be_visible()
        await expect(on_duty.get_by_role("radio", name="第十七条第（六）项")).to_have_count(0)

    async def test_a_ground_after_a_warning_in_vain_waits_for_one(self, on_duty: Page, server: FakeMonitor) -> None:
        server.conditions = {"YN-17-6": {"after": ["YN-16-6"]}}
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        await on_duty.keyboard.press("F9")
        waiting = on_duty.get_by_role("radio", name="第十七条第（六）项")
        await expect(waiting).to_be_disabled()
        await expect(on_duty.locator(".code", has=waiting)).to_contain_text("须先劝阻")
        await on_duty.keyboard.press("ArrowDown")
        await expect(on_duty.get_by_role("radio", name="第十七条第（八）项")).to_be_checked()
        await on_duty.keyboard.press("Escape")
        await server.put(live(), warnings=[_warning()])
        await expect(on_duty.get_by_role("region", name="已作劝阻")).to_be_visible()
        await on_duty.keyboard.press("F9")
        await expect(waiting).to_be_enabled()


class TestNotes:
    async def test_a_note_is_sent_and_the_list_shows_its_times(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_label("记录内容").fill("母亲情绪激动")
        await on_duty.keyboard.press("Enter")
        assert await _ordered(server) == {"type": "remark", "session": "ses_a", "text": "母亲情绪激动"}
        await expect(on_duty.get_by_label("记录内容")).to_have_value("")
        at = datetime(2026, 3, 2, 2, 3, 10, tzinfo=UTC).isoformat()
        server.notes["ses_a"] = [{"at": at, "since_ms": 190_000, "site": "guandu", "by": LI, "text": "母亲情绪激动"}]
        await server.put(live(), notes=1)
        row = on_duty.get_by_role("region", name="会见记录").get_by_role("listitem")
        await expect(row).to_contain_text("10:03:10 (03:10)")
        await expect(row).to_contain_text("母亲情绪激动")
        await expect(row).to_contain_text("李明")
        await server.put(live("ses_b"))
        await on_duty.locator(".tile-name").nth(1).click()
        await expect(row).to_have_count(0)

    async def test_a_refused_note_stays_in_its_field(self, on_duty: Page, server: FakeMonitor) -> None:
        server.refuse["remark"] = {
            "type": "urn:huijian:problem:too_many",
            "code": "too_many",
            "status": 429,
            "title": "请求过多",
            "title_en": "Too many",
            "detail": "本次会见记录条数已达上限。",
            "detail_en": "Too many notes in one visit.",
        }
        await server.put(live())
        await on_duty.get_by_label("记录内容").fill("第一百零一条")
        await on_duty.get_by_role("button", name="记录", exact=True).click()
        await expect(on_duty.get_by_text("本次会见记录条数已达上限。")).to_be_visible()
        await expect(on_duty.get_by_label("记录内容")).to_have_value("第一百零一条")


async def test_nothing_is_cut_off_in_the_details_on_the_smallest_screen_in_either_language(
    on_duty: Page, server: FakeMonitor
) -> None:
    server.notes["ses_a"] = [
        {"at": datetime.now(UTC).isoformat(), "since_ms": 1000, "site": "s", "by": LI, "text": "记"}
    ]
    muted = [{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": LI}]
    parts = {"camera": "passed", "microphone": "failed", "speaker": "not_checked", "network": "passed"}
    view = live()
    view["sides"]["prison"]["equipment"] = {"by": "terminal", "passed": False, "fresh": True, "at": NOW, "parts": parts}
    await server.put(view, warnings=[_warning("visitor")], muted=muted, notes=1)
    await expect(on_duty.get_by_role("region", name="已作劝阻")).to_be_visible()
    await expect(on_duty.get_by_label("插话依据").locator("option")).not_to_have_count(0)
    for language in ("zh", "en"):
        assert await on_duty.locator(".details").evaluate(STICKS_OUT) == [], language
        for button in await on_duty.locator(".acts").get_by_role("button").all():
            await expect(button).to_be_in_viewport(ratio=1)
        await on_duty.locator(".language").click()
