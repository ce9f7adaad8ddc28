"""The link to the control process is cut in the middle of a stop: the officer's page says what is known of the order,
nothing else can be ordered meanwhile, the gate shuts by itself, and the order counts once (Yunnan 17, 25)."""

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from broker.kernel.clock import monotonic
from broker.relay.gate import MAX_LEASE
from config.articles.citations import cited
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.monitor.duty import PATIENCE
from tests.support.monitor.page import counts, signed_in
from tests.support.patience import FLIGHT
from tests.support.visit import Visit, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")

OFFICER = 3
STOPPED = "YN-17-8"
KEEP_WORDS = """() => {
    const parts = [".order-status", ".strip", "#toasts"].map((part) => document.querySelector(part));
    window.said = [];
    const keep = () => parts.forEach((part) => window.said.push(part.textContent));
    new MutationObserver(keep).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Keeps what the page says of orders, however short it stands there."""


async def officer_about_to_stop(browser: Browser, here: Visit) -> Page:
    """Return the page of an officer who has the visit's stop before them, with its ground chosen."""
    page = await signed_in(browser, here.installation, OFFICER)
    page.set_default_timeout(PATIENCE)
    await here.live()
    await counts(here, OFFICER, True)
    await page.keyboard.press("F9")
    sheet = page.get_by_role("dialog", name="终止会见")
    await sheet.get_by_role("radio", name=cited(STOPPED).zh).check()
    await page.evaluate(KEEP_WORDS)
    return page


def status(page: Page) -> Locator:
    """Return the page's part that tells what became of orders."""
    return page.get_by_role("region", name="指令送达情况")


async def said(page: Page, words: str) -> None:
    """Wait until the page has said these words."""
    await page.wait_for_function("(words) => window.said.some((text) => text.includes(words))", arg=words)


async def ended_once(here: Visit, page: Page) -> None:
    """Check that the visit ended on the officer's ground, that the journal has one order, and that the page says it."""
    view = await here.until(lambda view: view["state"] == "ended")
    assert view["reason"]["article"] == STOPPED
    await said(page, "会见已终止")
    await expect(status(page).get_by_role("listitem")).to_have_count(0, timeout=PATIENCE)
    officer = here.installation.credentials.officers[OFFICER]
    ends = [data for kind, data in await ended(here) if kind == "EndOrdered"]
    assert [(each["article"], each["by"]) for each in ends] == [(STOPPED, officer.id)]


async def ended(here: Visit) -> list[tuple[str, dict[str, Any]]]:
    """Return the journal of the visit once it has the end."""
    return await here.installation.journal_with(
        here.session, lambda kind, data: kind == "StateChanged" and data.get("to") == "ended"
    )


async def says_that_it_was_not_delivered(page: Page) -> None:
    """Check that the page says so in words, in the strip too, as it said before that the order was being sent."""
    late = status(page).get_by_role("alert").filter(has_text="未送达，请电话通知对方")
    await expect(late).to_contain_text("终止会见", timeout=PATIENCE)
    await expect(page.locator(".strip-order")).to_contain_text("未送达，请电话通知对方")
    await said(page, "正在发送……")


async def nothing_can_be_ordered(page: Page) -> None:
    """Check that acts are refused, that counting is unknown, and that the page says that the gate shuts by itself."""
    await expect(status(page).get_by_text("闸门在 3 秒内自行关闭")).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_role("button", name="劝阻")).to_be_disabled()
    await expect(page.locator("#presence-status")).to_have_attribute("data-level", "stale")
    await page.keyboard.press("h")
    await expect(page.get_by_text("连接中断，未操作")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


class TestAStop:
    @pytest.mark.timeout(240)
    async def test_while_control_hangs_is_told_as_not_delivered_and_arrives_once(
        self, installation: Installation
    ) -> None:
        async with visit(installation, watching=3) as here, chromium() as browser:
            page = await officer_about_to_stop(browser, here)
            installation.stop("control")
            hung = monotonic()  # no lease was given later
            try:
                await page.keyboard.press("Enter")
                await says_that_it_was_not_delivered(page)
                await nothing_can_be_ordered(page)
                assert await here.last_packet_before(hung + MAX_LEASE + FLIGHT)
            finally:
                installation.cont("control")
            await said(page, "连接恢复：指令已送达")
            await ended_once(here, page)
            await expect(page.locator("#link")).to_have_text("已连接", timeout=PATIENCE)

    @pytest.mark.timeout(240)
    async def test_whose_control_is_killed_is_carried_out_once_by_the_next_one(
        self, installation: Installation
    ) -> None:
        async with visit(installation, watching=3) as here, chromium() as browser:
            page = await officer_about_to_stop(browser, here)
            installation.kill("control")
            await page.keyboard.press("Enter")
            await installation.answering()
            await ended_once(here, page)
            await said(page, "正在发送……")
