"""Alerts on the supervisors' page: shown by colour and shape, sounded, announced, taken and finished."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import NOTES
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import QUORUM, because, checking_in, live, person

WORDS = {
    "black": ("画面全黑", "The picture is black", True),
    "room_lost": ("会见室线路中断", "The line of the room is broken", True),
    "silent": ("长时间没有声音", "No sound for a long time", False),
    "five_minutes": ("会见还剩五分钟", "Five minutes left", False),
}
MA = {"id": "ma-li", "name": "马丽"}
GRAVE, ADVISORY = [880, 620, 880], [520, 520]


def alert(id: str, kind: str, side: str | None = "visitor", ago: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return an open alert that came so many seconds ago."""
    zh, en, grave = WORDS[kind]
    at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
    view = {"id": id, "kind": kind, "side": side, "state": "new", "grave": grave, "zh": zh, "en": en, "at": at}
    return {**view, "taken_by": None, "taken_at": None, "done_by": None, "done_at": None, "why": None, **more}


def taken(view: dict[str, Any]) -> dict[str, Any]:
    """Return the same alert after a colleague has taken it."""
    return {**view, "state": "taken", "taken_by": MA, "taken_at": view["at"]}


def named(view: dict[str, Any], prisoner: str) -> dict[str, Any]:
    """Return the same visit with another prisoner."""
    sides = view["sides"]
    return {**view, "sides": {**sides, "prison": {**sides["prison"], "people": [person(prisoner)]}}}


async def _notes(page: Page) -> list[int]:
    return list(await page.evaluate("window.notes"))


async def _record_notes(page: Page) -> None:
    """Record the notes that the page plays, and click once: browsers play nothing before."""
    await page.evaluate(NOTES)
    await page.locator("#wall").click()


def rows(page: Page) -> Any:
    """Return the entries of the strip, one a visit."""
    return page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem")


async def drawer(page: Page) -> Any:
    """Open the drawer, and return its rows of open alerts."""
    await page.get_by_role("button", name="全部 · 记录").click()
    return page.locator(".drawer .alert")


