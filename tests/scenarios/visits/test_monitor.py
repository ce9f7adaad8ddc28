"""The monitor page in Chromium against the real server: its officer counts for the quorum while the page really shows
both rooms, and the gate does not stay open when it does not."""

import os
import signal
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from broker.kernel.clock import SystemClock, monotonic
from broker.kernel.ids import Side
from tests.support.chromium import chromium
from tests.support.installation import Installation
from tests.support.monitor.page import HIDE, PLAYING, counts, sign_in
from tests.support.visit import Visit, held_for, quorum_of, visit

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestMonitorPage:
    async def test_its_officer_counts_while_it_is_visible(self, installation: Installation) -> None:
        async with visit(installation, watching=3) as here, chromium() as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await sign_in(page, installation, 3)
            await page.wait_for_function(PLAYING)
            await here.until(lambda view: view["state"] == "live")
            await here.sees_far_room(Side.PRISON)
            await expect(page.get_by_text("会见中").first).to_be_visible()

            await page.reload()
            await page.wait_for_function(PLAYING)
            await here.until(lambda view: view["state"] == "live")
            await counts(here, 3, True)

            before = monotonic()
            await page.evaluate(HIDE, "hidden")
            hidden_at = monotonic()
            await here.until(held_for("quorum_lost"))
            assert await here.shut_after(before) - hidden_at < 2.0

    async def test_its_officer_can_end_a_visit_with_an_article(self, installation: Installation) -> None:
        async with visit(installation, watching=3) as here, chromium() as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await sign_in(page, installation, 3)
            await here.until(lambda view: view["state"] == "live")
            await page.get_by_role("button", name="终止会见").click()
            await page.get_by_role("radio", name="第十七条第（八）项").check()
            await page.get_by_role("button", name="确认终止").click()
            view = await here.until(lambda view: view["state"] == "ended")
            assert view["reason"]["article"] == "YN-17-8"


async def _renderers(browser: Browser) -> list[int]:
    """Return the process ids of the browser's renderers."""
    answer = await (await browser.new_browser_cdp_session()).send("SystemInfo.getProcessInfo")
    return [process["id"] for process in answer["processInfo"] if process["type"] == "renderer"]


async def _is_noticed(here: Visit, number: int, stop: Callable[[], Awaitable[object]]) -> None:
    """Check that an officer counts no longer after `stop`."""
    await stop()
    await counts(here, number, False)


class TestPresence:
    """An open page alone is no presence (Yunnan 25, Guangdong 27)."""

    async def test_a_hidden_page_a_paused_picture_and_a_frozen_renderer_do_not_count(
        self, installation: Installation
    ) -> None:
        now = SystemClock().now().wall
        times = {
            "starts_at": (now + timedelta(minutes=4)).isoformat(),
            "ends_at": (now + timedelta(minutes=8)).isoformat(),
        }
        async with visit(installation, watching=3, **times) as here, chromium() as browser:
            window = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            page = await window.new_page()
            await sign_in(page, installation, 3)
            await here.until(lambda view: view["state"] == "ready")
            await expect(page.locator("#presence-status")).to_have_text("已计入 1 场监督")

            await _is_noticed(here, 3, lambda: page.evaluate(HIDE, "hidden"))
            await expect(page.locator("#presence-status")).to_have_text("未计入监督：监督页面不在前台")
            await page.evaluate(HIDE, "visible")
            await counts(here, 3, True)

            picture = page.locator("video").nth(1)
            await _is_noticed(here, 3, lambda: picture.evaluate("(video) => video.pause()"))
            await picture.evaluate("(video) => video.play()")
            await counts(here, 3, True)

            # The same officer in a second window is not counted twice, and pictures of the first do not count for it.
            second = await window.new_page()
            await second.goto(f"{installation.server}/monitor")
            await second.wait_for_function(PLAYING)
            view = await here.installation.view(here.session, here.officers[0])
            assert quorum_of(view)[1] <= 2
            await page.evaluate(HIDE, "hidden")
            await _is_noticed(here, 3, lambda: second.evaluate(HIDE, "hidden"))
            await second.close()
            await page.evaluate(HIDE, "visible")
            await counts(here, 3, True)

            renderers = await _renderers(browser)
            try:
                await _is_noticed(here, 3, lambda: _send(renderers, signal.SIGSTOP))
            finally:
                await _send(renderers, signal.SIGCONT)
            await counts(here, 3, True)


async def _send(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        os.kill(process, number)
