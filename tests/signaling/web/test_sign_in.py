"""Signing in to the supervisors' page, signing out, and the list of the day."""

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import checking_in, live, session


async def _sign_in(page: Page, password: str = "right") -> None:
    await page.get_by_label("用户名").fill("li-ming")
    await page.get_by_label("密码").fill(password)
    await page.keyboard.press("Enter")


class TestSigningIn:
    async def test_a_wrong_password_is_refused_in_words_and_the_field_is_emptied(
        self, page: Page, complaints: Complaints
    ) -> None:
        await _sign_in(page, "wrong")
        await expect(page.get_by_role("alert").first).to_contain_text("用户名或密码错误。")
        await expect(page.get_by_label("密码")).to_have_value("")
        await expect(page.get_by_label("密码")).to_be_focused()
        complaints.errors.clear()  # the browser's own message about the 401

    async def test_the_right_password_opens_the_page(self, page: Page) -> None:
        await _sign_in(page)
        await expect(page.locator("#link")).to_have_text("已连接")
        await expect(page.get_by_text("李明", exact=True)).to_be_visible()

    async def test_an_auditor_is_refused_by_this_page(self, page: Page, server: FakeMonitor) -> None:
        server.me = {**OFFICER, "role": "auditor"}
        await _sign_in(page)
        await expect(page.get_by_text("此页面供管理员使用")).to_be_visible()

    async def test_a_reload_needs_no_password(self, on_duty: Page) -> None:
        await on_duty.reload()
        await expect(on_duty.locator("#link")).to_have_text("已连接")

    async def test_signing_out_leaves_the_pictures_and_the_page(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await server.until(lambda: len(server.watched) == 2)
        await on_duty.get_by_role("button", name="退出登录").click()
        await expect(on_duty.get_by_label("密码")).to_be_visible()
        await server.until(lambda: server.watched == [])


class TestTodaysList:
    async def test_a_day_without_visits_is_named_as_such(self, on_duty: Page) -> None:
        await expect(on_duty.get_by_text("今天没有会见")).to_be_visible()
        await expect(on_duty.get_by_text("现在没有进行中的会见")).to_be_visible()

    async def test_sessions_are_listed_by_time_with_their_state_in_words(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(session("ses_later", 5))
        await server.put(live("ses_now"))
        rows = on_duty.get_by_role("navigation", name="今日会见").get_by_role("button")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(0)).to_contain_text("会见中")
        await expect(rows.nth(0)).to_contain_text("值守")
        await expect(rows.nth(1)).to_contain_text("待办理")
        await expect(rows.nth(1)).to_contain_text("三监区 1 号会见室 ⇄ 会见室 2")

    async def test_times_are_those_of_shanghai_whatever_the_zone_of_the_computer(self, scripts: Page) -> None:
        view = session("ses_a", state="ended", starts_at="2026-03-02T01:30:00Z", ends_at="2026-03-02T02:10:00+00:00")
        await scripts.evaluate(
            """async (iso) => {
                const { timeOfDay, dayOf } = await import("/web/state/clock.js");
                if (timeOfDay(iso) !== "09:30") throw new Error(timeOfDay(iso));
                if (dayOf(new Date("2026-03-01T16:00:00Z")) !== "2026-03-02") throw new Error("day");
            }""",
            view["starts_at"],
        )

    async def test_sessions_of_other_sites_are_not_shown(self, on_duty: Page, server: FakeMonitor) -> None:
        foreign = live("ses_foreign")
        for side in foreign["sides"].values():
            side["site"] = "elsewhere"
        await server.put(foreign)
        await server.put(checking_in("ses_mine"))
        await server.until(lambda: len(server.watched) == 2)
        assert all(where.startswith("ses_mine/") for where in server.watched)
        await expect(on_duty.get_by_role("navigation").get_by_role("button")).to_have_count(1)

    async def test_sessions_are_grouped_by_state_with_counts(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live("ses_a"))
        await server.put(live("ses_b"), state="held", gate="shut")
        await server.put(checking_in("ses_c"))
        for number in range(3):
            await server.put(session(f"ses_l{number}", 60))
        await server.put(session("ses_o", -90), state="ended")
        headings = on_duty.get_by_role("navigation").get_by_role("heading", level=3)
        await expect(headings).to_have_text(["进行中 2", "等候 1", "今日稍后 3", "已结束 1"])
        await server.put(live("ses_c"))
        await expect(headings).to_have_text(["进行中 3", "今日稍后 3", "已结束 1"])
