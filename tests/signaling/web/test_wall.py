"""The wall of the supervisors' page: its layouts, the duty of its officer, and one visit in full."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import checking_in, live, session
from tests.support.patience import PATIENCE

NOT_CHOSEN = {"code": "not_chosen", "zh": "未选择本场", "en": "Not chosen"}
ARRANGE = """async ([open, now]) => {
    const { arrange } = await import("/web/state/wall/wall_places.js");
    return arrange(open, { limit: 2, size: 4, duty: [], declined: [], first: [], wall: [], ...now });
}"""
NO_ROOM = """() => [...document.querySelectorAll(".tile")].filter(
    (tile) => tile.scrollWidth > tile.clientWidth + 1 || tile.scrollHeight > tile.clientHeight + 1).length"""
SCROLLS = (
    """() => document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth"""
)


def watched(server: FakeMonitor) -> list[str]:
    """Return the sessions of which a side is received, sorted."""
    return sorted({where.split("/")[0] for where in server.watched})


def duty(server: FakeMonitor) -> list[str]:
    """Return the duty in the page's last report, sorted."""
    return sorted(server.presence[-1]["duty"]) if server.presence else []


def shown(server: FakeMonitor) -> list[str]:
    """Return the pictures in the page's last report."""
    return sorted(f"{shown['session']}/{shown['side']}" for shown in server.presence[-1]["showing"])


async def put_checking_in(server: FakeMonitor, *names: str) -> None:
    """Store sessions whose rooms do not send yet: they cost little to watch."""
    for name in names:
        await server.put(checking_in(name))


async def layout(page: Page, size: int) -> None:
    """Choose how many visits the wall holds."""
    await page.get_by_role("radio", name=str(size), exact=True).check(force=True)


class TestArrange:
    """Pure function that arranges wall and duty."""

    @pytest.mark.parametrize(
        ("now", "duty", "wall"),
        [
            ({}, ["a", "b"], ["a", "b", "c", "d"]),
            ({"size": 1}, ["a"], ["a"]),
            ({"size": 1, "duty": ["b", "c"]}, ["b", "c"], ["b", "c"]),
            ({"duty": ["e"], "size": 2}, ["e", "a"], ["e", "a"]),
            ({"declined": ["a"]}, ["b", "c"], ["b", "c", "a", "d"]),
            ({"first": ["e"], "duty": ["a", "b"], "wall": ["a", "b", "c", "d"]}, ["a", "b"], ["a", "b", "e", "c"]),
            ({"duty": ["gone", "b"]}, ["b", "a"], ["b", "a", "c", "d"]),
            ({"size": 9}, ["a", "b"], ["a", "b", "c", "d", "e"]),
            ({"duty": ["b"], "byHand": True}, ["b"], ["b", "a", "c", "d"]),
        ],
        ids=[
            "by_time",
            "one",
            "smaller_than_duty",
            "kept_first",
            "declined",
            "by_hand",
            "over",
            "more_than_there_is",
            "after_a_handover",
        ],
    )
    async def test_duty_is_never_dropped_and_the_rest_fills_the_wall(
        self, scripts: Page, now: dict[str, Any], duty: list[str], wall: list[str]
    ) -> None:
        assert await scripts.evaluate(ARRANGE, [list("abcde"), now]) == {"duty": duty, "wall": wall}


