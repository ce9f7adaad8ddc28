"""An officer's story at nine visits, by keys alone and by mouse alone: one room is lost, one visit needs a warning, one
has no quorum any more, and one has to be stopped. Each act falls upon the visit that it is meant for, with few keys or
clicks, and axe-core finds nothing serious at any step (Yunnan 16, 17, 25)."""

from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.signaling.web.conftest import Tab
from tests.signaling.web.test_accessibility import violations
from tests.signaling.web.test_alerts import alert, rows, taken
from tests.support.monitor.fake_server import OFFICER, FakeMonitor
from tests.support.monitor.visits import because, with_media
from tests.support.monitor.wall_measure import PEOPLE, visit

VISITS = 9
LOST, LOUD, ALONE, PLOTTING, BYSTANDER = 2, 4, 6, 7, 1
"""The visits of the story by their places on the wall: the room that is lost, the one that gets a warning, the one
without a quorum, the one that is stopped, and one that calls in the middle of that."""
NO_QUORUM = because("quorum_lost", "监督人员不足，会见中止", "Too few supervisors are watching")
NO_ROOM = because("room_lost", "会见室连接中断", "The room has lost its connection")
SIDES = ["prison", "visitor"]


class Keys:
    """The keys that the officer presses, which are counted; there is no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pressed: list[str] = []

    async def press(self, *keys: str) -> None:
        """Press these keys one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)
            self.pressed.append(key)

    async def choose(self, place: int) -> None:
        """Choose the visit at a place on the wall, and see that it is the one."""
        await self.point(place)
        tile = self.page.locator(".tile").nth(place)
        await expect(tile).to_have_attribute("data-chosen", "true")
        await expect(tile).to_contain_text(PEOPLE[place])

    async def point(self, place: int) -> None:
        """Choose the visit at a place on the wall."""
        await self.press(str(place + 1))

    async def take(self) -> None:
        """Take the alert that stands first."""
        await self.press("a")

    async def warn(self) -> None:
        """Open the sheet of a warning."""
        await self.press("w")

    async def send_first_words(self) -> None:
        """Send the first ready words."""
        await self.press("Tab", "Space", "Enter")

    async def stop(self) -> None:
        """Open the sheet of a stop."""
        await self.press("F9")

    async def choose_ground(self) -> None:
        """Choose the ground of the stop."""
        await self.press("ArrowDown", "ArrowDown")

    async def confirm_stop(self) -> None:
        """Confirm the stop on the ground that was chosen."""
        await self.press("Enter")


class Mouse(Keys):
    """The buttons that the officer clicks, which are counted; there are no keys."""

    async def click(self, target: Locator) -> None:
        """Click once, where the page shows the target."""
        await target.click()
        self.pressed.append("click")

    async def point(self, place: int) -> None:
        await self.click(self.page.locator(".tile").nth(place).locator(".tile-name"))

    async def take(self) -> None:
        await self.click(rows(self.page).first.get_by_role("button", name="处理"))
        await self.page.locator(".toolbar").hover()  # nothing in the strip moves under the pointer

    async def warn(self) -> None:
        await self.click(self.page.get_by_role("button", name="劝阻"))

    async def send_first_words(self) -> None:
        sheet = self.page.get_by_role("dialog", name="劝阻")
        await self.click(sheet.locator("input[name=words]").first)
        await self.click(sheet.get_by_role("button", name="发出劝阻"))

    async def stop(self) -> None:
        await self.click(self.page.get_by_role("button", name="终止会见"))

    async def choose_ground(self) -> None:
        await self.click(self.page.get_by_role("dialog").locator("input[value=YN-17-8]"))

    async def confirm_stop(self) -> None:
        await self.click(self.page.get_by_role("dialog").get_by_role("button", name="确认终止"))


@pytest_asyncio.fixture(loop_scope="session")
async def keys(tab: Tab, server: FakeMonitor) -> AsyncIterator[Keys]:
    """The keyboard of an officer at a wall of nine visits, whose rooms send nothing: that changes no act."""
    server.me = {**OFFICER, "sessions_per_supervisor": VISITS}
    page = await tab.sign_in(server)
    for place in range(VISITS):
        await server.put(view_of(place))
    await expect(page.locator(".tile")).to_have_count(VISITS)
    yield Keys(page)
    await tab.leave(server)


@cache
def _calm(place: int) -> dict[str, Any]:
    """Return the visit at a place on the wall. It is made once: a later beginning would be another place."""
    return with_media(visit(place))


def view_of(place: int, **changes: Any) -> dict[str, Any]:
    """Return the view of the visit at a place on the wall."""
    return {**_calm(place), **changes}


def id_of(place: int) -> str:
    """Return the id of the visit at a place on the wall."""
    return str(_calm(place)["id"])


def given(server: FakeMonitor) -> list[dict[str, Any]]:
    """Return the orders that the server has received, without the numbers by which the page finds their answers."""
    return [{name: value for name, value in order.items() if name != "id"} for order in server.orders]