class TestStrip:
    """One line of a fixed height above the pictures, with one entry a visit."""

    async def test_it_has_its_place_and_height_with_and_without_alerts(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.locator(".tile").wait_for()
        await expect(rows(on_duty)).to_have_count(0)
        await expect(on_duty.get_by_text("没有未完成的提醒").first).to_be_visible()
        calm = await on_duty.locator(".strip").bounding_box()
        tiles = await on_duty.locator(".tiles").bounding_box()
        await server.put(live(), alerts=[alert(f"alt_{number}", "black") for number in range(16)])
        await expect(rows(on_duty)).to_have_count(1)
        assert calm and await on_duty.locator(".strip").bounding_box() == calm and calm["height"] <= 40
        assert await on_duty.locator(".tiles").bounding_box() == tiles

    async def test_a_visit_has_one_entry_with_its_worst_alert_and_the_worst_visit_is_the_first(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(
            named(live("ses_a"), "王建国"), alerts=[alert("alt_1", "silent", ago=5), alert("alt_2", "black", ago=90)]
        )
        await server.put(named(live("ses_b"), "陈志强"), alerts=[alert("alt_1", "room_lost", "prison", ago=3)])
        await expect(rows(on_duty)).to_contain_text(["会见室线路中断", "画面全黑"])
        await expect(rows(on_duty).nth(0)).to_contain_text("陈志强 ⇄ 官渡区司法局")
        await expect(rows(on_duty).nth(1)).to_contain_text("王建国 ⇄ 官渡区司法局")
        await expect(rows(on_duty).nth(1)).to_contain_text("+1")
        await expect(rows(on_duty).nth(1)).to_contain_text("01:3")

    async def test_visits_without_room_in_it_are_counted_and_open_the_drawer(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        for name in "abcdefgh":
            await server.put(checking_in(f"ses_{name}"), alerts=[alert("alt_1", "room_lost")])
        rest = on_duty.get_by_role("button", name="另 5 场")
        await expect(rest).to_be_visible()
        assert min(width for _, _, width in await on_duty.evaluate(PLACES)) > 250, "each is wide enough to be read"
        await rest.click()
        await expect(on_duty.locator(".drawer .alert")).to_have_count(8)

    async def test_no_words_wait_where_nothing_is_shown(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.locator(".strip .quiet").wait_for()
        await expect(on_duty.locator(".strip .rest, .strip .count")).to_have_text(["", ""])
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await expect(rows(on_duty)).to_have_count(1)
        await expect(on_duty.locator(".strip .quiet")).to_have_text("")
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(on_duty.locator(".strip .count")).to_have_text("1 visit")

    async def test_grave_and_advisory_alerts_differ_in_shape_too(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live("ses_a"), alerts=[alert("alt_1", "black")])
        await server.put(live("ses_b"), alerts=[alert("alt_2", "silent")])
        await expect(rows(on_duty).nth(0).locator(".icon-warn")).to_have_count(1)
        await expect(rows(on_duty).nth(1).locator(".icon-muted")).to_have_count(1)

    async def test_red_is_for_what_nobody_has_taken(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await expect(rows(on_duty)).to_have_attribute("data-level", "grave")
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await expect(rows(on_duty)).to_have_attribute("data-level", "taken")
        await server.put(live(), alerts=[alert("alt_2", "silent")])
        await expect(rows(on_duty)).to_have_attribute("data-level", "advisory")

    async def test_a_quorum_with_the_minimum_alone_is_grave_only_while_somebody_has_just_left(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        await server.put(live(), alerts=[alert("alt_1", "black", grave_until=soon)])
        await expect(rows(on_duty)).to_have_attribute("data-level", "grave")
        await expect(rows(on_duty)).to_have_attribute("data-level", "advisory")

    async def test_the_tile_of_a_session_with_alerts_is_marked(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        chip = on_duty.locator(".tile .alert-chip")
        await expect(chip).to_have_text("画面全黑 +1")
        await server.put(live(), alerts=[])
        await expect(chip).to_be_hidden()

    async def test_a_quorum_in_danger_has_an_entry_without_any_alert(self, on_duty: Page, server: FakeMonitor) -> None:
        risk = {**QUORUM, "visitor": {**QUORUM["visitor"], "at_risk": True}}
        await server.put(live(), quorum=risk)
        await expect(rows(on_duty)).to_contain_text("监督人数即将不足")
        reason = because("quorum_lost", "监督人员不足，会见中止", "Too few supervisors are watching")
        await server.put(live(), state="held", gate="shut", reason=reason)
        await expect(rows(on_duty)).to_contain_text("监督人数不足，会见已中止")
        await server.put(live())
        await expect(rows(on_duty)).to_have_count(0)

    async def test_a_quorum_at_risk_before_the_visit_has_none(self, on_duty: Page, server: FakeMonitor) -> None:
        risk = {which: {**side, "at_risk": True} for which, side in QUORUM.items()}
        await server.put(checking_in(quorum=risk))
        await on_duty.locator(".tile").wait_for()
        await expect(rows(on_duty)).to_have_count(0)


PLACES = """() => [...document.querySelectorAll(".strip-entry")].map((entry) => {
    const { left, width } = entry.getBoundingClientRect();
    return [entry.querySelector("strong").textContent, left, width];
})"""
"""Returns the entries of the strip with their places and widths."""


class TestUnderThePointer:
    """No entry moves and no button changes while the officer's pointer or keyboard is in the strip."""

    async def _two(self, page: Page, server: FakeMonitor) -> list[Any]:
        """Put two visits with an alert each into the strip, and return their places."""
        await server.put(named(live("ses_a"), "王建国"), alerts=[alert("alt_1", "silent", ago=5)])
        await server.put(named(live("ses_b"), "陈志强"), alerts=[alert("alt_1", "silent", ago=9)])
        await expect(rows(page)).to_contain_text(["王建国", "陈志强"])
        return list(await page.evaluate(PLACES))

    async def test_a_graver_alert_elsewhere_waits_until_the_pointer_has_left(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await self._two(on_duty, server)
        await rows(on_duty).nth(0).hover()
        places = await on_duty.evaluate(PLACES)
        await server.put(named(live("ses_b"), "陈志强"), alerts=[alert("alt_2", "black"), alert("alt_1", "silent")])
        await server.put(named(live("ses_c"), "赵国庆"), alerts=[alert("alt_3", "black")])
        await expect(rows(on_duty).nth(1)).to_have_attribute("data-level", "grave")
        assert (await on_duty.evaluate(PLACES))[:2] == places
        await expect(rows(on_duty).nth(1).get_by_role("button", name="处理：长时间没有声音")).to_be_visible()
        await on_duty.locator(".toolbar").hover()
        await expect(rows(on_duty)).to_contain_text(["赵国庆", "陈志强", "王建国"])

    async def test_an_entry_that_is_over_keeps_its_place_without_a_button(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        places = await self._two(on_duty, server)
        await rows(on_duty).nth(1).hover()
        await server.put(live("ses_a"), alerts=[])
        await expect(rows(on_duty).nth(0)).to_contain_text("提醒已完成")
        await expect(rows(on_duty).nth(0).get_by_role("button", name="处理")).to_have_count(0)
        assert await on_duty.evaluate(PLACES) == places
        await on_duty.locator(".toolbar").hover()
        await expect(rows(on_duty)).to_contain_text(["陈志强"])

    async def test_the_keyboard_in_the_strip_holds_it_too(self, on_duty: Page, server: FakeMonitor) -> None:
        await self._two(on_duty, server)
        await on_duty.locator("#wall").focus()
        await on_duty.keyboard.press("Shift+Tab")
        await rows(on_duty).nth(1).get_by_role("button", name="处理").focus()
        await server.put(named(live("ses_c"), "赵国庆"), alerts=[alert("alt_3", "black")])
        await expect(rows(on_duty)).to_contain_text(["王建国", "陈志强", "赵国庆"])
        await on_duty.locator("#wall").focus()
        await expect(rows(on_duty).nth(0)).to_contain_text("赵国庆")

    async def test_a_double_click_takes_an_alert_and_finishes_none(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black")])
        act = rows(on_duty).locator(".small-button")
        await act.dblclick()
        await server.until(lambda: bool(server.orders))
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await expect(act).to_have_text("完成")
        assert [order["type"] for order in server.orders] == ["take_alert"]

    async def test_a_button_that_a_colleague_has_changed_waits_for_the_pointer_to_come_again(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black")])
        act = rows(on_duty).locator(".small-button")
        await act.hover()
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await expect(act).to_have_text("完成")
        await act.click()
        await on_duty.locator(".toolbar").hover()
        await act.click()
        await server.until(lambda: bool(server.orders))
        assert [order["type"] for order in server.orders] == ["finish_alert"]


class TestDrawer:
    async def test_it_lists_every_alert_and_lies_over_no_picture(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), taken(alert("alt_2", "black"))])
        await expect(await drawer(on_duty)).to_contain_text(["画面全黑", "长时间没有声音"])
        box = await on_duty.locator(".drawer").bounding_box()
        wall = await on_duty.locator(".wall").bounding_box()
        assert box and wall and box["x"] >= wall["x"] + wall["width"] - 1
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.locator(".drawer")).to_be_hidden()
        await expect(on_duty.get_by_role("button", name="全部 · 记录")).to_be_focused()

    async def test_alerts_are_shown_in_english_after_the_switch(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        row = await drawer(on_duty)
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(row).to_contain_text("The picture is black")
        await expect(row).to_contain_text("Taken by 马丽")

    async def test_the_record_tells_what_was_done_when_and_by_whom(self, on_duty: Page, server: FakeMonitor) -> None:
        black = taken(alert("alt_1", "black"))
        await server.put(live(), alerts=[black])
        done = {**taken(alert("alt_0", "silent", ago=60)), "state": "done", "done_by": MA, "done_at": black["at"]}
        server.done_alerts["ses_a"] = [done]
        await drawer(on_duty)
        await server.put(live(), muted=[{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": MA}])
        await server.put(live(), state="held", gate="shut", reason=because("room_lost", "会见室线路中断", "Room lost"))
        lines = on_duty.get_by_role("list", name="本班记录").get_by_role("listitem")
        await expect(lines.filter(has_text="处理提醒：画面全黑 · 马丽")).to_have_count(1)
        await expect(lines.filter(has_text="完成提醒：长时间没有声音 · 马丽")).to_have_count(1)
        await expect(lines.filter(has_text="静音：会见人一方 · 马丽")).to_have_count(1)
        await expect(lines.filter(has_text="已中止：会见室线路中断")).to_have_count(1)
        await expect(lines.first).to_contain_text("王建国 ⇄ 官渡区司法局")


class TestTakingAndFinishing:
    async def test_one_click_takes_an_alert_and_one_finishes_it(self, on_duty: Page, server: FakeMonitor) -> None:
        black = alert("alt_1", "black")
        await server.put(live(), alerts=[black])
        await rows(on_duty).get_by_role("button", name="处理：画面全黑 · 王建国 ⇄ 官渡区司法局 · 会见室 2").click()
        await server.until(lambda: bool(server.orders))
        order = {key: value for key, value in server.orders[-1].items() if key in ("type", "session", "alert")}
        assert order == {"type": "take_alert", "session": "ses_a", "alert": "alt_1"}
        await server.put(live(), alerts=[taken(black)])
        finish = rows(on_duty).get_by_role("button", name="完成：画面全黑 · 王建国 ⇄ 官渡区司法局 · 会见室 2")
        await expect(finish).to_be_focused()  # the keyboard stays where it was
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: len(server.orders) == 2)
        assert server.orders[-1]["type"] == "finish_alert"

    async def test_the_worst_visit_carries_the_key_for_its_worst_alert(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        carries = on_duty.locator('[aria-keyshortcuts="A"]')
        await expect(carries).to_have_attribute("aria-label", "处理：画面全黑 · 王建国 ⇄ 官渡区司法局 · 会见室 2")
        await on_duty.keyboard.press("a")
        await server.until(lambda: bool(server.orders))
        assert (server.orders[-1]["type"], server.orders[-1]["alert"]) == ("take_alert", "alt_2")
        await server.put(live(), alerts=[taken(alert("alt_2", "black"))])
        await expect(carries).to_have_attribute("aria-label", "完成：画面全黑 · 王建国 ⇄ 官渡区司法局 · 会见室 2")

    async def test_a_refused_order_is_shown(self, on_duty: Page, server: FakeMonitor) -> None:
        problem = {"type": "urn:huijian:problem:conflict", "title": "与现有状态冲突", "title_en": "Conflict"}
        detail = {"status": 409, "detail": "该提醒已有人处理。", "detail_en": "Taken.", "code": "conflict"}
        server.refuse["take_alert"] = problem | detail
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await rows(on_duty).get_by_role("button", name="处理").click()
        await expect(on_duty.get_by_text("该提醒已有人处理。")).to_be_visible()


class TestSound:
    async def test_grave_and_advisory_alerts_sound_differently_and_one_at_a_time(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _record_notes(on_duty)
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await on_duty.wait_for_function("() => window.notes.length === 2")
        await server.put(
            live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black"), alert("alt_3", "room_lost")]
        )
        await on_duty.wait_for_function("() => window.notes.length === 5")
        assert await _notes(on_duty) == ADVISORY + GRAVE

    async def test_a_grave_alert_sounds_again_until_it_is_taken(self, on_duty_alone: Page, server: FakeMonitor) -> None:
        await _record_notes(on_duty_alone)
        await on_duty_alone.clock.install()
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await on_duty_alone.wait_for_function("() => window.notes.length === 3")
        await on_duty_alone.wait_for_timeout(1000)  # the audio clock is real: the tone is over by then
        await on_duty_alone.clock.run_for(10_500)
        await on_duty_alone.wait_for_function("() => window.notes.length === 6")
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await expect(rows(on_duty_alone)).to_have_attribute("data-level", "taken")
        await on_duty_alone.wait_for_timeout(1000)
        await on_duty_alone.clock.run_for(30_000)
        assert len(await _notes(on_duty_alone)) == 6

    async def test_the_sound_can_be_switched_off(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        found = await drawer(on_duty)
        await on_duty.get_by_role("button", name="提醒音：开").click()
        await _record_notes(on_duty)
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(found).to_have_count(2)
        await on_duty.get_by_role("button", name="提醒音：关").focus()
        assert await _notes(on_duty) == []
        await on_duty.keyboard.press("Enter")
        await on_duty.wait_for_function("() => window.notes.length === 3")


class TestAnnouncements:
    async def test_new_and_finished_alerts_are_announced(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("长时间没有声音 · 王建国 ⇄ 官渡区司法局 · 会见室 2")
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("画面全黑 · 王建国")
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("提醒已完成：画面全黑 · 王建国")

    async def test_of_many_at_once_the_worst_are_read_out_and_the_rest_is_counted(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live(), alerts=[alert(f"alt_{number}", "black", ago=number) for number in range(16)])
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("另有 13 条")
