"""Before a visit begins its check-in comes first: one's own boxes without scrolling, the room's line, and the documents
that people are checked against (Yunnan 11, Guangdong 24)."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import because, checking_in, live, person, session, with_media

WIDE, NARROW = {"width": 1920, "height": 1080}, {"width": 1366, "height": 768}
LACKS = [
    because(f"{side}_{what}", f"{side} 缺 {what}", f"{side} lacks {what}")
    for side in ("prison", "visitor")
    for what in ("check_in", "seat", "rules", "self_test", "media", "subscription", "quorum")
]
LOST = {"media": False, "lost": True, "lost_at": "2026-03-02T01:47:00Z"}


def _desk(page: Page) -> Locator:
    return page.get_by_role("complementary", name="会见详情与处置")


def _sides(view: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
    sides = {which: {**side, **changes.get(which, {})} for which, side in view["sides"].items()}
    return {**view, "sides": sides}


class TestOwnBoxes:
    """Measured on the page: the first box stood at 887 pixels in a pane of 451."""

    @pytest.mark.parametrize("size", [NARROW, WIDE], ids=["1366x768", "1920x1080"])
    @pytest.mark.parametrize("count", [1, 9])
    @pytest.mark.parametrize("language", ["zh", "en"])
    async def test_are_seen_without_scrolling(
        self, on_duty: Page, server: FakeMonitor, size: Any, count: int, language: str
    ) -> None:
        await on_duty.set_viewport_size(size)
        for number in range(count - 1):
            await server.put(live(f"ses_{number}"))
        equipment = {"by": "terminal", "passed": False, "fresh": False, "at": "2026-03-02T01:40:00Z", "parts": {}}
        view = _sides(
            checking_in("ses_z", missing=LACKS, language=_interpreted()),
            prison={"people": [person("赵国庆")], "equipment": equipment},
        )
        await server.put(view)
        if language == "en":
            await on_duty.get_by_role("button", name="Switch to English").click()
        await _choose(on_duty, "赵国庆")
        pane = on_duty.locator(".details-scroll")
        await expect(pane.get_by_role("checkbox").first).to_be_enabled()
        boxes = pane.get_by_role("group").get_by_role("checkbox")
        await expect(boxes).to_have_count(3)
        around = await pane.bounding_box()
        assert around is not None and await pane.evaluate("pane => pane.scrollTop") == 0
        for box in await boxes.all():
            found = await box.bounding_box()
            assert found is not None and found["y"] >= around["y"]
            assert found["y"] + found["height"] <= min(around["y"] + around["height"], size["height"])
            assert await box.evaluate(UNCOVERED)

    async def test_come_first_until_the_visit_begins(self, on_duty: Page, server: FakeMonitor) -> None:
        heights = _heights(on_duty)
        await server.put(checking_in(missing=LACKS))
        await expect(_desk(on_duty).get_by_label("身份已核验")).to_be_visible()
        boxes, quorum = await heights()
        assert boxes < quorum
        await server.put(live())
        await expect(_desk(on_duty).get_by_label("身份已核验")).to_be_hidden()
        boxes, quorum = await heights()
        assert quorum < boxes

    async def test_of_another_visit_are_at_the_top_wherever_one_has_scrolled(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(_sides(checking_in("ses_a"), prison={"people": [person(f"罪犯{n}") for n in range(9)]}))
        await server.put(_sides(checking_in("ses_b"), prison={"people": [person("赵国庆")]}))
        await _choose(on_duty, "罪犯0")
        pane = on_duty.locator(".details-scroll")
        await pane.evaluate("pane => { pane.scrollTop = pane.scrollHeight; }")
        await _choose(on_duty, "赵国庆")
        assert await pane.evaluate("pane => pane.scrollTop") == 0


UNCOVERED = """box => {
    const { x, y, width, height } = box.getBoundingClientRect();
    return box.contains(document.elementFromPoint(x + width / 2, y + height / 2));
}"""


def _interpreted() -> dict[str, Any]:
    return {"tag": "bo", "zh": "藏语", "en": "Tibetan", "interpreter": "missing", "reason": ""}


async def _choose(page: Page, name: str) -> None:
    """Choose a visit by its button on the list or, where that is folded, on the wall."""
    row = page.locator(".row").filter(has_text=name)
    await row.focus()
    await row.press("Enter")
    await expect(page.locator(".details-head h2")).to_contain_text(name)


def _heights(page: Page) -> Callable[[], Any]:
    async def read() -> list[float]:
        parts = [page.locator(".details .check-in"), page.locator(".details .quorum")]
        return [await part.evaluate("part => part.getBoundingClientRect().top") for part in parts]

    return read


class TestRoom:
    """A room that was there is lost, and one that never came is not there yet: on tile, list and desk alike."""

    async def test_that_never_came_is_said_to_be_not_here(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(checking_in())
        await expect(on_duty.locator(".tile .cover > p:first-child")).to_have_text(["会见室未到：等待终端接入"] * 2)
        await expect(on_duty.locator(".row .room-lines")).to_have_text("监所会见室未到，会见人会见室未到")
        await expect(_desk(on_duty).locator(".own-room")).to_have_text("本方会见室未到")
        await expect(on_duty.get_by_text("线路中断")).to_have_count(0)

    async def test_whose_line_broke_is_said_to_be_lost_and_since_when(self, on_duty: Page, server: FakeMonitor) -> None:
        lacks = [because("prison_media", "监所一方会见室线路中断（09:47 起）", "the line is broken")]
        await server.put(_sides(checking_in(missing=lacks), prison=LOST))
        tile = on_duty.locator(".tile .picture")
        await expect(tile.first).to_contain_text("线路中断（09:47 起）")
        await expect(tile.last).to_contain_text("会见室未到")
        row = on_duty.locator(".row .room-lines")
        await expect(row).to_have_text("监所会见室线路中断（09:47 起），会见人会见室未到")
        await expect(_desk(on_duty).locator(".own-room")).to_contain_text("线路中断（09:47 起）")
        await expect(_desk(on_duty).locator(".missing summary")).to_contain_text("尚缺：线路中断 1")
        await on_duty.get_by_role("button", name="Switch to English").click()
        await expect(row).to_contain_text("line broken since 09:47")

    async def test_that_is_back_says_so(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(_sides(live(), visitor=LOST), state="held", gate="shut")
        await expect(on_duty.locator(".row .room-lines")).to_contain_text("会见人会见室线路中断（09:47 起）")
        await server.put(with_media(live(), "prison", "visitor"))
        await expect(on_duty.locator(".row .room-lines")).to_be_hidden()
        await expect(_desk(on_duty).locator(".own-room")).to_contain_text("已接通")

    async def test_of_a_visit_to_come_is_not_missed(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(session("ses_a", 60))
        await expect(on_duty.locator(".row .room-lines")).to_be_hidden()


class TestDocuments:
    """Yunnan 11, Guangdong 24: the desk says what a document is checked against."""

    async def test_are_shown_by_type_and_last_four_beside_the_boxes(self, on_duty: Page, server: FakeMonitor) -> None:
        people = [person("赵国庆"), person("钱某"), person("孙某")]
        server.documents = {
            people[0]["id"]: {"kind": "resident", "last_four": "002X"},
            people[1]["id"]: {"kind": "passport", "last_four": "G123"},
        }
        await server.put(_sides(checking_in(), prison={"people": people}))
        shown = _desk(on_duty).locator(".document")
        await expect(shown).to_have_text(
            ["核对证件：居民身份证，末四位 002X", "核对证件：护照等证件，末四位 G123", "核对证件：未登记"]
        )
        await on_duty.get_by_role("button", name="Switch to English").click()
        shown = on_duty.get_by_role("complementary", name="Visit details").locator(".document")
        await expect(shown.first).to_have_text("Document: identity card …002X")

    async def test_are_read_once_while_people_are_checked_and_never_of_other_visits(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live("ses_live"))
        await server.put(session("ses_later", 60))
        await server.put(_sides(checking_in("ses_a"), prison={"people": [person("赵国庆")]}))
        await _choose(on_duty, "赵国庆")
        await expect(_desk(on_duty).get_by_text("核对证件：未登记")).to_be_visible()
        await server.put(_sides(checking_in("ses_a", minutes=25), prison={"people": [person("赵国庆")]}))
        await expect(on_duty.get_by_text("批准 25 分钟")).to_be_visible()
        assert server.documents_read == ["ses_a"]

    async def test_are_gone_from_the_page_once_the_visit_has_begun(self, on_duty: Page, server: FakeMonitor) -> None:
        view = checking_in()
        listed = view["sides"]["prison"]["people"][0]["id"]
        server.documents = {listed: {"kind": "resident", "last_four": "002X"}}
        await server.put(view)
        await expect(_desk(on_duty).get_by_text("末四位 002X")).to_be_visible()
        await server.put(live())
        await expect(_desk(on_duty).get_by_text("002X")).to_have_count(0)
