"""The monitor page in a real Chromium against the real server: it counts as a supervisor, and its closing shuts."""

from playwright.async_api import Page, expect

from broker.clock import monotonic
from broker.ids import Side
from tests.support.chromium import chromium
from tests.support.house import House
from tests.support.visit import visit

PLAYING = """() => {
    const videos = [...document.querySelectorAll("video")];
    return videos.length === 2 && videos.every((one) => one.getVideoPlaybackQuality().totalVideoFrames > 5);
}"""


async def _sign_in(page: Page, house: House, number: int) -> None:
    officer = house.stage.officers[number]
    await page.goto(f"{house.server}/monitor")
    await page.get_by_label("用户名").fill(officer.id)
    await page.get_by_label("密码").fill(officer.password)
    await page.get_by_role("button", name="登录").click()


class TestMonitorPage:
    async def test_it_counts_while_it_is_open_and_can_end_with_an_article(self, house: House) -> None:
        async with visit(house, watching=3) as here, chromium() as browser:
            page = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await _sign_in(page, house, 3)
            await page.wait_for_function(PLAYING)
            await here.until(lambda view: view["state"] == "live")
            await here.sees_far_room(Side.PRISON)
            await expect(page.get_by_text("会见中").first).to_be_visible()

            closed_at = monotonic()
            await page.close()
            view = await here.until(lambda view: view["state"] == "held")
            assert view["reason"]["code"] == "quorum_lost"
            shut = [data["mono"] for kind, data in await here.journal() if kind == "GateShut"]
            assert shut[-1] - closed_at < 2.0

            again = await browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
            await _sign_in(again, house, 3)
            await here.until(lambda view: view["state"] == "live")
            await again.get_by_role("button", name="终止会见").click()
            await again.get_by_role("radio", name="YN-17-8").check()
            await again.get_by_role("button", name="确认终止").click()
            view = await here.until(lambda view: view["state"] == "ended")
            assert view["reason"]["article"] == "YN-17-8"
