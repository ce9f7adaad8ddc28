"""Geometry of the wall: no picture that could not count, none over another, and the one in trouble the largest."""

from itertools import combinations
from typing import Any

import pytest
from playwright.async_api import Page

from tests.signaling.web.test_alerts import alert
from tests.signaling.web.test_wall import layout
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live, with_media

AREAS = [
    (1350, 632),
    (1904, 944),
    (1008, 632),
    (1264, 888),
    (2544, 1304),
    (1064, 1784),
    (734, 632),
    (460, 330),
    (160, 182),
]
LAY_OUT = """async (areas) => {
    const { capacity, wallGeometry, zoomGeometry } = await import("/web/state/wall/wall_geometry.js");
    return areas.map(([width, height]) => ({
        width, height, capacity: capacity({ width, height }),
        walls: [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((count) => Array.from({ length: count + 1 }, (_, spot) => ({
            count, spot: spot - 1, ...wallGeometry({ width, height }, count, spot - 1) }))),
        zooms: [0, 1, 2].flatMap((others) => [null, "prison", "visitor"].map((side) => ({
            others, side, ...zoomGeometry({ width, height }, others, side) }))),
    }));
}"""
SPOTLIGHTS = """async () => {
    const { spotlight } = await import("/web/state/wall/trouble.js");
    const lost = (id) => ({ id, state: "held", reason: { code: "room_lost" }, alerts: [] });
    const alert = { code: "room_lost", state: "taken", at: "2026-03-02T02:00:00Z" };
    const taken = (id) => ({ id, state: "live", alerts: [alert] });
    const calm = (id) => ({ id, state: "live", alerts: [] });
    const isMine = (id) => id === "b";
    return {
        mine_first: spotlight([lost("a"), lost("b")], null, null, isMine),
        worse_first: spotlight([lost("a"), taken("b")], null, null, isMine),
        stays: spotlight([lost("a"), lost("b")], "b", null, () => false),
        mine_takes_it: spotlight([lost("a"), lost("b")], "a", null, isMine),
        calm: spotlight([calm("a"), calm("b")], "b", null, isMine),
    };
}"""
FREE = """() => Math.min(...[...document.querySelectorAll(".picture")].map((picture) => {
    const { top, bottom, height } = picture.getBoundingClientRect();
    const facts = picture.closest(".tile").querySelector(".tile-facts").getBoundingClientRect().bottom;
    const caption = picture.querySelector("figcaption").getBoundingClientRect().top;
    return (Math.min(bottom, caption) - Math.max(top, facts)) / height;
}))"""
"""Returns the smallest share of a picture's height that lies between the lines at its edges."""


