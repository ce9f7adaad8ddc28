"""Alerts on the supervisors' page: seen by colour and shape, heard, spoken, taken and finished."""

from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Page, expect

from tests.signaling.web.test_presence import NOTES
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
    """An open alert that came so many seconds ago."""
    zh, en, grave = WORDS[kind]
    at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
    told = {"id": id, "kind": kind, "side": side, "state": "new", "grave": grave, "zh": zh, "en": en, "at": at}
    return {**told, "taken_by": None, "taken_at": None, "done_by": None, "done_at": None, "why": None, **more}


def taken(one: dict[str, Any]) -> dict[str, Any]:
    """The same, seen to by a colleague."""
    return {**one, "state": "taken", "taken_by": MA, "taken_at": one["at"]}


async def _heard(page: Page) -> list[int]:
    return list(await page.evaluate("window.notes"))


async def _listens(page: Page) -> None:
    """Browsers play nothing before the first click."""
    await page.evaluate(NOTES)
    await page.locator("#wall").click()


def rows(page: Page) -> Any:
    return page.get_by_role("region", name="提醒", exact=True).get_by_role("listitem")


class TestTheList:
    async def test_is_not_there_while_nothing_calls(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.locator(".tile").wait_for()
        await expect(rows(on_duty)).to_have_count(0)
        await expect(on_duty.locator(".alerts")).to_be_hidden()

    async def test_holds_all_of_my_sessions_the_gravest_first_then_the_newest(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live("ses_a"), alerts=[alert("alt_1", "silent", ago=5), alert("alt_2", "black", ago=90)])
        await server.put(live("ses_b"), alerts=[alert("alt_1", "room_lost", "prison", ago=3)])
        await expect(rows(on_duty)).to_contain_text(["会见室连接中断", "画面全黑", "长时间没有声音"])
        await expect(rows(on_duty).nth(0)).to_contain_text("三监区 1 号会见室")
        await expect(rows(on_duty).nth(1)).to_contain_text("会见室 2")
        await expect(rows(on_duty).nth(1)).to_contain_text("01:3")

    async def test_tells_grave_from_advisory_by_shape_too(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "black"), alert("alt_2", "silent")])
        await expect(rows(on_duty).nth(0).locator(".icon-warn")).to_have_count(1)
        await expect(rows(on_duty).nth(1).locator(".icon-muted")).to_have_count(1)

    async def test_shows_english_by_the_switch(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await on_duty.get_by_role("button", name="Switch to English").click()
        row = on_duty.get_by_role("region", name="Alerts", exact=True).get_by_role("listitem")
        await expect(row).to_contain_text("The picture is black")
        await expect(row).to_contain_text("马丽 sees to it")

    async def test_the_tile_of_its_session_is_marked(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        chip = on_duty.locator(".tile .alert-chip")
        await expect(chip).to_have_text("画面全黑 +1")
        await server.put(live(), alerts=[])
        await expect(chip).to_be_hidden()


class TestSeeingToIt:
    async def test_one_click_takes_it_and_one_finishes_it(self, on_duty: Page, server: FakeMonitor) -> None:
        one = alert("alt_1", "black")
        await server.put(live(), alerts=[one])
        await rows(on_duty).get_by_role("button", name="处理：画面全黑 · 会见室 2").click()
        await server.until(lambda: bool(server.orders))
        told = {key: value for key, value in server.orders[-1].items() if key != "id"}
        assert told == {"type": "take_alert", "session": "ses_a", "alert": "alt_1"}
        await server.put(live(), alerts=[taken(one)])
        await expect(rows(on_duty)).to_contain_text("马丽 处理中")
        await expect(rows(on_duty).get_by_role("button", name="处理")).to_have_count(0)
        finish = rows(on_duty).get_by_role("button", name="完成：画面全黑 · 会见室 2")
        await expect(finish).to_be_focused()  # the keyboard stays where it was
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: len(server.orders) == 2)
        assert server.orders[-1]["type"] == "finish_alert"

    async def test_the_topmost_carries_the_key(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        carries = on_duty.locator('[aria-keyshortcuts="A"]')
        await expect(carries).to_have_attribute("aria-label", "处理：画面全黑 · 会见室 2")
        await server.put(live(), alerts=[taken(alert("alt_2", "black"))])
        await expect(carries).to_have_attribute("aria-label", "完成：画面全黑 · 会见室 2")

    async def test_the_key_takes_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(on_duty.locator('[aria-keyshortcuts="A"]')).to_be_visible()
        await on_duty.keyboard.press("a")
        await server.until(lambda: bool(server.orders))
        assert (server.orders[-1]["type"], server.orders[-1]["alert"]) == ("take_alert", "alt_2")

    async def test_a_refusal_is_shown(self, on_duty: Page, server: FakeMonitor) -> None:
        problem = {"type": "urn:huijian:problem:conflict", "title": "与现有状态冲突", "title_en": "Conflict"}
        detail = {"status": 409, "detail": "该提醒已有人处理。", "detail_en": "Taken.", "code": "conflict"}
        server.refuse["take_alert"] = problem | detail
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await rows(on_duty).get_by_role("button", name="处理").click()
        await expect(on_duty.get_by_text("该提醒已有人处理。")).to_be_visible()


class TestSound:
    async def test_a_grave_one_and_an_advisory_one_sound_differently_and_one_at_a_time(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _listens(on_duty)
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await on_duty.wait_for_function("() => window.notes.length === 2")
        await server.put(
            live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black"), alert("alt_3", "room_lost")]
        )
        await on_duty.wait_for_function("() => window.notes.length === 5")
        assert await _heard(on_duty) == ADVISORY + GRAVE

    async def test_a_grave_one_sounds_again_until_it_is_taken(self, on_duty: Page, server: FakeMonitor) -> None:
        await _listens(on_duty)
        await on_duty.clock.install()
        await server.put(live(), alerts=[alert("alt_1", "black")])
        await on_duty.wait_for_function("() => window.notes.length === 3")
        await on_duty.wait_for_timeout(1000)  # the audio clock is real: the tone is over by then
        await on_duty.clock.run_for(10_500)
        await on_duty.wait_for_function("() => window.notes.length === 6")
        await server.put(live(), alerts=[taken(alert("alt_1", "black"))])
        await expect(rows(on_duty)).to_contain_text("处理中")
        await on_duty.wait_for_timeout(1000)
        await on_duty.clock.run_for(30_000)
        assert len(await _heard(on_duty)) == 6

    async def test_it_can_be_switched_off(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await on_duty.get_by_role("button", name="提醒音：开").click()
        await _listens(on_duty)
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(rows(on_duty)).to_have_count(2)
        await on_duty.get_by_role("button", name="提醒音：关").focus()
        assert await _heard(on_duty) == []
        await on_duty.keyboard.press("Enter")
        await on_duty.wait_for_function("() => window.notes.length === 3")


class TestSpeech:
    async def test_what_comes_and_goes_is_said(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("长时间没有声音 · 会见室 2")
        await server.put(live(), alerts=[alert("alt_1", "silent"), alert("alt_2", "black")])
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("画面全黑 · 会见室 2")
        await server.put(live(), alerts=[alert("alt_1", "silent")])
        await expect(on_duty.locator("#announce")).to_contain_text("提醒已完成：画面全黑 · 会见室 2")
