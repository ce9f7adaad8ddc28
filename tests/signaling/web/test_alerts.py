"""Alerts on the supervisors' page: shown by colour and shape, sounded, announced, taken and finished."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import NOTES
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

WORDS = {
    "black": ("画面全黑", "The picture is black", True),
    "room_lost": ("会见室连接中断", "The room has lost its connection", True),
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


async def _notes(page: Page) -> list[int]:
    return list(await page.evaluate("window.notes"))


async def _record_notes(page: Page) -> None:
    """Record the notes that the page plays, and click once: browsers play nothing before."""
    await page.evaluate(NOTES)
    await page.locator("#wall").click()


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem")


class TestList:
    async def test_without_alerts_the_list_is_hidden(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.locator(".tile").wait_for()
        await expect(rows(on_duty)).to_have_count(0)
        await expect(on_duty.locator(".alerts")).to_be_hidden()

    async def test_alerts_of_all_sessions_are_listed_the_gravest_first_then_the_newest(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live("ses_a"), alerts=[alert("alt_1", "silent", ago=5), alert("alt_2", "black", ago=90)])
        await server.put(live("ses_b"), alerts=[alert("alt_1", "room_lost", "prison", ago=3)])
        await expect(rows(on_duty)).to_contain_text(["会见室连接中断", "画面全黑", "长时间没有声音"])
        await expect(rows(on_duty).nth(0)).to_contain_text("三监区 1 号会见室")
        await expect(rows(on_duty).nth(1)).to_contain_text("会见室 2")
        await expect(rows(on_duty).nth(1)).to_contain_text("01:3")

    async def test_grave_and_advisory_alerts_differ_in_shape_too(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black"), alert("alt_2", "silent")])
        await expect(rows(on_duty).nth(0).locator(".icon-warn")).to_have_count(1)
        await expect(rows(on_duty).nth(1).locator(".icon-muted")).to_have_count(1)

    async def test_alerts_are_shown_in_english_after_the_switch(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await on_duty.get_by_role("button", name="Switch to English").click()
        row = on_duty.get_by_role("region", name="Alerts", exact=True).get_by_role("listitem")
        await expect(row).to_contain_text("The picture is black")
        await expect(row).to_contain_text("Taken by 马丽")

    async def test_the_tile_of_a_session_with_alerts_is_marked(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        chip = on_duty.locator(".tile .alert-chip")
        await expect(chip).to_have_text("画面全黑 +1")
        await server.put(live(), alerts=[])
        await expect(chip).to_be_hidden()


class TestTakingAndFinishing:
    async def test_one_click_takes_an_alert_and_one_finishes_it(self, on_duty: Page, server: FakeMonitor) -> None:
        black = alert("alt_1", "black")
        await server.put(live(), alerts=[black])
        await rows(on_duty).get_by_role("button", name="处理：画面全黑 · 会见室 2").click()
        await server.until(lambda: bool(server.orders))
        order = {key: value for key, value in server.orders[-1].items() if key != "id"}
        assert order == {"type": "take_alert", "session": "ses_a", "alert": "alt_1"}
        await server.put(live(), alerts=[taken(black)])
        await expect(rows(on_duty)).to_contain_text("马丽 处理中")
        await expect(rows(on_duty).get_by_role("button", name="处理")).to_have_count(0)
        finish = rows(on_duty).get_by_role("button", name="完成：画面全黑 · 会见室 2")
        await expect(finish).to_be_focused()  # the keyboard stays where it was
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: len(server.orders) == 2)
        assert server.orders[-1]["type"] == "finish_alert"

    async def test_the_topmost_alert_carries_the_key(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        carries = on_duty.locator('[aria-keyshortcuts="A"]')
        await expect(carries).to_have_attribute("aria-label", "处理：画面全黑 · 会见室 2")
        await server.put(live(), alerts=[taken(alert("alt_2", "black"))])
        await expect(carries).to_have_attribute("aria-label", "完成：画面全黑 · 会见室 2")

    async def test_the_key_takes_the_topmost_alert(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(on_duty.locator('[aria-keyshortcuts="A"]')).to_be_visible()
        await on_duty.keyboard.press("a")
        await server.until(lambda: bool(server.orders))
        assert (server.orders[-1]["type"], server.orders[-1]["alert"]) == ("take_alert", "alt_2")

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
        await expect(rows(on_duty_alone)).to_contain_text("处理中")
        await on_duty_alone.wait_for_timeout(1000)
        await on_duty_alone.clock.run_for(30_000)
        assert len(await _notes(on_duty_alone)) == 6

    async def test_the_sound_can_be_switched_off(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await on_duty.get_by_role("button", name="提醒音：开").click()
        await _record_notes(on_duty)
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(rows(on_duty)).to_have_count(2)
        await on_duty.get_by_role("button", name="提醒音：关").focus()
        assert await _notes(on_duty) == []
        await on_duty.keyboard.press("Enter")
        await on_duty.wait_for_function("() => window.notes.length === 3")


class TestAnnouncements:
    async def test_new_and_finished_alerts_are_announced(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("长时间没有声音 · 会见室 2")
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("画面全黑 · 会见室 2")
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("提醒已完成：画面全黑 · 会见室 2")
