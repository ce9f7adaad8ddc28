"""The wall of the supervisors' page: how much it shows, for what its officer is on duty, one in full, and every key."""

import json
import re
import time
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import checking_in, live, session

NOT_CHOSEN = {"code": "not_chosen", "zh": "未选择本场", "en": "Not chosen"}
GRADES = re.compile("良好|一般|差|停帧")  # which of them depends on how busy this machine is
ARRANGE = """async ([open, now]) => {
    const { arrange } = await import("/web/state/wall_places.js");
    return arrange(open, { limit: 2, size: 4, duty: [], declined: [], first: [], wall: [], ...now });
}"""
NO_ROOM = """() => [...document.querySelectorAll(".tile")].filter(
    (tile) => tile.scrollWidth > tile.clientWidth + 1 || tile.scrollHeight > tile.clientHeight + 1).length"""
SCROLLS = (
    """() => document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth"""
)


def watched(server: FakeMonitor) -> list[str]:
    """The sessions of which something is received, sorted."""
    return sorted({where.split("/")[0] for where in server.watched})


def duty(server: FakeMonitor) -> list[str]:
    """For what the page last said that its officer wants to count, sorted."""
    return sorted(server.presence[-1]["duty"]) if server.presence else []


def shown(server: FakeMonitor) -> list[str]:
    """What the page last said that it shows."""
    return sorted(f"{one['session']}/{one['side']}" for one in server.presence[-1]["showing"])


async def checked_in(server: FakeMonitor, *names: str) -> None:
    """So many sessions whose rooms do not send yet: cheap to watch."""
    for name in names:
        await server.put(checking_in(name))


async def layout(page: Page, size: int) -> None:
    await page.get_by_role("radio", name=str(size), exact=True).check(force=True)


class TestWhatStandsWhere:
    """The pure part."""

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
        ],
        ids=["by_time", "one", "smaller_than_duty", "kept_first", "declined", "by_hand", "over", "more_than_there_is"],
    )
    async def test_duty_is_never_dropped_and_the_rest_fills_the_wall(
        self, page: Page, now: dict[str, Any], duty: list[str], wall: list[str]
    ) -> None:
        assert await page.evaluate(ARRANGE, [list("abcde"), now]) == {"duty": duty, "wall": wall}


