"""The auditors' player: both sides in step, speed without another pitch, keys, sounds, and the viewer's name."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.signaling.web.audit.conftest import LENGTH, TIMES, open_page
from tests.signaling.web.conftest import Tab
from tests.support.monitor.fake_archive import RECORDED, FakeArchive, detail
from tests.support.monitor.fake_server import FakeMonitor

MOST_APART = 0.06  # seconds between two films that play in step
READY = "() => [...document.querySelectorAll('.film video')].every((film) => film.readyState >= 3 && !film.seeking)"


async def sides(page: Page) -> None:
    """Choose the two sides, and wait until both can be played."""
    await page.get_by_role("radio", name="双方原画").check()
    await page.wait_for_function("() => document.querySelectorAll('.film video').length === 2")
    await page.wait_for_function(READY)


async def place(page: Page) -> float:
    """Return the second that is shown."""
    await page.wait_for_function(READY)
    return float((await page.evaluate(TIMES))[0])


async def reach(page: Page, second: float) -> None:
    """Wait until the first film stands at a second, to a hundredth."""
    await page.wait_for_function(f"() => Math.abs(({TIMES})()[0] - {second}) < 0.01")


async def press(page: Page, key: str) -> None:
    """Press a key with the focus on the page itself."""
    await page.locator(".visit-title").focus()
    await page.keyboard.press(key)


class TestPlaying:
    async def test_the_view_copy_plays_where_there_is_one(self, visit: Page) -> None:
        await expect(visit.locator(".film video")).to_have_count(1)
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.wait_for_function(f"() => ({TIMES})()[0] > 0.5")
        assert await visit.evaluate("() => document.querySelector('.film video').muted") is False
        await visit.get_by_role("button", name="暂停").click()

    @pytest.mark.parametrize("rate", [0.5, 1, 2, 4])
    async def test_both_sides_stay_in_step_at_every_speed(self, visit: Page, rate: float) -> None:
        await sides(visit)
        await visit.get_by_label("速度").select_option(str(rate))
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.evaluate("() => { document.querySelectorAll('.film video')[1].currentTime += 0.25 }")
        samples = f"""async () => {{
            const found = [];
            while (found.length < 40) {{
                await new Promise((done) => setTimeout(done, 50));
                const [a, b] = ({TIMES})();
                if (({READY})()) found.push(Math.abs(a - b));
            }}
            return found;
        }}"""
        await visit.wait_for_function(
            f"() => {{ const [a, b] = ({TIMES})(); return a > 0.5 && Math.abs(a - b) < 0.03 }}"
        )
        apart = sorted(await visit.evaluate(samples))
        assert apart[len(apart) // 2] < MOST_APART, apart  # a busy machine shows both late, now and then
        rates = await visit.evaluate("() => [...document.querySelectorAll('.film video')].map((f) => f.preservesPitch)")
        assert rates == [True, True]

    async def test_one_side_that_waits_for_data_holds_the_other(self, visit: Page) -> None:
        await sides(visit)
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.wait_for_function(f"() => ({TIMES})()[0] > 0.3")
        second = "document.querySelectorAll('.film video')[1]"
        stalled = "{get: () => 2, configurable: true}"
        await visit.evaluate(f"() => {{ Object.defineProperty({second}, 'readyState', {stalled}) }}")
        await expect(visit.get_by_text("正在缓冲")).to_be_visible()
        assert await visit.evaluate("() => document.querySelectorAll('.film video')[0].paused")
        await visit.evaluate(f"() => {{ delete {second}.readyState }}")
        await expect(visit.get_by_text("正在缓冲")).to_be_hidden()
        await visit.wait_for_function("() => !document.querySelectorAll('.film video')[0].paused")

    async def test_it_ends_at_the_end_and_begins_anew(self, visit: Page) -> None:
        await sides(visit)
        await press(visit, "9")
        await visit.get_by_label("速度").select_option("4")
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.locator('.film[data-playing="false"]').wait_for()
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.wait_for_function(f"() => ({TIMES})()[0] < 20 && ({TIMES})()[0] > 0")


class TestSounds:
    async def test_either_side_is_heard_alone(self, visit: Page) -> None:
        await sides(visit)
        await visit.get_by_role("group", name="声音").get_by_label("会见人").uncheck()
        muted = "() => [...document.querySelectorAll('.film video')].map((film) => film.muted)"
        assert await visit.evaluate(muted) == [False, True]

    async def test_the_officers_voice_is_a_film_of_its_own(self, visit: Page) -> None:
        await sides(visit)
        await expect(visit.locator(".film audio")).to_have_count(1)
        assert (await visit.locator(".film audio").get_attribute("src") or "").endswith("/sides/supervisors")
        await visit.get_by_role("group", name="声音").get_by_label("管理员插话").uncheck()
        await expect(visit.locator(".film audio")).to_have_count(0)

    async def test_of_the_view_copy_one_side_is_heard_beside_its_silent_picture(self, visit: Page) -> None:
        await visit.get_by_role("group", name="声音").get_by_label("会见人").uncheck()
        await expect(visit.locator(".film audio")).to_have_count(2)
        assert await visit.evaluate("() => document.querySelector('.film video').muted")
        await visit.get_by_role("button", name="播放", exact=True).click()
        await visit.wait_for_function(f"() => ({TIMES})().every((time) => time > 0.5)")
        first, *others = await visit.evaluate(TIMES)
        assert all(abs(first - other) < 0.3 for other in others)

    async def test_no_officers_voice_is_offered_where_none_spoke(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        silent = detail()
        silent["lanes"]["speech"]["supervisors"] = []
        archive.details[RECORDED] = silent
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.get_by_role("group", name="声音").get_by_label("管理员插话")).to_be_disabled()
        await tab.leave(server)


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "second"), [("5", 20.0), ("0", 0.0), ("l", 10.0), ("ArrowRight", 5.0), (".", 0.04), ("]", 1.0)]
    )
    async def test_lead_to_places_of_the_film(self, visit: Page, key: str, second: float) -> None:
        await press(visit, key)
        await reach(visit, second)

    @pytest.mark.parametrize(("key", "second"), [("j", 10.0), ("ArrowLeft", 15.0), (",", 19.96), ("[", 16.0)])
    async def test_lead_back(self, visit: Page, key: str, second: float) -> None:
        await press(visit, "5")
        await reach(visit, 20.0)
        await press(visit, key)
        await reach(visit, second)

    async def test_space_and_k_play_and_pause(self, visit: Page) -> None:
        await press(visit, " ")
        await visit.locator('.film[data-playing="true"]').wait_for()
        await press(visit, "k")
        await visit.locator('.film[data-playing="false"]').wait_for()

    async def test_space_on_a_button_presses_the_button_alone(self, visit: Page) -> None:
        await visit.get_by_role("button", name="列表", exact=True).focus()
        await visit.keyboard.press(" ")
        await expect(visit.locator(".timeline-list")).to_be_visible()
        await expect(visit.locator('.film[data-playing="false"]')).to_be_visible()

    async def test_plus_and_minus_change_the_speed(self, visit: Page) -> None:
        await press(visit, "+")
        await expect(visit.get_by_label("速度")).to_have_value("1.25")
        await press(visit, "-")
        await press(visit, "-")
        await expect(visit.get_by_label("速度")).to_have_value("0.75")

    async def test_letters_that_are_typed_are_no_keys(self, visit: Page) -> None:
        await visit.get_by_label("内容").fill("")
        await visit.get_by_label("内容").press_sequentially("5 kl")
        assert await place(visit) == 0
        await expect(visit.get_by_label("内容")).to_have_value("5 kl")

    async def test_the_help_shows_every_key(self, visit: Page) -> None:
        await press(visit, "?")
        await expect(visit.get_by_role("dialog").get_by_role("row")).to_have_count(12)
        await visit.keyboard.press("Escape")
        await expect(visit.get_by_role("dialog")).to_have_count(0)
        await expect(visit.locator(".film")).to_be_visible()


class TestTheViewCopy:
    async def test_that_is_not_made_yet_shows_its_progress_while_the_sides_play(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        archive.copy = {"state": "making", "progress": 0.42, "bytes": None, "reason": None}
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await expect(page.get_by_text("正在生成合成副本：42%")).to_be_visible()
        await page.wait_for_function(f"() => ({LENGTH})() > 39")
        await expect(page.locator(".film video")).to_have_count(2)
        await expect(page.get_by_role("radio", name="合成副本")).to_be_disabled()
        archive.copy = {"state": "ready", "progress": 1.0, "bytes": 1, "reason": None}
        await expect(page.get_by_role("radio", name="合成副本")).to_be_enabled()
        await expect(page.locator(".film-copy")).to_be_hidden()
        await tab.leave(server)

    async def test_that_failed_is_made_again_by_a_button(
        self, tab: Tab, server: FakeMonitor, archive: FakeArchive
    ) -> None:
        archive.copy = {"state": "failed", "progress": 0.0, "bytes": None, "reason": "x"}
        page = await open_page(tab, server, f"#visit={RECORDED}")
        await page.get_by_role("button", name="生成副本").click()
        await expect(page.get_by_text("正在生成合成副本：30%")).to_be_visible()
        assert archive.orders == [("copy", RECORDED, {})]
        await tab.leave(server)


class TestTheViewer:
    async def test_is_named_with_the_time_over_the_picture(self, visit: Page) -> None:
        mark = visit.locator(".viewer-mark span").first
        await expect(mark).to_contain_text("李明 li-ming")
        assert (await mark.inner_text()).count(":") == 2

    async def test_has_no_controls_of_the_browser_that_would_show_the_film_alone(self, visit: Page) -> None:
        film: dict[str, Any] = await visit.evaluate(
            "() => { const f = document.querySelector('.film video'); "
            "return {controls: f.controls, pip: f.disablePictureInPicture} }"
        )
        assert film == {"controls": False, "pip": True}
