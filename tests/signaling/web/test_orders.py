"""Orders of the supervisors' page: each carries what the protocol asks for, and refusals are shown in words."""

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import by_officer, live


async def _last(server: FakeMonitor) -> dict[str, object]:
    await server.until(lambda: server.orders)
    return {key: value for key, value in server.orders[-1].items() if key != "id"}


class TestEnding:
    async def test_ending_needs_a_code_and_a_confirmation(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        dialog = on_duty.get_by_role("dialog", name="终止会见")
        await expect(dialog).to_contain_text("不能撤销")
        await dialog.get_by_role("button", name="确认终止").click()  # no code yet: the form stays
        await expect(dialog).to_be_visible()
        assert server.orders == []
        await dialog.get_by_role("radio", name="第十七条第（八）项").check()
        await dialog.get_by_label("备注").fill("两次提及案情")
        await dialog.get_by_role("button", name="确认终止").click()
        assert await _last(server) == {"type": "end", "session": "ses_a", "article": "YN-17-8", "note": "两次提及案情"}
        await expect(on_duty.get_by_text("已终止")).to_be_visible()

    async def test_codes_that_demand_an_end_come_first(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        codes = on_duty.locator(".code")
        await expect(codes.nth(0)).to_contain_text("应当终止")
        await expect(codes.nth(1)).to_contain_text("应当终止")
        await expect(codes.nth(2)).not_to_contain_text("应当终止")

    async def test_ending_goes_by_rest_while_the_socket_is_away(
        self, on_duty: Page, server: FakeMonitor, complaints: Complaints
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="终止会见").click()
        await on_duty.get_by_role("radio", name="第十六条第（六）项").check()
        server.closed = True
        await server.drop_sockets()
        await expect(on_duty.locator("#link")).not_to_have_text("已连接")
        await on_duty.keyboard.press("Enter")
        await server.until(lambda: server.by_rest)
        assert server.by_rest == [("end", "ses_a", {"article": "YN-16-6"})]
        server.closed = False
        await expect(on_duty.locator("#link")).to_have_text("已连接")
        complaints.errors.clear()  # the browser's own messages about the closed socket


class TestHolding:
    async def test_a_hold_sends_its_code(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="中止会见").click()
        await on_duty.get_by_role("radio", name="第十六条第（二）项").check()
        await on_duty.get_by_role("button", name="确认中止").click()
        assert await _last(server) == {"type": "hold", "session": "ses_a", "article": "YN-16-2"}

    async def test_the_hold_of_an_officer_can_be_lifted(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(by_officer())
        await on_duty.get_by_role("button", name="恢复会见").click()
        await on_duty.get_by_role("button", name="确认恢复").click()
        assert await _last(server) == {"type": "resume", "session": "ses_a"}

    async def test_escape_closes_the_dialog_and_sends_nothing(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        button = on_duty.get_by_role("button", name="中止会见")
        await button.click()
        await expect(on_duty.get_by_role("dialog")).to_be_visible()
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await expect(button).to_be_focused()
        assert server.orders == []

    async def test_a_refusal_is_shown_with_title_and_detail(self, on_duty: Page, server: FakeMonitor) -> None:
        server.refuse["resume"] = {
            "type": "urn:huijian:problem:forbidden",
            "code": "forbidden",
            "status": 403,
            "title": "无权操作",
            "title_en": "Forbidden",
            "detail": "只有同一单位的管理员可以恢复。",
            "detail_en": "Only an officer of the same site may resume.",
        }
        await server.put(by_officer())
        await on_duty.get_by_role("button", name="恢复会见").click()
        await on_duty.get_by_role("button", name="确认恢复").click()
        toast = on_duty.get_by_role("region", name="提示").get_by_role("alert")
        await expect(toast).to_contain_text("无权操作")
        await expect(toast).to_contain_text("只有同一单位的管理员可以恢复。")