class TestLayouts:
    async def test_more_may_be_looked_at_than_counts_and_the_difference_is_seen(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await checked_in(server, "ses_a", "ses_b", "ses_c")
        await server.until(lambda: watched(server) == ["ses_a", "ses_b"] and duty(server) == ["ses_a", "ses_b"])
        await layout(on_duty, 4)
        await server.until(lambda: watched(server) == ["ses_a", "ses_b", "ses_c"])
        assert duty(server) == ["ses_a", "ses_b"]
        marks = on_duty.locator(".duty-mark")
        await expect(marks).to_have_text(["值守", "值守", "仅观看"])
        await expect(marks.nth(2)).to_have_attribute("aria-pressed", "false")
        rows = on_duty.get_by_role("navigation").locator(".watched")
        await expect(rows).to_have_text(["值守", "值守", "仅观看"])

    async def test_what_is_only_looked_at_is_no_fault_of_the_officer(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a", "ses_b", "ses_c")
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

    async def test_a_smaller_wall_keeps_the_duty_and_says_so(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 4)
        await server.until(lambda: len(watched(server)) == 3)
        await layout(on_duty, 1)
        await expect(on_duty.get_by_text("值守的 2 场仍留在墙上")).to_be_visible()
        await server.until(lambda: watched(server) == ["ses_a", "ses_b"])
        assert duty(server) == ["ses_a", "ses_b"]

    async def test_it_is_remembered_by_the_browser_and_the_duty_by_the_window(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await checked_in(server, "ses_a", "ses_b", "ses_c")
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

    @pytest.mark.parametrize("stored", ['"nine"', "{", "7", "null"])
    async def test_what_somebody_wrote_into_the_storage_does_no_harm(
        self, on_duty: Page, server: FakeMonitor, stored: str
    ) -> None:
        await on_duty.evaluate(
            """(value) => {
                for (const key of ["huijian.layout", "huijian.language"]) localStorage.setItem(key, value);
                sessionStorage.setItem("huijian.wall.li-ming", value);
            }""",
            stored,
        )
        await checked_in(server, "ses_a")
        await on_duty.reload()
        await server.until(lambda: duty(server) == ["ses_a"])
        await expect(on_duty.get_by_role("radio", name="2", exact=True)).to_be_checked()

    @pytest.mark.parametrize("size", [(1366, 768), (1920, 1080)], ids=["1366x768", "1920x1080"])
    @pytest.mark.parametrize("count", [1, 4, 9])
    async def test_nothing_scrolls_and_nothing_is_cut_off(
        self, on_duty: Page, server: FakeMonitor, size: tuple[int, int], count: int
    ) -> None:
        await on_duty.set_viewport_size({"width": size[0], "height": size[1]})
        await layout(on_duty, count)
        await checked_in(server, *[f"ses_{letter}" for letter in "abcdefghi"[:count]])
        for words in ("Switch to English", "切换为中文"):
            await expect(on_duty.locator(".tile")).to_have_count(count)
            assert await on_duty.evaluate(NO_ROOM) == 0
            assert await on_duty.evaluate(SCROLLS) is False
            smallest = "() => Math.min(...[...document.querySelectorAll('video')].map((v) => v.clientHeight))"
            assert await on_duty.evaluate(smallest) >= 60
            await on_duty.get_by_role("button", name=words).click()


class TestDuty:
    async def test_leaving_it_is_asked_because_a_quorum_suffers(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a")
        await server.until(lambda: duty(server) == ["ses_a"])
        await on_duty.locator(".duty-mark").click()
        await expect(on_duty.get_by_role("dialog")).to_contain_text("您不再计入这一场的监督人数")
        await on_duty.get_by_role("button", name="取消").click()
        assert duty(server) == ["ses_a"]
        await on_duty.locator(".duty-mark").click()
        await on_duty.get_by_role("button", name="确认放下").click()
        await server.until(lambda: duty(server) == [])
        await checked_in(server, "ses_b")
        await server.until(lambda: duty(server) == ["ses_b"])  # and is not taken up again by itself

    async def test_what_becomes_duty_by_itself_is_said(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a")
        await expect(on_duty.locator("#announce")).to_have_text("由您值守：三监区 1 号会见室 ⇄ 会见室 2")

    async def test_a_third_is_taken_only_for_one_that_is_named(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a", "ses_b", "ses_c")
        await layout(on_duty, 4)
        await server.until(lambda: len(watched(server)) == 3)
        await on_duty.locator(".duty-mark").nth(2).click()
        dialog = on_duty.get_by_role("dialog", name="改为值守这一场")
        await expect(dialog.get_by_role("radio")).to_have_count(2)
        await expect(dialog.get_by_role("radio").nth(1)).to_be_checked()
        await dialog.get_by_role("radio").nth(0).check()
        await dialog.get_by_role("button", name="确认改看").click()
        await server.until(lambda: duty(server) == ["ses_b", "ses_c"])
        assert watched(server) == ["ses_a", "ses_b", "ses_c"]  # it is still looked at


class TestOneInFull:
    async def test_what_else_is_duty_stays_in_sight_and_what_is_looked_at_does_not(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
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
        assert server.posts == 6  # no picture was asked for anew

    async def test_one_picture_in_full_keeps_the_other_one_of_its_visit(
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

    async def test_it_ends_with_its_visit(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a", "ses_b")
        await expect(on_duty.locator(".tile")).to_have_count(2)
        await on_duty.keyboard.press("Enter")
        await expect(on_duty.locator(".tiles")).to_have_attribute("data-zoom", "true")
        await server.put(session("ses_a"), state="ended")
        await expect(on_duty.locator(".tiles")).to_have_attribute("data-zoom", "false")


class TestKeys:
    async def _chosen(self, page: Page, number: int) -> None:
        await expect(page.locator(".tile").nth(number)).to_have_attribute("data-chosen", "true")

    async def test_arrows_and_digits_choose_as_it_looks_on_the_screen(self, on_duty: Page, server: FakeMonitor) -> None:
        await layout(on_duty, 4)
        await on_duty.locator("#wall").focus()
        await checked_in(server, "ses_a", "ses_b", "ses_c", "ses_d")
        await expect(on_duty.locator(".tile")).to_have_count(4)
        for key, number in (
            ("ArrowRight", 1),
            ("ArrowDown", 3),
            ("ArrowLeft", 2),
            ("ArrowLeft", 2),
            ("2", 1),
            ("9", 1),
        ):
            await on_duty.keyboard.press(key)
            await self._chosen(on_duty, number)
        await expect(on_duty.locator(".tile").nth(1)).to_be_focused()

    async def test_sound_duty_zoom_and_layout(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.locator(".tile")).to_have_count(1)
        await on_duty.keyboard.press("s")
        await expect(on_duty.get_by_role("button", name="收听双方")).to_have_attribute("aria-pressed", "true")
        await on_duty.keyboard.press("S")
        await expect(on_duty.get_by_role("button", name="收听双方")).to_have_attribute("aria-pressed", "false")
        for key, side in (("Enter", ""), ("p", "prison"), ("v", "visitor")):
            await on_duty.keyboard.press(key)
            await expect(on_duty.locator('.tile[data-zoomed="true"]')).to_have_attribute("data-side", side)
        await on_duty.keyboard.press("Escape")
        await expect(on_duty.locator('.tile[data-zoomed="true"]')).to_have_count(0)
        await on_duty.keyboard.press("l")
        await expect(on_duty.get_by_role("radio", name="4", exact=True)).to_be_checked()
        await on_duty.keyboard.press("d")
        await expect(on_duty.get_by_role("dialog", name="不再值守这一场")).to_be_visible()

    @pytest.mark.parametrize(
        ("key", "dialog"),
        [("w", "劝阻"), ("m", "静音"), ("Shift+M", "静音"), ("h", "中止会见"), ("e", "终止会见"), ("F9", "停止会见")],
    )
    async def test_a_key_opens_what_its_button_opens(
        self, on_duty: Page, server: FakeMonitor, key: str, dialog: str
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        await on_duty.keyboard.press(key)
        await expect(on_duty.get_by_role("dialog", name=dialog)).to_be_visible()

    async def test_a_key_does_nothing_that_its_button_may_not(self, on_duty: Page, server: FakeMonitor) -> None:
        await checked_in(server, "ses_a")
        await expect(on_duty.locator(".tile")).to_have_count(1)
        for key in ("h", "r", "t"):  # neither live nor held
            await on_duty.keyboard.press(key)
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        assert server.orders == []

    async def test_a_key_speaks_as_long_as_it_is_held(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.get_by_role("button", name="对双方")).to_be_enabled()
        await on_duty.keyboard.down("t")
        await expect(on_duty.locator(".on-air")).to_contain_text("正在插话")
        await on_duty.wait_for_timeout(450)  # longer than a short press
        await on_duty.keyboard.up("t")
        await expect(on_duty.locator(".on-air")).to_be_hidden()
        assert server.orders[0]["sides"] == ["prison", "visitor"]

    async def test_they_rest_while_somebody_writes_or_a_dialog_is_open(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        await on_duty.keyboard.press("n")
        await expect(on_duty.get_by_label("记录内容")).to_be_focused()
        await on_duty.keyboard.type("whde?1")
        await expect(on_duty.get_by_label("记录内容")).to_have_value("whde?1")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await on_duty.keyboard.press("F9")  # the stop alone
        await expect(on_duty.get_by_role("dialog", name="停止会见")).to_be_visible()
        await on_duty.keyboard.press("h")
        await expect(on_duty.get_by_role("dialog")).to_have_count(1)

    async def test_the_help_names_every_key_and_can_switch_the_letters_off(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        await on_duty.keyboard.press("?")
        dialog = on_duty.get_by_role("dialog", name="键盘操作")
        rows = await on_duty.evaluate("async () => (await import('/web/state/keys.js')).KEYS.length")
        await expect(dialog.get_by_role("row")).to_have_count(rows)
        await dialog.get_by_role("checkbox", name="启用字母和数字键").uncheck()
        await on_duty.keyboard.press("Escape")
        await on_duty.keyboard.press("w")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)
        await on_duty.keyboard.press("F9")
        await expect(on_duty.get_by_role("dialog", name="停止会见")).to_be_visible()

    async def test_with_other_keys_held_the_browser_has_them(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        for held in ("Control", "Alt", "Meta"):
            await on_duty.keyboard.press(f"{held}+e")
        await expect(on_duty.get_by_role("dialog")).to_have_count(0)

    async def test_every_button_that_names_a_key_is_in_the_table(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.get_by_role("button", name="停止会见").wait_for()
        named = await on_duty.evaluate(
            "() => [...document.querySelectorAll('[aria-keyshortcuts]')].map((one) => one.ariaKeyShortcuts)"
        )
        keys = "async () => (await import('/web/state/keys.js')).KEYS.flatMap(({ keys }) => keys)"
        table = await on_duty.evaluate(keys)
        assert len(named) == len(set(named)) >= 8 and set(named) <= set(table)


class TestTheList:
    async def test_is_grouped_by_what_goes_on_with_counts(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live("ses_a"))
        await server.put(live("ses_b"), state="held", gate="shut")
        await checked_in(server, "ses_c")
        for number in range(3):
            await server.put(session(f"ses_l{number}", 60))
        await server.put(session("ses_o", -90), state="ended")
        headings = on_duty.get_by_role("navigation").get_by_role("heading", level=3)
        await expect(headings).to_have_text(["进行中 2", "等候 1", "今日稍后 3", "已结束 1"])
        await server.put(live("ses_c"))
        await expect(headings).to_have_text(["进行中 3", "今日稍后 3", "已结束 1"])


class TestComingBack:
    async def test_nine_visits_are_all_back_within_three_seconds_of_a_reload(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await layout(on_duty, 9)
        names = [f"ses_{letter}" for letter in "abcdefghi"]
        await checked_in(server, *names)
        await server.until(lambda: len(server.watched) == 18 and len(duty(server)) == 2)
        before = duty(server)
        server.presence.clear()
        began = time.monotonic()
        await on_duty.reload()
        await server.until(lambda: server.posts >= 36 and len(server.watched) == 18, patience=20)
        await server.until(lambda: duty(server) == before)
        # the stand-in answers eighteen offers with aiortc on the test's own core, which is most of this time
        assert time.monotonic() - began < 10

    async def test_a_refusal_that_names_a_time_is_tried_again_at_that_time(
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
        await checked_in(server, "ses_a")
        await expect(on_duty.get_by_text("请求过多")).to_have_count(2)
        del server.refuse["whep"]
        await server.until(lambda: len(server.watched) == 2, patience=4)
        complaints.errors.clear()  # the browser's own lines about the 429


class TestQuality:
    """The pure part is asked with counters as a browser counts; the line under the picture with a real one."""

    async def _course(self, page: Page, *seconds: dict[str, float]) -> Any:
        script = """async (all) => {
            const { QualityWindow, grade } = await import("/web/media/quality.js");
            const window = new QualityWindow();
            let told = null;
            all.forEach(({ frames, frozen = 0, lost = 0, trip = 0.04, wait = 0 }, at) => {
                const packets = 100 * at;
                told = window.add({
                    at: 1000 * at, trip, audio: { bytes: 0, packets: 0, lost: 0 },
                    video: { bytes: 125_000 * at, packets, lost, frames, frozen, buffered: wait * at, emitted: at },
                });
            });
            return { ...told, grade: grade(told) };
        }"""
        return await page.evaluate(script, json.loads(json.dumps(seconds)))

    async def test_rates_of_the_last_second(self, page: Page) -> None:
        told = await self._course(page, {"frames": 0}, {"frames": 25, "wait": 0.08})
        assert (told["kbps"], told["fps"], told["loss"], told["grade"]) == (1000, 25, 0, "good")
        assert told["delay"] == pytest.approx(100)  # half of 40 ms, and 80 in the buffer

    async def test_standing_still_shows_while_it_lasts_and_for_ten_seconds_after(self, page: Page) -> None:
        flow = [{"frames": 25 * n} for n in range(4)]
        told = await self._course(page, *flow, {"frames": 75}, {"frames": 75})
        assert (told["still"], told["grade"]) == (2000, "poor")
        assert told["frozen"] == pytest.approx(2 / 5)
        after = [{"frames": 75 + 25 * n, "frozen": 2} for n in range(1, 5)]
        told = await self._course(page, *flow, {"frames": 75}, {"frames": 75}, *after)
        assert told["still"] == 0 and told["frozen"] == pytest.approx(2 / 9)
        later = [{"frames": 175 + 25 * n, "frozen": 2} for n in range(1, 13)]
        told = await self._course(page, *flow, {"frames": 75}, {"frames": 75}, *after, *later)
        assert (told["frozen"], told["grade"]) == (0, "good")

    @pytest.mark.parametrize(
        ("change", "grade"),
        [({"lost": 3}, "fair"), ({"lost": 20}, "poor"), ({"trip": 0.8}, "fair"), ({"trip": 2}, "poor"), ({}, "good")],
    )
    async def test_the_worst_number_decides(self, page: Page, change: dict[str, float], grade: str) -> None:
        assert (await self._course(page, {"frames": 0}, {"frames": 25, **change}))["grade"] == grade

    async def test_a_picture_that_freezes_says_so_although_its_sound_goes_on(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.locator(".picture .grade:visible")).to_have_text([GRADES, GRADES])
        numbers = on_duty.locator(".picture .numbers").first
        for words in ("丢包 0.0%", "时延", "帧/秒", "停顿 0%"):
            await expect(numbers).to_contain_text(words)
        server.freeze("ses_a/visitor")
        await expect(on_duty.locator(".frozen").nth(1)).to_be_visible()
        await expect(on_duty.locator(".picture .grade").nth(1)).to_contain_text("停帧")
        await expect(on_duty.locator(".frozen").nth(0)).to_be_hidden()
        server.unmute("ses_a/visitor")
        await expect(on_duty.locator(".frozen").nth(1)).to_be_hidden()
        assert server.posts == 2

    async def test_the_desk_says_what_the_room_sends_and_what_the_other_one_gets(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        room = {"user": None, "site": None, "side": "prison", "receiving": True, "consent": True, "consent_ms": 1}
        room |= {"reports": True, "report_ms": 5, "loss": 0.031, "jitter_ms": 12.4, "round_trip_ms": None}
        await server.quality("ses_a", 0.08, room, {**room, "side": "visitor", "receiving": False})
        part = on_duty.get_by_role("region", name="画面质量")
        await expect(part).to_contain_text("会见室发出 1.2 Mb/s，上行丢包 8.0%")
        await expect(part).to_contain_text("对方会见室收到：丢包 3.1%，抖动 12 毫秒")
        await expect(part).to_contain_text("对方会见室没有收到")
        await expect(part.locator(".grade").first).to_have_text(GRADES)


class TestEveryRoomIsHeard:
    async def test_meters_move_on_tiles_that_nobody_listens_to(self, on_duty: Page, server: FakeMonitor) -> None:
        await layout(on_duty, 4)
        for name in ("ses_a", "ses_b", "ses_c"):
            await server.put(live(name))
        await on_duty.locator(".tile").first.get_by_role("button", name="收听双方").click()
        sounding = "() => document.querySelectorAll('.meter[data-sounding=\"true\"]').length"
        await on_duty.wait_for_function(f"() => ({sounding})() === 6")
        server.mute("ses_c/visitor")
        await on_duty.wait_for_function(f"() => ({sounding})() === 5")  # a silent room is seen


class TestAShiftOfEightHours:
    async def _size(self, page: Page) -> tuple[float, float]:
        """Elements and listeners that the page keeps alive."""
        tool = await page.context.new_cdp_session(page)
        await tool.send("Performance.enable")
        await tool.send("HeapProfiler.collectGarbage")
        told = {one["name"]: one["value"] for one in (await tool.send("Performance.getMetrics"))["metrics"]}
        await tool.detach()
        return told["Nodes"], told["JSEventListeners"]

    async def test_visits_that_come_and_go_leave_nothing_behind(self, on_duty: Page, server: FakeMonitor) -> None:
        sizes = []
        for _ in range(8):
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
            await expect(on_duty.locator("video")).to_have_count(2)  # of the one that is chosen
            sizes.append(await self._size(on_duty))
        early, late = sizes[2], sizes[-1]
        assert late[0] <= early[0] * 1.1 and late[1] <= early[1] * 1.1, sizes
