"""The page of a visit between two prisons: pictures, dialogs, numbers and what a screen reader hears name a second
prison and no family (Yunnan 7, Guangdong 16)."""

from typing import Any

from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import QUORUM, live, officers

LI = {"id": "li-ming", "name": "李明"}
NOW = "2026-03-02T01:40:00Z"


def between(**changes: Any) -> dict[str, Any]:
    """Return a live visit between two prisons."""
    return {**live(), "between_inmates": True, **changes}


def warning(*acknowledged: str) -> dict[str, Any]:
    """Return a warning of both rooms with these confirmations."""
    words = {"zh": "不准大声喧哗、吵闹。", "en": "Do not shout.", "article": "YN-16-6"}
    sides = ["prison", "visitor"]
    return {"id": "wrn_1", "at": NOW, "sides": sides, **words, "by": LI, "acknowledged": list(acknowledged)}


class TestTheSecondPrison:
    async def test_nothing_on_the_page_speaks_of_a_family(self, on_duty: Page, server: FakeMonitor) -> None:
        farewell = [{"side": "visitor", "room": True, "at": NOW, "until": NOW, "by": None}]
        await server.put(between(warnings=[warning()], farewell=farewell))
        details = on_duty.locator(".details")
        await expect(details.get_by_role("region", name="已作劝阻")).to_contain_text("另一监所 待确认")
        await expect(details.get_by_role("region", name="画面质量")).to_contain_text("另一方监所")
        await expect(details.get_by_role("button", name="对另一监所")).to_be_visible()
        await expect(on_duty.locator("main")).not_to_contain_text("会见人")

    async def test_the_warning_dialog_offers_it(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(between())
        await on_duty.get_by_role("button", name="劝阻").click()
        dialog = on_duty.get_by_role("dialog", name="劝阻")
        await expect(dialog.get_by_role("radio", name="另一方监所")).to_be_visible()
        await expect(dialog).not_to_contain_text("会见人")

    async def test_a_screen_reader_hears_its_name(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(between(warnings=[warning()]))
        await server.put(between(warnings=[warning("visitor")]))
        announced = on_duty.locator("#announce")
        await expect(announced).to_contain_text("另一方监所 已确认")
        await server.put(between(warnings=[warning("visitor")], quorum={**QUORUM, "visitor": officers("刘芳")}))
        await expect(announced).to_contain_text("另一方监所 还差 1 人")
        await expect(announced).not_to_contain_text("会见人")

    async def test_in_english_too(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(between(warnings=[warning()]))
        await on_duty.get_by_role("button", name="English").click()
        await expect(on_duty.get_by_role("button", name="To 2nd prison")).to_be_visible()
        await expect(on_duty.locator(".warnings")).to_contain_text("2nd prison not yet confirmed")

    async def test_a_family_keeps_its_name(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live(), warnings=[warning()])
        await expect(on_duty.locator(".warnings")).to_contain_text("会见人 待确认")
        await expect(on_duty.get_by_role("button", name="对会见人")).to_be_visible()
