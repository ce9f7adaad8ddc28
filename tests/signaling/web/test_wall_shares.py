"""Pictures first, measured on the running page: their share of the screen, the smallest one and whether it is large
enough to count; calm and with sixteen alerts, in both sizes of screen and both languages.

`python -m tests.bench.wall` measures the same with rooms that send, and prints a table."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.wall_measure import SIZES, Measured, measure, settled, show

ALERTS = 16
LEAST = {"1366x768": {1: 0.34, 4: 0.45, 9: 0.45}, "1920x1080": {1: 0.38, 4: 0.34, 9: 0.6}}
"""Share of the screen that is picture, by the number of visits: with nine as it is demanded. One visit has its desk
beside it, and four at 1920 both columns: their pictures are larger than any of nine."""
PLACES = """() => ({
    columns: ["list", "desk"].map((name) => document.querySelector(".duty").dataset[name]),
    stacked: [...new Set([...document.querySelectorAll(".tile")].map(({ dataset }) => dataset.stacked))],
    trouble: document.querySelector('.tile[data-trouble="true"] video')?.dataset.session ?? null,
})"""


def _sound(wall: Measured, visits: int, share: float) -> None:
    """Check that all pictures are whole and large enough to count, and together have their share of the screen."""
    assert wall.good == 2 * visits, wall.smallest
    assert wall.share >= share, f"{wall.share:.1%}"


async def _look(page: Page) -> tuple[Measured, Any]:
    await settled(page)
    return await measure(page), await page.evaluate(PLACES)


@pytest.mark.parametrize("visits", [1, 4, 9])
@pytest.mark.parametrize("size", list(SIZES))
class TestShareOfTheScreen:
    async def test_no_alert_and_no_language_takes_the_pictures_their_place(
        self, on_duty: Page, server: FakeMonitor, size: str, visits: int
    ) -> None:
        await on_duty.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        share = LEAST[size][visits]
        await show(server, on_duty, visits, sends=False)
        calm, before = await _look(on_duty)
        _sound(calm, visits, share)
        await show(server, on_duty, visits, ALERTS, sends=False)
        await on_duty.locator('.tile[data-trouble="true"]').wait_for()
        for words in ("Switch to English", "切换为中文"):
            wall, now = await _look(on_duty)
            _sound(wall, visits, share)
            assert (now["columns"], now["stacked"]) == (before["columns"], before["stacked"]), "an alert turns nothing"
            widest = max(picture.width for picture in wall.pictures)
            assert {picture.width for picture in wall.pictures if picture.session == now["trouble"]} == {widest}
            await on_duty.get_by_role("button", name=words).click()


class TestTheDeskOpen:
    async def test_leaves_nine_pictures_their_share_while_one_is_in_trouble(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await show(server, on_duty, 9, ALERTS, sends=False)
        await on_duty.locator('.tile[data-trouble="true"] .tile-name').click()
        await on_duty.locator('.duty[data-desk="open"]').wait_for()
        wall, _ = await _look(on_duty)
        _sound(wall, 9, 0.45)
