"""Warning, muting, noting and stopping from the supervisors' page, as a person would."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import FloatRect, Locator, Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live, session

BOTH = ["prison", "visitor"]
LI = {"id": "li-ming", "name": "李明"}
NOW = "2026-03-02T01:40:00Z"
# what ends right of the desk, or is too narrow for its own words
STICKS_OUT = """(desk) => {
    const edge = desk.getBoundingClientRect().right;
    const seen = [...desk.querySelectorAll("*")].filter((one) => one.checkVisibility() && !one.matches(".unseen"));
    const out = seen.filter((one) => one.getBoundingClientRect().right > edge + 0.5);
    const tight = seen.filter((one) => one.matches("button") && one.scrollWidth > one.clientWidth);
    return [...out, ...tight].map((one) => `${one.tagName}.${one.className} ${one.textContent.slice(0, 30)}`);
}"""


async def _ordered(server: FakeMonitor, count: int = 1) -> dict[str, Any]:
    await server.until(lambda: len(server.orders) >= count)
    return {key: value for key, value in server.orders[-1].items() if key != "id"}


async def _box(one: Locator) -> FloatRect:
    found = await one.bounding_box()
    assert found is not None
    return found


def _meet(one: FloatRect, other: FloatRect) -> bool:
    """Whether two rectangles have a place in common."""
    across = one["x"] < other["x"] + other["width"] and other["x"] < one["x"] + one["width"]
    return across and one["y"] < other["y"] + other["height"] and other["y"] < one["y"] + one["height"]


def _warning(*acknowledged: str) -> dict[str, Any]:
    """Given to both rooms."""
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
        await dialog.get_by_role("radio", name="家属一方").check()
        await dialog.get_by_role("radio", name="YN-16-2").check()
        await dialog.get_by_role("button", name="发出劝阻").click()
        told = {"type": "warn", "session": "ses_a", "sides": ["visitor"], "article": "YN-16-2", "text_id": "dont-4"}
        assert await _ordered(server) == told
        await expect(on_duty.get_by_text("劝阻已发出")).to_be_visible()

    async def test_own_words_need_a_code_that_lets_a_warning_close_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        own = dialog.get_by_label("自拟内容，最多 120 字", exact=True)
        await expect(own).to_be_hidden()
        await dialog.get_by_role("radio", name="自拟").check()
        await expect(own).to_be_focused()
        codes = await dialog.get_by_label("选择条款").locator("option").evaluate_all("all => all.map(o => o.value)")
        assert codes == ["YN-16-2", "YN-16-6", "YN-18"]  # the stand-in calls its last ground one that may warn
        await own.fill("   ")
        await dialog.get_by_role("button", name="发出劝阻").click()
        await expect(dialog).to_be_visible()
        await own.fill("请一个一个说话 ")
        await dialog.get_by_label("选择条款").select_option("YN-16-6")
        await dialog.get_by_role("button", name="发出劝阻").click()
        told = {"type": "warn", "session": "ses_a", "sides": BOTH, "article": "YN-16-6", "text": "请一个一个说话"}
        assert await _ordered(server) == told

    async def test_the_words_that_it_was_given_hide_neither_alarm_nor_visit(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="劝阻").click()
        await on_duty.get_by_role("radio", name="YN-16-2").check()
        await on_duty.get_by_role("button", name="发出劝阻").click()
        await expect(on_duty.get_by_text("劝阻已发出")).to_be_visible()
        lost = {"code": "quorum_lost", "zh": "监督人员不足", "en": "Too few supervisors", "article": None}
        await server.put(live(), state="held", gate="shut", reason=lost)
        await expect(on_duty.locator(".alarm")).to_be_visible()
        told = await _box(on_duty.locator(".toast"))
        for other in (".alarm", ".wall", ".details"):
            assert not _meet(told, await _box(on_duty.locator(other))), other

    async def test_the_desk_shows_who_has_confirmed_and_says_so(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), warnings=[_warning()])
        given = on_duty.get_by_role("region", name="已作劝阻")
        await expect(given).to_contain_text("不准大声喧哗、吵闹。")
        await expect(given).to_contain_text("家属 待确认")
        await server.put(live(), warnings=[_warning("visitor")])
        await expect(given).to_contain_text("家属 已确认")
        await expect(given).to_contain_text("监所 待确认")
        await expect(on_duty.locator("#announce")).to_contain_text("家属一方 已确认")


class TestMuting:
    async def test_it_needs_a_code_and_its_own_site_lifts_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="静音家属").click()
        dialog = on_duty.get_by_role("dialog", name="静音")
        assert await dialog.get_by_role("radio").count() == 3, "no code that demands the end"
        await dialog.get_by_role("radio", name="YN-16-2").check()
        await dialog.get_by_role("button", name="确认静音").click()
        told = {"type": "mute", "session": "ses_a", "side": "visitor", "on": True, "article": "YN-16-2"}
        assert await _ordered(server) == told
        await server.put(live(), muted=[{"side": "visitor", "article": "YN-16-2", "site": "yunnan-1", "by": LI}])
        pressed = on_duty.get_by_role("button", name="解除家属静音")
        await expect(pressed).to_have_attribute("aria-pressed", "true")
        await pressed.click()
        await on_duty.get_by_role("button", name="确认解除").click()
        assert await _ordered(server, 2) == {"type": "mute", "session": "ses_a", "side": "visitor", "on": False}

    async def test_what_the_other_site_muted_cannot_be_lifted_here(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), muted=[{"side": "prison", "article": "YN-16-2", "site": "guandu", "by": LI}])
        await expect(on_duty.get_by_role("button", name="解除监所静音")).to_be_disabled()


class TestStopping:
    async def test_one_click_on_a_ground_and_one_to_confirm(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").click()
        dialog = on_duty.get_by_role("dialog", name="停止会见")
        codes = dialog.get_by_role("group").get_by_role("button")
        assert [text[:7] for text in await codes.all_inner_texts()] == ["YN-17-6", "YN-17-8"]
        await codes.nth(1).click()
        assert server.orders == []
        await expect(dialog.get_by_role("button", name="确认停止")).to_be_focused()
        await on_duty.keyboard.press("Enter")
        assert await _ordered(server) == {"type": "end", "session": "ses_a", "article": "YN-17-8"}
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_a_long_ground_is_read_whole_where_the_list_is_short_of_room(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.set_viewport_size({"width": 1366, "height": 320})
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        await on_duty.keyboard.press("F9")
        codes = on_duty.get_by_role("dialog", name="停止会见").get_by_role("group").get_by_role("button")
        await codes.first.wait_for()
        for title in await codes.locator(".code-title").all():
            await title.evaluate("node => { node.textContent = '谈论不利于改造的内容'.repeat(20); }")
        rows = await codes.evaluate_all(
            "all => all.map((one) => [one, one.lastChild].map((part) => part.getBoundingClientRect().bottom))"
        )
        assert rows and all(words <= row for row, words in rows)

    async def test_by_keyboard_alone(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="停止会见")).to_be_visible()
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("button", name="YN-17-6")).to_be_focused()
        await on_duty.keyboard.press("ArrowDown")
        await on_duty.keyboard.press("Enter")
        await expect(on_duty.get_by_role("button", name="确认停止")).to_be_focused()
        await on_duty.get_by_role("button", name="返回").click()
        await expect(on_duty.get_by_role("button", name="YN-17-6")).to_be_focused()
        await on_duty.keyboard.press("Enter")
        await on_duty.keyboard.press("Enter")
        assert await _ordered(server) == {"type": "end", "session": "ses_a", "article": "YN-17-6"}

    async def test_escape_stops_nothing_and_a_visit_that_is_not_on_has_no_stop(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="停止会见")).to_be_visible()
        await on_duty.keyboard.press("F9")
        await on_duty.get_by_role("button", name="YN-17-8").click()
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await server.put(session("ses_a", state="ended"))
        await expect(on_duty.get_by_role("button", name="停止会见")).to_be_hidden()
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []


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
        await on_duty.get_by_role("navigation").get_by_role("button").nth(1).click()
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


async def test_screens(on_duty: Page, server: FakeMonitor, tmp_path: Path) -> None:
    """Nothing sticks out on the smallest screen, in either language."""
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
        desk = on_duty.locator(".details")
        assert await desk.evaluate(STICKS_OUT) == []
        acts = on_duty.locator(".interventions")
        await on_duty.screenshot(path=tmp_path / f"desk-{language}.png")
        for button in await acts.get_by_role("button").all():
            await expect(button).to_be_in_viewport(ratio=1)
        await on_duty.locator(".language").click()
