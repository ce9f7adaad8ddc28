"""What the page says of itself so that its officer counts, the question whether they watch, and the alarms."""

import time
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import QUORUM, because, checking_in, live

BOTH = [{"session": "ses_a", "side": "prison"}, {"session": "ses_a", "side": "visitor"}]
# headless Chromium calls every tab visible: the test says what a window manager would
HIDE = """(state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
# every note that the page plays, by its frequency
NOTES = """(() => {
    window.notes = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
        window.notes.push(this.frequency.value);
        return start.call(this, at);
    };
})()"""
HIDDEN_WORDS = {"code": "hidden", "zh": "监督页面不在前台", "en": "The page is not in front"}


def says(server: FakeMonitor, **what: Any) -> bool:
    """Whether the page's last word says this."""
    return bool(server.presence) and what.items() <= server.presence[-1].items()


async def _watching(server: FakeMonitor) -> None:
    """A visit whose pictures move on the page."""
    await server.put(live())
    await server.until(lambda: says(server, showing=BOTH))


class TestPresence:
    async def test_says_what_moves_and_for_what_its_officer_counts(self, on_duty: Page, server: FakeMonitor) -> None:
        assert says(server, visible=True, showing=[], duty=[])
        async with on_duty.expect_request("**/whep/ses_a/visitor?page=*") as asked:
            await _watching(server)
        assert says(server, visible=True, duty=["ses_a"])
        assert (await asked.value).url.endswith(f"?page={server.presence[-1]['page']}")
        before, began = len(server.presence), time.monotonic()
        await server.until(lambda: len(server.presence) >= before + 3)
        assert 1.5 < time.monotonic() - began < 6  # each second, also where nothing is new

    async def test_a_window_has_a_name_of_its_own(self, on_duty: Page, server: FakeMonitor) -> None:
        first = server.presence[-1]["page"]
        await on_duty.reload()
        await server.until(lambda: server.presence[-1]["page"] != first)

    async def test_a_hidden_page_says_so_at_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        began = time.monotonic()
        await on_duty.evaluate(HIDE, "hidden")
        await server.until(lambda: says(server, visible=False))
        assert time.monotonic() - began < 1
        await on_duty.evaluate(HIDE, "visible")
        await server.until(lambda: says(server, visible=True))

    async def test_a_page_that_is_being_frozen_says_so_before(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.evaluate("() => document.dispatchEvent(new Event('freeze'))")
        await server.until(lambda: says(server, visible=False))
        await on_duty.evaluate("() => document.dispatchEvent(new Event('resume'))")
        await server.until(lambda: says(server, visible=True))

    @pytest.mark.parametrize(
        "stop",
        ["(video) => video.pause()", "(video) => { video.closest('.picture').style.display = 'none'; }"],
        ids=["paused", "not_laid_out"],
    )
    async def test_a_picture_that_is_not_shown_is_not_named(
        self, on_duty: Page, server: FakeMonitor, stop: str
    ) -> None:
        await _watching(server)
        await on_duty.locator("video").nth(1).evaluate(stop)
        await server.until(lambda: says(server, showing=BOTH[:1]), patience=3)
        assert says(server, visible=True)

    async def test_a_picture_that_stands_still_is_not_named_after_two_seconds(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await _watching(server)
        server.mute("ses_a/visitor")
        await server.until(lambda: says(server, showing=BOTH[:1]), patience=5)

    async def test_leaving_says_a_last_word(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        await on_duty.get_by_role("button", name="退出登录").click()
        await server.until(lambda: says(server, visible=False, showing=[], duty=[]))

    async def test_a_new_socket_is_told_at_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await _watching(server)
        server.presence.clear()
        await server.drop_sockets()
        await server.until(lambda: says(server, showing=BOTH), patience=3)


class TestTheQuestion:
    async def _asked(self, page: Page, server: FakeMonitor, within: int = 30_000) -> None:
        await server.send("standing", sessions=[], prompt="att_1")
        await server.send("attention", id="att_1", answer_within_ms=within)
        await expect(page.get_by_role("alertdialog", name="您是否仍在监看？")).to_be_visible()

    @pytest.mark.parametrize("key", ["Enter", "Space"])
    async def test_is_answered_with_one_key_and_closes_when_the_server_says_so(
        self, on_duty: Page, server: FakeMonitor, key: str
    ) -> None:
        await self._asked(on_duty, server)
        await expect(on_duty.get_by_role("button", name="我在岗")).to_be_focused()
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("30 秒内")
        await on_duty.wait_for_timeout(700)
        await on_duty.keyboard.press(key)
        await server.until(lambda: server.orders)
        assert (server.orders[-1]["type"], server.orders[-1]["prompt"]) == ("attentive", "att_1")
        await server.send("standing", sessions=[], prompt=None)
        await expect(on_duty.get_by_role("alertdialog")).to_have_count(0)

    async def test_keys_that_were_meant_for_something_else_are_no_answer(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.evaluate(
            """() => new MutationObserver((_, watch) => {
                const yes = document.querySelector("dialog.attention button");
                if (!yes) return;
                watch.disconnect();
                setTimeout(() => yes.click(), 50);  // 50 ms after it came nobody has read it
            }).observe(document.body, { childList: true })"""
        )
        await self._asked(on_duty, server)
        await on_duty.keyboard.press("Escape")
        await on_duty.wait_for_timeout(300)
        await expect(on_duty.get_by_role("alertdialog")).to_be_visible()
        assert server.orders == []

    async def test_counts_down_and_stays_when_the_time_is_over(self, on_duty: Page, server: FakeMonitor) -> None:
        await self._asked(on_duty, server, within=2000)
        dialog = on_duty.get_by_role("alertdialog")
        await expect(dialog.locator(".attention-seconds")).to_have_text("1")
        await expect(dialog).to_contain_text("已超过时限：您目前不计入在岗人数")
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("在岗确认已超时")
        await dialog.get_by_role("button").click()
        await server.until(lambda: server.orders)

    async def test_stands_before_another_dialog_and_gives_it_back(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        await on_duty.get_by_role("radio", name="YN-17-8").check()
        await self._asked(on_duty, server)
        await on_duty.wait_for_timeout(700)
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: server.orders)
        assert [order["type"] for order in server.orders] == ["attentive"]
        await server.send("standing", sessions=[], prompt=None)
        await expect(on_duty.get_by_role("radio", name="YN-17-8")).to_be_checked()
        await on_duty.get_by_role("button", name="确认终止").click()
        await server.until(lambda: server.orders[-1]["type"] == "end")

    async def test_that_another_window_has_answered_goes(self, on_duty: Page, server: FakeMonitor) -> None:
        await self._asked(on_duty, server)
        await server.send("standing", sessions=[], prompt=None)
        await expect(on_duty.get_by_role("alertdialog")).to_have_count(0)

    async def test_sounds_softly_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.evaluate(NOTES)
        await on_duty.locator("#wall").click()  # browsers play nothing before
        await on_duty.wait_for_timeout(200)
        await self._asked(on_duty, server)
        await server.send("attention", id="att_1", answer_within_ms=20_000)
        await on_duty.wait_for_timeout(200)
        assert await on_duty.evaluate("window.notes") == [660, 880]


class TestStanding:
    async def test_where_one_counts_and_why_not_is_always_in_sight(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        chip = on_duty.locator("#presence-status")
        await expect(chip).to_be_hidden()
        yes = {"session": "ses_a", "counted": True, "why": []}
        await server.send("standing", sessions=[yes], prompt=None)
        await expect(chip).to_have_text("已计入 1 场监督")
        await server.send("standing", sessions=[{**yes, "counted": False, "why": [HIDDEN_WORDS]}], prompt=None)
        await expect(chip).to_have_text("未计入监督：监督页面不在前台")
        await expect(chip).to_have_attribute("data-level", "bad")
        await expect(chip).to_have_attribute("title", "三监区 1 号会见室 ⇄ 会见室 2：监督页面不在前台")
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(chip).to_have_text("You do not count: The page is not in front")


class TestAlarm:
    async def test_a_quorum_about_to_fail_and_one_that_failed_are_seen(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        alarm = on_duty.locator(".alarm")
        await expect(alarm).to_be_hidden()
        risk = {**QUORUM, "visitor": {**QUORUM["visitor"], "at_risk": True}}
        await server.put(live(), quorum=risk)
        await expect(alarm).to_contain_text("监督人数即将不足：三监区 1 号会见室 ⇄ 会见室 2")
        reason = because("quorum_lost", "监督人员不足，会见中止", "Too few supervisors are watching")
        await server.put(live(), state="held", gate="shut", reason=reason)
        await expect(alarm).to_contain_text("监督人员不足，会见已中止：三监区 1 号会见室 ⇄ 会见室 2")
        await server.put(live())
        await expect(alarm).to_be_hidden()

    async def test_nobody_is_alarmed_before_the_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        risk = {which: {**one, "at_risk": True} for which, one in QUORUM.items()}
        await server.put(checking_in(quorum=risk))
        await on_duty.locator(".tile").wait_for()
        await expect(on_duty.locator(".alarm")).to_be_hidden()