def pictures(tiles: list[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the rectangles of all pictures in the area."""
    return [
        {**each, "x": tile["x"] + each["x"], "y": tile["y"] + each["y"]} for tile in tiles for each in tile["pictures"]
    ]


def overlap(first: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two rectangles share more than a line."""
    return all(
        first[at] < other[at] + other[size] - 0.5 and other[at] < first[at] + first[size] - 0.5
        for at, size in (("x", "width"), ("y", "height"))
    )


@pytest.mark.asyncio(loop_scope="session")
class TestGeometry:
    """The pure function, for windows of all kinds, every number of visits and every one of them in trouble."""

    async def test_pictures_are_16_to_9_inside_the_area_and_over_no_other(self, scripts: Page) -> None:
        for area in await scripts.evaluate(LAY_OUT, AREAS):
            for found in area["walls"] + area["zooms"]:
                if not found["fits"]:
                    continue
                boxes = pictures(found["tiles"])
                for box in boxes:
                    assert abs(box["height"] - box["width"] * 9 / 16) < 0.01
                    assert box["x"] >= -1 and box["x"] + box["width"] <= area["width"] + 1, found
                    assert box["y"] >= -1 and box["y"] + box["height"] <= area["height"] + 1, found
                assert not any(overlap(one, other) for one, other in combinations(boxes, 2)), found

    async def test_what_fits_has_no_picture_that_is_too_small_and_the_capacity_says_what_fits(
        self, scripts: Page
    ) -> None:
        for area in await scripts.evaluate(LAY_OUT, AREAS):
            for found in area["walls"]:
                narrowest = min(box["width"] for box in pictures(found["tiles"]))
                assert found["fits"] is (narrowest >= 160) is (found["count"] <= area["capacity"]), (
                    area["width"],
                    found,
                )
            for found in area["zooms"]:
                if found["fits"]:
                    assert min(box["width"] for box in pictures(found["tiles"])) >= 160

    async def test_the_visit_in_trouble_is_the_largest_and_no_trouble_turns_the_pictures(self, scripts: Page) -> None:
        for area in await scripts.evaluate(LAY_OUT, AREAS):
            calm = {found["count"]: found for found in area["walls"] if found["spot"] < 0}
            for found in area["walls"]:
                assert found["stacked"] is calm[found["count"]]["stacked"]
                widths = [tile["pictures"][0]["width"] for tile in found["tiles"]]
                if found["spot"] >= 0:
                    assert widths[found["spot"]] == max(widths)
                else:
                    assert len(set(widths)) == 1

    async def test_of_equal_trouble_the_visit_of_ones_duty_is_the_largest_and_places_stay(self, scripts: Page) -> None:
        chosen = await scripts.evaluate(SPOTLIGHTS)
        assert chosen == {"mine_first": "b", "worse_first": "a", "stays": "b", "mine_takes_it": "b", "calm": None}

    async def test_boxes_are_larger_where_rooms_send_pictures_of_another_shape(self, scripts: Page) -> None:
        least = "async (shapes) => (await import('/web/state/wall/wall_geometry.js')).leastFor(shapes)"
        for shapes, width in (([], 160), ([16 / 9], 160), ([16 / 9, 4 / 3], 214), ([21 / 9], 210), ([0.5], 214)):
            assert await scripts.evaluate(least, shapes) == width
        narrow = """async (area) => {
            const { capacity, wallGeometry } = await import("/web/state/wall/wall_geometry.js");
            return [capacity(area), wallGeometry(area, 9, 0)];
        }"""
        holds, nine = await scripts.evaluate(narrow, {"width": 1014, "height": 640, "least": 214})
        assert holds == 9 and min(box["width"] for box in pictures(nine["tiles"])) >= 214
        holds, nine = await scripts.evaluate(narrow, {"width": 750, "height": 640, "least": 214})
        assert holds == 6 and not nine["fits"]

    async def test_visits_keep_their_order_row_by_row(self, scripts: Page) -> None:
        for area in await scripts.evaluate(LAY_OUT, AREAS):
            for found in area["walls"]:
                others = [tile for at, tile in enumerate(found["tiles"]) if at != found["spot"]]
                places = [(round(tile["y"]), tile["x"]) for tile in others]
                assert places == sorted(places)


class TestOnThePage:
    """What the geometry leaves of a picture on the running page. The rooms send nothing, which changes no place."""

    async def test_what_is_wrong_with_a_visit_leaves_its_faces_free(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.set_viewport_size({"width": 1366, "height": 768})
        await layout(on_duty, 9)
        ids = [f"ses_{letter}" for letter in "abcdefghi"]
        short = {"prison": {"need": 2, "have": []}, "visitor": {"need": 2, "have": []}}
        for id in ids:
            alerts = [alert("alt_1", "black"), alert("alt_2", "silent", ago=9)]
            await server.put(with_media(live(id, quorum=short)), alerts=alerts)
        why = [{"code": "too_small", "zh": "画面过小", "en": "The picture is too small"}]
        lacking = [{"session": id, "counted": False, "why": why} for id in ids]
        await server.send("standing", sessions=lacking, prompt=None)
        await on_duty.locator('.duty-mark[data-level="bad"]').first.wait_for()
        for words in ("Switch to English", "切换为中文"):
            await on_duty.wait_for_function(f"(share) => ({FREE})() >= share", arg=0.3)
            await on_duty.get_by_role("button", name=words).click()

    async def test_a_window_that_holds_fewer_visits_says_so_and_offers_no_more(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.set_viewport_size({"width": 683, "height": 420})
        await on_duty.get_by_text("此窗口最多容纳 6 场").wait_for()
        for radio in await on_duty.get_by_role("radio").all():
            offered = int(await radio.get_attribute("value") or 0) <= 6
            assert await radio.is_enabled() is offered
