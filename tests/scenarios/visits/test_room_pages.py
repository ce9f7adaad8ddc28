"""A whole visit in two rooms with pages: from enrolment by a one-time code to the farewell, as people and officers live
through it, with real browsers, footage, processes and media."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from broker.kernel.ids import Side
from tests.support.installation import Installation, patient_pack
from tests.support.installation import installation as run_installation
from tests.support.kiosk.cut_line import cut_line
from tests.support.kiosk.footage import footage
from tests.support.kiosk.room_page import shows
from tests.support.kiosk.two_rooms import PageRoom, page_room, two_rooms
from tests.support.patience import PATIENCE
from tests.support.visit import Visit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

LIMIT = 300.0
"""Seconds of these visits: no story reaches the end by itself."""
CUT = 10.0
"""Seconds for which the line of both rooms is cut."""


@pytest_asyncio.fixture(loop_scope="session")
async def lasting(tmp_path: Path) -> AsyncIterator[Installation]:
    """Run a Huijian of its own, whose rooms are enrolled anew."""
    async with run_installation(patient_pack(tmp_path, LIMIT)) as running:
        running.minutes = round(LIMIT / 60)
        yield running


async def _finish(page: Page) -> None:
    await page.get_by_role("button", name="会见完毕").click()
    await expect(page.get_by_text("确定会见已经完毕吗？")).to_be_visible()
    async with asyncio.timeout(90):
        while await (yes := page.get_by_role("button", name="是，已经谈完")).is_visible():
            await yes.click()  # an answer that comes within a second of the question does not count yet


async def _see_each_other(rooms: dict[Side, PageRoom]) -> None:
    for room in rooms.values():
        await shows(room.page, "live")
        await room.sees_more()


@pytest.mark.timeout(600)
async def test_two_rooms_live_through_a_visit_from_enrolment_to_farewell(
    lasting: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with cut_line(lasting.server, monkeypatch) as line, two_rooms(lasting, line.url, tmp_path) as rooms:
        prison, visitor = rooms[Side.PRISON].page, rooms[Side.VISITOR].page
        await shows(prison, "idle")
        await shows(visitor, "idle")

        # Both rooms test themselves, are told the rules, and acknowledge them: one by key, one by touch.
        officers = await lasting.officers()
        session = await lasting.slot()
        here = Visit(lasting, session, officers)
        try:
            await rooms[Side.PRISON].acknowledge(touch=False)
            await rooms[Side.VISITOR].acknowledge()
            view = await here.until(
                lambda view: all(
                    side["rules"] and side["self_test"] and side["media"] for side in view["sides"].values()
                )
            )
            assert view["state"] == "check_in" and view["gate"] == "shut"
            await shows(prison, "seat")
            await shows(visitor, "seat")

            # The officers check the people in, and watch: until then the rooms wait, and are told for what.
            await here.officers[0].check_in(session, Side.PRISON)
            await shows(prison, "waiting")
            await expect(prison.locator(".waits p")).not_to_have_count(0)
            await here.officers[2].check_in(session, Side.VISITOR)
            await shows(visitor, "waiting")
            await here.watch(officers)
            await _see_each_other(rooms)

            # The line of both rooms is cut: picture, sound and socket. They come back over the same connections.
            before = {side: await room.publications() for side, room in rooms.items()}
            line.cut()
            await here.until(lambda view: view["state"] == "held" and not view["sides"]["prison"]["media"])
            await asyncio.sleep(CUT)  # what is tested is the length of the cut
            line.mend()
            await here.until(lambda view: view["state"] == "live" and view["gate"] == "open")
            await _see_each_other(rooms)
            assert {side: await room.publications() for side, room in rooms.items()} == before

            # A warning stands until the room has acknowledged it; the other room does not see it.
            await officers[0].order(session, "warn", sides=["visitor"], article="YN-16-2", text_id="dont-4")
            understood = visitor.get_by_role("button", name="已知晓")
            await expect(visitor.get_by_role("alertdialog")).to_contain_text("不准使用隐语")
            await expect(prison.get_by_text("不准使用隐语")).to_have_count(0)
            while await understood.is_visible():
                await understood.press("Enter")
            await here.until(lambda view: view["warnings"][0]["acknowledged"] == ["visitor"])

            # A hold shows the reason and nothing of the far room, and a question that is open outlives it.
            await prison.get_by_role("button", name="会见完毕").click()
            await officers[0].hold(session, "YN-16-2")
            await shows(prison, "held")
            await shows(visitor, "held")
            await expect(visitor.locator("video")).to_have_count(0)
            await officers[0].resume(session)
            await _see_each_other(rooms)

            # Each room says that it has finished; with the second word the visit is over.
            await _finish(visitor)
            await here.until(lambda view: [word["side"] for word in view["farewell"]] == ["visitor"])
            await expect(prison.get_by_text("对方已提出会见完毕")).to_be_visible()
            await _finish(prison)
            view = await here.until(lambda view: view["state"] == "ended")
            assert view["reason"]["code"] == "completed"
            await shows(prison, "ended")
            await expect(prison.get_by_text("请留在座位上，等候工作人员带领。")).to_be_visible()
            await expect(visitor.get_by_text("取回寄存物品")).to_be_visible()
        finally:
            await here.close()
        await shows(prison, "idle")
        await shows(visitor, "idle")
        await here.archived()


@pytest.mark.timeout(600)
async def test_a_room_with_a_page_and_a_headless_one_see_and_hear_each_other(
    lasting: Installation, tmp_path: Path
) -> None:
    film = footage(tmp_path / "prison.y4m", 1)
    async with (
        lasting.kiosk(Side.VISITOR) as headless,
        page_room(lasting, Side.PRISON, lasting.server, film) as room,
    ):
        officers = await lasting.officers()
        here = Visit(lasting, await lasting.slot(), officers)
        try:
            await room.acknowledge(touch=False)
            await officers[0].check_in(here.session, Side.PRISON)
            await officers[2].check_in(here.session, Side.VISITOR)
            await here.watch(officers)
            await _see_each_other({Side.PRISON: room})
            async with asyncio.timeout(PATIENCE):
                while not _decodes((await headless.measure())["far"]):
                    await asyncio.sleep(0.1)  # what a receiver decodes sets no event here
        finally:
            await here.close()


def _decodes(far: dict[str, Any]) -> bool:
    """Whether a headless terminal has decoded pictures and heard the far room's sound."""
    return far["video"]["frames"] > 5 and far["audio"]["frames"] > 50 and far["rms"] > 0.001
