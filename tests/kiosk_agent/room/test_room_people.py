"""Yunnan 14: the people before the camera are counted by the terminal while its picture is the browser's; the picture
itself does not leave the terminal."""

from pathlib import Path

import pytest

from tests.support.kiosk.control import view
from tests.support.kiosk.footage import footage
from tests.support.kiosk.page_kiosk import page_kiosk

pytestmark = pytest.mark.browser


@pytest.mark.timeout(300)
async def test_people_are_counted_in_a_visit_that_asks_for_it_and_no_longer_afterwards(tmp_path: Path) -> None:
    async with page_kiosk(footage(tmp_path / "room.y4m", 2, (640, 360))) as run:
        await run.control.report({**view("live", tested=True), "count_heads": True})
        assert (await run.observed(heads=2))["silent"] is False
        assert all(set(message) <= REPORTED for message in run.control.messages if message["type"] == "observed")
        run.control.messages.clear()
        await run.control.report({**view("live", tested=True), "count_heads": False})
        await run.observed(heads=None)


REPORTED = {"type", "session", "black", "frozen", "silent", "heads"}
