"""The attention check: the dialog that asks whether the officer still watches (Yunnan 26(3), Guangdong 27)."""

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import NOTES
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

BLIND = 650  # ms: the page takes no answer in the first 600


class TestAttentionCheck:
    async def _ask(self, page: Page, server: FakeMonitor, within: int = 30_000) -> None:
        await server.send("standing", sessions=[], prompt="att_1")
        await server.send("attention", id="att_1", answer_within_ms=within)
        await expect(page.get_by_role("alertdialog", name="您是否仍在监看？")).to_be_visible()

    async def test_one_key_answers_and_it_closes_when_the_server_has_the_answer(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        for count, key in enumerate(("Enter", "Space"), 1):
            await self._ask(on_duty, server)
            await expect(on_duty.get_by_role("button", name="我在岗")).to_be_focused()
            await expect(on_duty.locator("#announce-urgent")).to_contain_text("30 秒内")
            await on_duty.wait_for_timeout(BLIND)
            await on_duty.keyboard.press(key)
            await server.until(lambda count=count: len(server.orders) == count)
            assert (server.orders[-1]["type"], server.orders[-1]["prompt"]) == ("attentive", "att_1")
            await server.send("standing", sessions=[], prompt=None)
            await expect(on_duty.get_by_role("alertdialog")).to_have_count(0)

    async def test_a_key_in_the_first_moment_and_escape_are_no_answer(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.evaluate(
            """() => new MutationObserver((_, watch) => {
                const yes = document.querySelector("dialog.attention button");
                if (!yes) return;
                watch.disconnect();
                setTimeout(() => yes.click(), 50);  // 50 ms after it appeared it has not been read
            }).observe(document.body, { childList: true })"""
        )
        await self._ask(on_duty, server)
        await on_duty.keyboard.press("Escape")
        await on_duty.wait_for_timeout(300)
        await expect(on_duty.get_by_role("alertdialog")).to_be_visible()
        assert server.orders == []

    async def test_it_counts_down_and_stays_when_the_time_is_over(self, on_duty: Page, server: FakeMonitor) -> None:
        await self._ask(on_duty, server, within=2000)
        dialog = on_duty.get_by_role("alertdialog")
        await expect(dialog.locator(".attention-seconds")).to_have_text("1")
        await expect(dialog).to_contain_text("已超过时限：您目前不计入在岗人数")
        await expect(on_duty.locator("#announce-urgent")).to_contain_text("在岗确认已超时")
        await dialog.get_by_role("button").click()
        await server.until(lambda: server.orders)

    async def test_it_covers_another_dialog_which_keeps_its_state(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        await on_duty.get_by_role("radio", name="第十七条第（八）项").check()
        await self._ask(on_duty, server)
        await on_duty.wait_for_timeout(BLIND)
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: server.orders)
        assert [order["type"] for order in server.orders] == ["attentive"]
        await server.send("standing", sessions=[], prompt=None)
        await expect(on_duty.get_by_role("radio", name="第十七条第（八）项")).to_be_checked()
        await on_duty.get_by_role("button", name="确认终止").click()
        await server.until(lambda: server.orders[-1]["type"] == "end")

    async def test_it_closes_when_another_window_has_answered(self, on_duty: Page, server: FakeMonitor) -> None:
        await self._ask(on_duty, server)
        await server.send("standing", sessions=[], prompt=None)
        await expect(on_duty.get_by_role("alertdialog")).to_have_count(0)

    async def test_it_sounds_softly_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.evaluate(NOTES)
        await on_duty.locator("#wall").click()  # browsers play nothing before
        await on_duty.wait_for_timeout(200)
        await self._ask(on_duty, server)
        await server.send("attention", id="att_1", answer_within_ms=20_000)
        await on_duty.wait_for_timeout(200)
        assert await on_duty.evaluate("window.notes") == [660, 880]
