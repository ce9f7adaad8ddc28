"""Keys of the supervisors' page: each does what its button does, and the help names all of them."""

from playwright.async_api import Page, expect

from tests.signaling.web.test_wall import layout, put_checking_in
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

DIALOGS = [
    ("w", "劝阻"),
    ("m", "静音"),
    ("Shift+M", "静音"),
    ("h", "中止会见"),
    ("F9", "终止会见"),
]


class TestKeys:
    async def _chosen(self, page: Page, number: int) -> None:
        await expect(page.locator(".tile").nth(number)).to_have_attribute("data-chosen", "true")

    async def test_arrows_and_digits_choose_by_the_place_on_the_screen(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await layout(on_duty, 4)
        await on_duty.locator("#wall").focus()
        await put_checking_in(server, "ses_a", "ses_b", "ses_c", "ses_d")
        await expect(on_duty.locator(".tile")).to_have_count(4)
        for key, number in (
            ("ArrowRight", 1),
            ("ArrowDown", 3),
            ("ArrowLeft", 2),
            ("ArrowLeft", 2),
            ("2", 1),
            ("9", 1),
        ):
            await on_duty.keyboard.press(key)
            await self._chosen(on_duty, number)
        await expect(on_duty.locator(".tile").nth(1)).to_be_focused()

    async def test_letters_change_sound_zoom_layout_and_duty(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.locator(".tile")).to_have_count(1)
        await on_duty.keyboard.press("s")
        await expect(on_duty.get_by_role("button", name="收听双方")).to_have_attribute("aria-pressed", "true")
        await on_duty.keyboard.press("S")
        await expect(on_duty.get_by_role("button", name="收听双方")).to_have_attribute("aria-pressed", "false")
        for key, side in (("Enter", ""), ("p", "prison"), ("v", "visitor")):
            await on_duty.keyboard.press(key)
            await expect(on_duty.locator('.tile[data-zoomed="true"]')).to_have_attribute("data-side", side)
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.locator('.tile[data-zoomed="true"]')).to_have_count(0)
        await on_duty.keyboard.press("l")
        await expect(on_duty.get_by_role("radio", name="4", exact=True)).to_be_checked()
        await on_duty.keyboard.press("d")
        await expect(on_duty.get_by_role("dialog", name="不再值守这一场")).to_be_visible()

    async def test_a_key_opens_the_dialog_of_its_button(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        for key, name in DIALOGS:
            await on_duty.keyboard.press(key)
            await expect(on_duty.get_by_role("dialog", name=name)).to_be_visible()
            await on_duty.keyboard.press("Escape")
            await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_a_key_without_an_enabled_button_does_nothing(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a")
        await expect(on_duty.locator(".tile")).to_have_count(1)
        for key in ("h", "r", "t"):  # neither live nor held
            await on_duty.keyboard.press(key)
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []

    async def test_a_held_key_sends_talkback_as_long_as_it_is_held(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="对双方")).to_be_enabled()
        await on_duty.keyboard.down("t")
        await expect(on_duty.locator(".on-air")).to_contain_text("正在插话")
        await on_duty.wait_for_timeout(450)  # longer than a short press
        await on_duty.keyboard.up("t")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        assert server.orders[0]["sides"] == ["prison", "visitor"]

    async def test_keys_do_nothing_while_the_officer_types_or_a_dialog_is_open(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        await on_duty.keyboard.press("n")
        await expect(on_duty.get_by_label("记录内容")).to_be_focused()
        await on_duty.keyboard.type("whde?1")
        await expect(on_duty.get_by_label("记录内容")).to_have_value("whde?1")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await on_duty.keyboard.press("F9")  # the stop alone
        await expect(on_duty.get_by_role("dialog", name="终止会见")).to_be_visible()
        await on_duty.keyboard.press("h")
        await expect(on_duty.get_by_role("dialog")).to_have_count(1)

    async def test_the_help_names_every_key_and_can_switch_the_letters_off(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        await on_duty.keyboard.press("?")
        dialog = on_duty.get_by_role("dialog", name="键盘操作")
        rows = await on_duty.evaluate("async () => (await import('/web/state/keys.js')).KEYS.length")
        await expect(dialog.get_by_role("row")).to_have_count(rows)
        await dialog.get_by_role("checkbox", name="启用字母和数字键").uncheck()
        await on_duty.keyboard.press("Escape")
        await on_duty.keyboard.press("w")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog", name="终止会见")).to_be_visible()

    async def test_the_help_shows_every_key_at_one_look(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        for dialog, switch in (("键盘操作", "English"), ("Keyboard", "中文")):
            await on_duty.keyboard.press("?")
            keys = on_duty.get_by_role("dialog", name=dialog).locator(".help-keys")
            assert await keys.evaluate("(keys) => keys.scrollHeight - keys.clientHeight") == 0, dialog
            await on_duty.keyboard.press("Escape")
            await on_duty.get_by_text(switch, exact=True).click()

    async def test_keys_with_a_modifier_are_left_to_the_browser(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        for held in ("Control", "Alt", "Meta"):
            await on_duty.keyboard.press(f"{held}+h")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_every_key_of_a_button_is_in_the_table(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").wait_for()
        named = await on_duty.evaluate(
            "() => [...document.querySelectorAll('[aria-keyshortcuts]')].map((button) => button.ariaKeyShortcuts)"
        )
        keys = "async () => (await import('/web/state/keys.js')).KEYS.flatMap(({ keys }) => keys)"
        table = await on_duty.evaluate(keys)
        assert len(named) == len(set(named)) >= 8 and set(named) <= set(table)