async def sheet_of(page: Page, name: str, place: int) -> Locator:
    """Return the open sheet, which names the visit at that place and no other."""
    sheet = page.get_by_role("dialog", name=name, exact=True)
    await expect(sheet.locator(".dialog-where")).to_contain_text(PEOPLE[place])
    for other in set(PEOPLE) - {PEOPLE[place]}:
        await expect(sheet).not_to_contain_text(other)
    return sheet


async def is_accessible(page: Page, step: str) -> None:
    """Check that axe-core finds nothing serious."""
    assert await violations(page) == [], step


async def takes_the_lost_room(keys: Keys, server: FakeMonitor) -> None:
    """The alert of the lost room stands first; one key takes it."""
    called = alert("alt_3", "room_lost", "visitor")
    await server.put(view_of(LOST, state="held", gate="shut", reason=NO_ROOM), alerts=[called])
    await expect(rows(keys.page).first).to_contain_text(PEOPLE[LOST])
    await expect(keys.page.locator('.tile[data-trouble="true"]')).to_contain_text(PEOPLE[LOST])
    await is_accessible(keys.page, "a room is lost")
    await keys.take()
    await server.until(lambda: len(server.orders) == 1)
    await server.put(server.sessions[id_of(LOST)], alerts=[taken(called)])
    await expect(rows(keys.page).first).to_have_attribute("data-level", "taken")


async def warns(keys: Keys, server: FakeMonitor) -> None:
    """The first ready words go to both rooms of the visit."""
    await keys.choose(LOUD)
    await keys.warn()
    await sheet_of(keys.page, "劝阻", LOUD)
    await is_accessible(keys.page, "a warning is chosen")
    await keys.send_first_words()
    await server.until(lambda: len(server.orders) == 2)
    await expect(keys.page.get_by_role("dialog")).to_have_count(0)


async def takes_the_lost_quorum(keys: Keys, server: FakeMonitor) -> None:
    """A visit without a quorum stands before a room that an officer cares for already."""
    called = {**alert("alt_7", "black", None), "kind": "quorum_at_risk", "zh": "监督人数即将不足", "en": "At risk"}
    await server.put(view_of(ALONE, state="held", gate="shut", reason=NO_QUORUM), alerts=[called])
    await expect(rows(keys.page).first).to_contain_text(PEOPLE[ALONE])
    await is_accessible(keys.page, "a quorum is lost")
    await keys.take()
    await server.until(lambda: len(server.orders) == 3)
    await server.put(server.sessions[id_of(ALONE)], alerts=[taken(called)])
    await server.put(view_of(ALONE), alerts=[])
    await expect(rows(keys.page)).to_have_count(1)


async def stops(keys: Keys, server: FakeMonitor) -> None:
    """The stop names its visit and chooses no ground by itself, whatever happens elsewhere meanwhile."""
    await keys.choose(PLOTTING)
    await keys.stop()
    sheet = await sheet_of(keys.page, "终止会见", PLOTTING)
    await expect(sheet.get_by_role("radio", checked=True)).to_have_count(0)
    await server.put(view_of(BYSTANDER), alerts=[alert("alt_2", "black")])
    await expect(rows(keys.page).first).to_contain_text(PEOPLE[BYSTANDER])
    await sheet_of(keys.page, "终止会见", PLOTTING)
    await is_accessible(keys.page, "a ground is chosen")
    await keys.choose_ground()
    await expect(sheet.get_by_role("radio", checked=True)).to_have_value("YN-17-8")
    await keys.confirm_stop()
    await server.until(lambda: len(server.orders) == 4)
    over = because("ended_by_supervisor", "管理员终止会见", "Ended by a supervisor", "YN-17-8")
    await server.put(view_of(PLOTTING, state="ended", gate="shut", reason=over))
    await expect(keys.page.locator('.tile[data-state="ended"]')).to_contain_text(PEOPLE[PLOTTING])
    await is_accessible(keys.page, "a visit is stopped")


async def incident(keys: Keys, server: FakeMonitor) -> None:
    """Let all that happens at the nine visits happen, and see that each act fell upon its visit."""
    await takes_the_lost_room(keys, server)
    await warns(keys, server)
    await takes_the_lost_quorum(keys, server)
    await stops(keys, server)
    words = {"article": "YN-16-2", "text_id": "dont-4"}
    assert given(server) == [
        {"type": "take_alert", "session": id_of(LOST), "alert": "alt_3"},
        {"type": "warn", "session": id_of(LOUD), "sides": SIDES, **words},
        {"type": "take_alert", "session": id_of(ALONE), "alert": "alt_7"},
        {"type": "end", "session": id_of(PLOTTING), "article": "YN-17-8"},
    ]
    assert server.by_rest == [] and len(set(server.order_ids)) == 4


class TestNineVisits:
    async def test_each_act_falls_upon_its_visit_by_a_dozen_keys(self, keys: Keys, server: FakeMonitor) -> None:
        await incident(keys, server)
        assert len(keys.pressed) == 12, keys.pressed

    async def test_each_act_falls_upon_its_visit_by_ten_clicks(self, keys: Keys, server: FakeMonitor) -> None:
        mouse = Mouse(keys.page)
        await incident(mouse, server)
        assert len(mouse.pressed) <= 10
