"""Leaving: the page asks while a visit would be held by it; a colleague takes over before the officer is released."""

from typing import Any

from playwright.async_api import Dialog, Page, expect

from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import QUORUM, live

ME = {"id": OFFICER["id"], "name": OFFICER["name"]}
ZHAO = {"id": "zhao-qiang", "name": "赵强"}
WU = {"id": "wu-gang", "name": "吴刚", "chosen": 0}


def counted(name: str, *others: dict[str, str]) -> dict[str, Any]:
    """Return a live visit in which this officer counts with these others."""
    return live(name, quorum=QUORUM | {"prison": {"need": 2, "have": [ME, *others]}})


async def _sign_out(page: Page) -> None:
    await page.get_by_role("button", name="退出登录").click()


class TestSigningOut:
    async def test_asks_with_the_number_of_visits_that_would_be_held(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(counted("ses_a", ZHAO))
        await server.put(counted("ses_b", ZHAO))
        await server.put(counted("ses_c", ZHAO, WU))
        await expect(on_duty.get_by_role("button", name="交班")).to_be_visible()
        await _sign_out(on_duty)
        dialog = on_duty.get_by_role("dialog", name="退出登录：2 场会见将中止")
        await dialog.get_by_role("button", name="取消").click()
        await expect(on_duty.locator(".duty")).to_be_visible()
        await _sign_out(on_duty)
        await dialog.get_by_role("radio", name="仍要退出，会见中止").check()
        await dialog.get_by_role("button", name="确定").click()
        await expect(on_duty.get_by_label("密码")).to_be_visible()

    async def test_asks_nothing_while_nothing_depends_on_the_officer(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(counted("ses_a", ZHAO, WU))
        await expect(on_duty.get_by_role("button", name="交班")).to_be_visible()
        await _sign_out(on_duty)
        await expect(on_duty.get_by_label("密码")).to_be_visible()

    async def test_closing_and_reloading_ask_only_while_it_matters(self, on_duty: Page, server: FakeMonitor) -> None:
        asked: list[str] = []

        async def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.accept()

        on_duty.on("dialog", stay)
        await on_duty.locator(".duty").click()  # browsers ask only on a page that was used
        await on_duty.reload()
        assert asked == []
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").wait_for()
        await on_duty.locator(".details").click()
        await on_duty.reload()
        assert asked == ["beforeunload"]
        on_duty.remove_listener("dialog", stay)


class TestGiving:
    async def test_is_asked_for_and_gives_duty_up_only_when_the_colleague_counts(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").click()
        dialog = on_duty.get_by_role("dialog", name="交班")
        await expect(dialog.get_by_role("radio", name="吴刚")).to_be_checked()
        await expect(dialog).to_contain_text("王建国")
        await dialog.get_by_role("button", name="请求接班").click()
        await expect(on_duty.get_by_text("等待吴刚答复接班，请继续监督")).to_be_visible()
        assert server.by_rest[-1][0] == "offer" and server.by_rest[-1][2]["sessions"] == ["ses_a"]
        await server.handing_over(stage="accepted")
        await expect(on_duty.get_by_text("吴刚已同意，等待其计入在岗")).to_be_visible()
        assert server.presence[-1]["duty"] == ["ses_a"]
        await server.handing_over(stage="completed")
        await server.until(lambda: server.presence[-1]["duty"] == [])
        await expect(on_duty.get_by_text("交班完成：吴刚已到岗")).to_be_visible()

    async def test_chooses_no_colleague_beforehand_where_there_are_several(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.colleagues = [WU, {"id": "he-jun", "name": "何军", "chosen": 0}]
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").click()
        dialog = on_duty.get_by_role("dialog", name="交班")
        await expect(dialog.get_by_role("radio")).to_have_count(2)
        await dialog.get_by_role("button", name="请求接班").click()  # no choice yet: the form stays
        await expect(dialog.get_by_role("radio", checked=True)).to_have_count(0)
        await dialog.get_by_role("radio", name="何军").check()
        await dialog.get_by_role("button", name="请求接班").click()
        await server.until(lambda: bool(server.by_rest))
        assert server.by_rest[-1][2]["to"] == "he-jun"

    async def test_takes_no_other_visit_in_exchange_until_the_officer_chooses_one(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await server.until(lambda: server.presence and server.presence[-1]["duty"] == ["ses_a"])
        await on_duty.get_by_role("button", name="交班").click()
        await on_duty.get_by_role("dialog", name="交班").get_by_role("button", name="请求接班").click()
        await on_duty.get_by_text("等待吴刚答复接班").wait_for()
        await server.handing_over(stage="accepted")
        await server.handing_over(stage="completed")
        await server.until(lambda: server.presence[-1]["duty"] == [])
        await server.put(live("ses_b"))
        await expect(on_duty.locator(".duty-mark")).to_have_text(["仅观看", "仅观看"])
        assert server.presence[-1]["duty"] == []
        await on_duty.reload()
        await expect(on_duty.locator(".duty-mark")).to_have_text(["仅观看", "仅观看"])
        await on_duty.locator(".duty-mark").nth(1).click()
        await server.until(lambda: server.presence[-1]["duty"] == ["ses_b"])

    async def test_before_signing_out_signs_out_when_it_is_completed(self, on_duty: Page, server: FakeMonitor) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await _sign_out(on_duty)
        await on_duty.get_by_role("button", name="确定").click()
        await on_duty.get_by_role("button", name="请求接班").click()
        await on_duty.get_by_text("等待吴刚答复接班").wait_for()
        await server.handing_over(stage="accepted")
        await server.handing_over(stage="completed")
        await expect(on_duty.get_by_label("密码")).to_be_visible()

    async def test_of_some_visits_asks_again_before_the_others_are_held(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await server.put(counted("ses_b", ZHAO))
        await _sign_out(on_duty)
        await on_duty.get_by_role("button", name="确定").click()
        await on_duty.get_by_role("dialog", name="交班").locator("input[value=ses_b]").uncheck()
        await on_duty.get_by_role("button", name="请求接班").click()
        await on_duty.get_by_text("等待吴刚答复接班").wait_for()
        await server.handing_over(stage="accepted")
        await server.handing_over(stage="completed")
        await expect(on_duty.get_by_role("dialog", name="退出登录：1 场会见将中止")).to_be_visible()
        assert server.presence[-1]["duty"] == ["ses_b"], "the officer still watches the other one"

    async def test_that_is_declined_leaves_everything_as_it_was(self, on_duty: Page, server: FakeMonitor) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").click()
        await on_duty.get_by_role("button", name="请求接班").click()
        await on_duty.get_by_text("等待吴刚答复接班").wait_for()
        await server.handing_over(stage="declined")
        await expect(on_duty.get_by_text("吴刚未接班，您仍在岗")).to_be_visible()
        assert server.presence[-1]["duty"] == ["ses_a"]

    async def test_without_a_colleague_says_what_is_needed(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").click()
        await expect(on_duty.get_by_text("没有可接班的同事")).to_be_visible()


class TestAQuestionThatIsNotSoAnyMore:
    """A sheet is about the visits that it names: it goes when they are others, and says so."""

    async def test_of_signing_out_goes_when_other_visits_would_be_held(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(counted("ses_a", ZHAO))
        await expect(on_duty.get_by_role("button", name="交班")).to_be_visible()
        await _sign_out(on_duty)
        await expect(on_duty.get_by_role("dialog", name="退出登录：1 场会见将中止")).to_be_visible()
        await server.put(counted("ses_b", ZHAO))
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(on_duty.get_by_role("alert").filter(has_text="情况已变，未操作")).to_be_visible()  # no success
        await expect(on_duty.locator(".duty")).to_be_visible()

    async def test_of_leaving_duty_goes_when_its_visit_ends_and_leaves_no_other(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live("ses_a"))
        await server.put(live("ses_b"))
        await server.until(lambda: server.presence and server.presence[-1]["duty"] == ["ses_a", "ses_b"])
        await on_duty.locator(".duty-mark").nth(1).click()
        await expect(on_duty.get_by_role("dialog", name="不再值守这一场")).to_be_visible()
        await server.put(live("ses_b"), state="ended", gate="shut")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(on_duty.get_by_text("会见已结束，未操作")).to_be_visible()
        await server.until(lambda: server.presence[-1]["duty"] == ["ses_a"])

    async def test_of_handing_over_goes_when_one_of_its_visits_ends(self, on_duty: Page, server: FakeMonitor) -> None:
        server.colleagues = [WU]
        await server.put(counted("ses_a", ZHAO))
        await on_duty.get_by_role("button", name="交班").click()
        await on_duty.get_by_role("dialog", name="交班").wait_for()
        await server.put(counted("ses_a", ZHAO), state="ended", gate="shut")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.by_rest == []


class TestTaking:
    async def test_puts_the_visits_on_duty_once_it_is_accepted(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live("ses_a"))
        await server.until(lambda: server.presence and server.presence[-1]["duty"] == ["ses_a"])
        await on_duty.keyboard.press("d")
        await on_duty.get_by_role("dialog").get_by_role("button").last.click()
        await server.until(lambda: server.presence[-1]["duty"] == [])
        server.handover = {"id": "hnd_1", "sessions": ["ses_a"], "until": None, "giver": ZHAO, "taker": ME}
        await server.handing_over(stage="offered")
        offer = on_duty.get_by_role("alert").filter(has_text="赵强请您接班")
        await expect(offer).to_contain_text("王建国")
        await offer.get_by_role("button", name="接班").click()
        await server.until(lambda: "ses_a" in server.presence[-1]["duty"])
        assert server.by_rest[-1][:2] == ("accept", "hnd_1")
        await server.handing_over(stage="completed")
        await expect(on_duty.get_by_text("接班完成：您已计入在岗")).to_be_visible()
