"""The page as a whole: it reconnects by itself, has two languages, and needs no mouse."""

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

BOTH = ["ses_a/prison", "ses_a/visitor"]


class TestReconnecting:
    async def test_a_dropped_socket_comes_back_with_what_changed(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await server.until(lambda: server.watched == BOTH)
        await server.drop_sockets()
        server.sessions["ses_a"]["recording"] = {"state": "lost", "seconds": 3.0, "path": None, "sha256": None}
        await expect(on_duty.locator(".recording").first).to_have_text("录制中断")
        assert server.watched == BOTH  # the pictures went on meanwhile
        assert server.posts == 2

    async def test_without_a_socket_the_page_warns_that_states_may_be_old(
        self, on_duty: Page, server: FakeMonitor, complaints: Complaints
    ) -> None:
        await server.put(live())
        server.closed = True
        await server.drop_sockets()
        await expect(on_duty.get_by_text("可能已经变化")).to_be_visible()
        server.closed = False
        await expect(on_duty.locator("#link")).to_have_text("已连接")
        await expect(on_duty.get_by_text("可能已经变化")).to_be_hidden()
        complaints.errors.clear()  # the browser's own messages about the refused sockets

    async def test_a_reload_watches_again(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await server.until(lambda: server.watched == BOTH)
        await on_duty.reload()
        await server.until(lambda: server.posts == 4 and server.watched == BOTH)


class TestLanguages:
    async def test_one_click_translates_every_word_and_a_reload_keeps_it(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(on_duty.locator(".tile .badge")).to_have_text("Live")
        await expect(on_duty.get_by_role("button", name="End visit")).to_be_visible()
        await on_duty.reload()
        await expect(on_duty.locator("#link")).to_have_text("Connected")
        assert await on_duty.evaluate("document.documentElement.lang") == "en"
        left = "() => document.body.innerText.replace(/三监区 1 号会见室|会见室 2|王建国|王秀兰|张丽|中文/g, '')"
        names = {"云南第一监狱", "官渡区司法局", "李明", "赵强", "刘芳", "陈静", "母亲", "配偶"}
        text = await on_duty.evaluate(left)
        for name in names:
            text = text.replace(name, "")
        assert [c for c in text if "\u4e00" <= c <= "\u9fff"] == []

    async def test_switching_keeps_the_pictures_running(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        playing = "() => [...document.querySelectorAll('video')].filter((v) => v.readyState >= 2 && !v.paused).length"
        await on_duty.wait_for_function(f"() => ({playing})() === 2")
        await on_duty.get_by_role("button", name="Switch to English").click()
        assert await on_duty.evaluate(playing) == 2
        assert server.posts == 2

    async def test_both_languages_have_the_same_keys_and_placeholders(self, scripts: Page) -> None:
        catalogs = await scripts.evaluate("async () => (await import('/web/i18n/i18n.js')).CATALOGS")
        assert catalogs["zh"].keys() == catalogs["en"].keys()
        blanks = """(catalog) => Object.fromEntries(Object.entries(catalog).map(
            ([key, words]) => [key, [...new Set(words.match(/(?<={)\\w+/g))].sort()]))"""
        assert await scripts.evaluate(blanks, catalogs["zh"]) == await scripts.evaluate(blanks, catalogs["en"])
        assert all(catalogs["zh"].values()) and all(catalogs["en"].values())


class TestKeyboard:
    async def test_signing_in_choosing_listening_and_ending_need_no_mouse(
        self, page: Page, server: FakeMonitor
    ) -> None:
        await page.keyboard.type("li-ming")
        await page.keyboard.press("Tab")
        await page.keyboard.type("right")
        await page.keyboard.press("Enter")
        await expect(page.locator("#link")).to_have_text("已连接")
        await server.put(live())
        await page.locator(".tile").wait_for()
        await self._tab_to(page, "收听双方")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("未收听声音")).to_be_hidden()
        await self._tab_to(page, "终止会见")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await server.until(lambda: server.orders)
        assert server.orders[-1]["type"] == "end"
        assert server.orders[-1]["article"] == "YN-17-6"  # the first arrow key chooses the first ground

    async def _tab_to(self, page: Page, words: str) -> None:
        for _ in range(40):
            await page.keyboard.press("Tab")
            text = await page.evaluate("document.activeElement.innerText?.trim()")
            if (text or "").startswith(words):
                return
        raise AssertionError(f"no way to {words} by keyboard")

    async def test_the_focus_is_always_visible(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.locator(".tile").wait_for()
        seen = []
        style = "() => [document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
        for _ in range(12):
            await on_duty.keyboard.press("Tab")
            seen.append(tuple(await on_duty.evaluate(style)))
        reached = [style for style in seen if style[0] != "BODY"]  # the way leads once through the browser's own bar
        assert len(reached) >= 8
        assert {outline for _, outline in reached} == {"solid"}

    async def test_every_button_and_field_has_a_name(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.locator(".tile").wait_for()
        for role in ("button", "checkbox", "radio", "textbox"):
            for control in await on_duty.get_by_role(role).all():
                snapshot = await control.aria_snapshot()
                assert '"' in snapshot, f"a {role} without a name"