class TestLayouts:
    async def test_more_visits_may_be_watched_than_count_and_each_is_marked(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await put_checking_in(server, "ses_a", "ses_b", "ses_c")
        await server.until(lambda: watched(server) == ["ses_a", "ses_b"] and duty(server) == ["ses_a", "ses_b"])
        await layout(on_duty, 4)
        await server.until(lambda: watched(server) == ["ses_a", "ses_b", "ses_c"])
        assert duty(server) == ["ses_a", "ses_b"]
        marks = on_duty.locator(".duty-mark")
        await expect(marks).to_have_text(["值守", "值守", "仅观看"])
        await expect(marks.nth(2)).to_have_attribute("aria-pressed", "false")
        rows = on_duty.get_by_role("navigation").locator(".watched")
        await expect(rows).to_have_text(["值守", "值守", "仅观看"])

    async def test_a_visit_without_duty_does_not_lower_the_presence_status(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await put_checking_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 4)
        await server.until(lambda: len(watched(server)) == 3)
        yes: dict[str, Any] = {"session": "ses_a", "counted": True, "why": []}
        looked = {"session": "ses_c", "counted": False, "why": [NOT_CHOSEN]}
        await server.send("standing", sessions=[yes, {**yes, "session": "ses_b"}, looked], prompt=None)
        await expect(on_duty.locator("#presence-status")).to_have_text("已计入 2 场监督")
        lacking = {**looked, "session": "ses_b"}
        await server.send("standing", sessions=[yes, lacking, looked], prompt=None)
        await expect(on_duty.locator("#presence-status")).to_have_attribute("data-level", "bad")
        await expect(on_duty.locator(".duty-mark")).to_have_text(["值守", "未计入", "仅观看"])

    async def test_a_smaller_wall_keeps_the_duty_and_tells_the_officer(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await put_checking_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 4)
        await server.until(lambda: len(watched(server)) == 3 and duty(server) == ["ses_a", "ses_b"])
        await layout(on_duty, 1)
        await expect(on_duty.get_by_text("值守的 2 场仍留在墙上")).to_be_visible()
        await server.until(lambda: watched(server) == ["ses_a", "ses_b"])
        assert duty(server) == ["ses_a", "ses_b"]

    async def test_the_browser_remembers_the_layout_and_the_window_its_duty(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await put_checking_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 6)
        await on_duty.locator(".duty-mark").nth(0).click()
        await on_duty.get_by_role("button", name="确认放下").click()
        await server.until(lambda: duty(server) == ["ses_b", "ses_c"])
        await on_duty.reload()
        await server.until(lambda: duty(server) == ["ses_b", "ses_c"] and len(watched(server)) == 3)
        await expect(on_duty.get_by_role("radio", name="6", exact=True)).to_be_checked()
        another = await on_duty.context.new_page()
        await another.goto(f"{server.url}/monitor")
        await expect(another.get_by_role("radio", name="6", exact=True)).to_be_checked()
        await expect(another.locator(".duty-mark")).to_have_text(["值守", "值守", "仅观看"])

    async def test_storage_that_other_software_wrote_does_no_harm(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a")
        for stored in ('"nine"', "{", "7", "null"):
            await on_duty.evaluate(
                """(value) => {
                    for (const key of ["huijian.layout", "huijian.language"]) localStorage.setItem(key, value);
                    sessionStorage.setItem("huijian.wall.li-ming", value);
                }""",
                stored,
            )
            server.presence.clear()
            await on_duty.reload()
            await server.until(lambda: duty(server) == ["ses_a"])
            await expect(on_duty.get_by_role("radio", name="2", exact=True)).to_be_checked()

    @pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)], ids=["1366x768", "1920x1080"])
    async def test_nothing_scrolls_and_nothing_is_cut_off(
        self, on_duty: Page, server: FakeMonitor, size: tuple[int, int]
    ) -> None:
        await on_duty.set_viewport_size({"width": size[0], "height": size[1]})
        names = [f"ses_{letter}" for letter in "abcdefghi"]
        for count in (1, 4, 9):
            await layout(on_duty, count)
            await put_checking_in(server, *names[len(server.sessions) : count])
            for words in ("Switch to English", "切换为中文"):
                await expect(on_duty.locator(".tile")).to_have_count(count)
                assert await on_duty.evaluate(NO_ROOM) == 0
                assert await on_duty.evaluate(SCROLLS) is False
                smallest = "() => Math.min(...[...document.querySelectorAll('video')].map((v) => v.clientHeight))"
                assert await on_duty.evaluate(smallest) >= 90
                await on_duty.get_by_role("button", name=words).click()


class TestDuty:
    async def test_leaving_duty_is_confirmed_because_a_quorum_suffers(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a")
        await server.until(lambda: duty(server) == ["ses_a"])
        await on_duty.locator(".duty-mark").click()
        await expect(on_duty.get_by_role("dialog")).to_contain_text("您不再计入这一场的监督人数")
        await on_duty.get_by_role("button", name="取消").click()
        assert duty(server) == ["ses_a"]
        await on_duty.locator(".duty-mark").click()
        await on_duty.get_by_role("button", name="确认放下").click()
        await server.until(lambda: duty(server) == [])
        await put_checking_in(server, "ses_b")
        await server.until(lambda: duty(server) == ["ses_b"])  # the duty that was left is not taken again by the page

    async def test_duty_that_the_page_takes_is_announced(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a")
        await expect(on_duty.locator("#announce")).to_have_text("由您值守：王建国 ⇄ 官渡区司法局")

    async def test_a_third_duty_is_taken_only_in_exchange_for_another(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 4)
        await server.until(lambda: len(watched(server)) == 3)
        await on_duty.locator(".duty-mark").nth(2).click()
        dialog = on_duty.get_by_role("dialog", name="改为值守这一场")
        await expect(dialog.get_by_role("radio")).to_have_count(2)
        await expect(dialog.get_by_role("radio").nth(1)).not_to_be_checked()
        await dialog.get_by_role("radio").nth(0).check()
        await dialog.get_by_role("button", name="确认改为值守").click()
        await server.until(lambda: duty(server) == ["ses_b", "ses_c"])
        assert watched(server) == ["ses_a", "ses_b", "ses_c"]  # it is still watched


class TestZoom:
    async def test_other_duty_stays_visible_and_other_visits_do_not(self, on_duty: Page, server: FakeMonitor) -> None:
        await layout(on_duty, 4)
        for name in ("ses_a", "ses_b", "ses_c"):
            await server.put(live(name))
        await server.until(lambda: len(server.watched) == 6)
        await on_duty.locator(".tile").nth(0).get_by_role("button", name="放大", exact=True).click()
        await expect(on_duty.locator(".tile").nth(2)).to_be_hidden()
        both = ["ses_a/prison", "ses_a/visitor", "ses_b/prison", "ses_b/visitor"]
        await server.until(lambda: shown(server) == both)
        large, small = [await on_duty.locator("video").nth(n).bounding_box() for n in (0, 2)]
        assert large and small and large["width"] > 2 * small["width"] > 100
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.locator(".tile").nth(2)).to_be_visible()
        await server.until(lambda: len(shown(server)) == 6)
        assert server.posts == 6  # no side was subscribed to again

    async def test_a_zoomed_picture_keeps_the_other_one_of_its_visit_visible(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.locator(".screen").nth(1).dblclick()
        await expect(on_duty.locator(".tile")).to_have_attribute("data-side", "visitor")
        small, large = [await on_duty.locator("video").nth(n).bounding_box() for n in (0, 1)]
        assert large and small and large["width"] > 2 * small["width"] > 100
        await server.until(lambda: shown(server) == ["ses_a/prison", "ses_a/visitor"])
        await on_duty.locator(".screen").nth(1).dblclick()
        await expect(on_duty.locator(".tile")).to_have_attribute("data-zoomed", "false")

    async def test_the_zoom_ends_with_its_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        await put_checking_in(server, "ses_a", "ses_b")
        await expect(on_duty.locator(".tile")).to_have_count(2)
        await on_duty.keyboard.press("Enter")
        await expect(on_duty.locator(".tiles")).to_have_attribute("data-zoom", "true")
        await server.put(session("ses_a"), state="ended")
        await expect(on_duty.locator(".tiles")).to_have_attribute("data-zoom", "false")


class TestReconnecting:
    async def test_nine_visits_are_all_received_again_after_a_reload(self, on_duty: Page, server: FakeMonitor) -> None:
        await layout(on_duty, 9)
        names = [f"ses_{letter}" for letter in "abcdefghi"]
        await put_checking_in(server, *names)
        await server.until(lambda: len(server.watched) == 18 and len(duty(server)) == 2)
        before = duty(server)
        server.presence.clear()
        await on_duty.reload()
        await server.until(lambda: server.posts >= 36 and len(server.watched) == 18)
        await server.until(lambda: duty(server) == before)

    async def test_a_refusal_with_a_time_is_tried_again_at_that_time(
        self, on_duty: Page, server: FakeMonitor, complaints: Any
    ) -> None:
        words = {"code": "too_many", "title": "请求过多", "title_en": "Too many", "detail": "请在 1 秒后再试。"}
        server.refuse["whep"] = {
            **words,
            "detail_en": "Try again in 1 s.",
            "status": 429,
            "type": "x",
            "retry_after": 1,
        }
        await put_checking_in(server, "ses_a")
        await expect(on_duty.get_by_text("请求过多")).to_have_count(2)
        del server.refuse["whep"]
        await server.until(lambda: len(server.watched) == 2)
        complaints.errors.clear()  # the browser's own messages about the 429


class TestLongShift:
    async def _size(self, page: Page) -> tuple[float, float]:
        """Return the elements and the listeners that the page keeps alive."""
        tool = await page.context.new_cdp_session(page)
        await tool.send("Performance.enable")
        await tool.send("HeapProfiler.collectGarbage")
        metrics = {entry["name"]: entry["value"] for entry in (await tool.send("Performance.getMetrics"))["metrics"]}
        await tool.detach()
        return metrics["Nodes"], metrics["JSEventListeners"]

    async def test_visits_that_come_and_go_leave_no_elements_and_listeners(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        early = (0.0, 0.0)
        for number in range(5):
            await server.put(checking_in("ses_a"))
            await server.until(lambda: len(server.watched) == 2)
            await on_duty.keyboard.press("w")
            await on_duty.get_by_role("dialog").wait_for()
            await on_duty.keyboard.press("Escape")
            await expect(on_duty.get_by_role("dialog")).to_have_count(0)
            await server.put(session("ses_a"), state="ended")
            await server.until(lambda: server.watched == [])
            await expect(on_duty.locator(".slate")).to_be_visible()
            await server.put(checking_in("ses_b"))
            await server.until(lambda: len(server.watched) == 2)
            await server.put(session("ses_b"), state="ended")
            await expect(on_duty.locator("video")).to_have_count(2)  # of the chosen visit
            if number == 1:
                early = await self._size(on_duty)
        # a request keeps its timeout for eight seconds after its answer, which a busy machine may take into account
        async with asyncio.timeout(PATIENCE):
            while any(late > before * 1.1 for before, late in zip(early, await self._size(on_duty), strict=True)):
                await asyncio.sleep(1)


class TestDrill:
    """Yunnan 25: only programs count in a drill, so that it takes no place of an officer and rings no alarm."""

    async def test_takes_no_place_on_the_wall_and_rings_no_alarm(self, on_duty: Page, server: FakeMonitor) -> None:
        lost = {"code": "quorum_lost", "zh": "管理员不足，会见中止", "en": "Too few supervisors are watching"}
        await server.put({**live("d"), "state": "held", "reason": lost}, drill=True)
        await put_checking_in(server, "a")
        await server.until(lambda: watched(server) == ["a"])
        await expect(on_duty.get_by_role("alert").filter(has_text="监督")).to_have_count(0)
        await server.until(lambda: duty(server) == ["a"])
