"""Quality of received media: rates and grades, the line under a picture, the details, and the meters."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.signaling.web.test_wall import layout
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import live

GRADES = re.compile("良好|一般|差|停帧")  # which of them depends on how busy this machine is


class TestQuality:
    """Grades from counters as a browser reports them, and the line under a picture that is really received."""

    async def _rate(self, scripts: Page, *seconds: dict[str, float]) -> Any:
        script = """async (all) => {
            const { QualityWindow, grade } = await import("/web/media/quality.js");
            const window = new QualityWindow();
            let rates = null;
            all.forEach(({ frames, frozen = 0, lost = 0, trip = 0.04, wait = 0 }, at) => {
                const packets = 100 * at;
                rates = window.add({
                    at: 1000 * at, trip, audio: { bytes: 0, packets: 0, lost: 0 },
                    video: { bytes: 125_000 * at, packets, lost, frames, frozen, buffered: wait * at, emitted: at },
                });
            });
            return { ...rates, grade: grade(rates) };
        }"""
        return await scripts.evaluate(script, json.loads(json.dumps(seconds)))

    async def test_rates_are_those_of_the_last_second(self, scripts: Page) -> None:
        rates = await self._rate(scripts, {"frames": 0}, {"frames": 25, "wait": 0.08})
        assert (rates["kbps"], rates["fps"], rates["loss"], rates["grade"]) == (1000, 25, 0, "good")
        assert rates["delay"] == pytest.approx(100)  # half of 40 ms, and 80 in the buffer

    async def test_a_freeze_is_shown_while_it_lasts_and_for_ten_seconds_after(self, scripts: Page) -> None:
        flow = [{"frames": 25 * n} for n in range(4)]
        rates = await self._rate(scripts, *flow, {"frames": 75}, {"frames": 75})
        assert (rates["still"], rates["grade"]) == (2000, "poor")
        assert rates["frozen"] == pytest.approx(2 / 5)
        after = [{"frames": 75 + 25 * n, "frozen": 2} for n in range(1, 5)]
        rates = await self._rate(scripts, *flow, {"frames": 75}, {"frames": 75}, *after)
        assert rates["still"] == 0 and rates["frozen"] == pytest.approx(2 / 9)
        later = [{"frames": 175 + 25 * n, "frozen": 2} for n in range(1, 13)]
        rates = await self._rate(scripts, *flow, {"frames": 75}, {"frames": 75}, *after, *later)
        assert (rates["frozen"], rates["grade"]) == (0, "good")

    @pytest.mark.parametrize(
        ("change", "grade"),
        [({"lost": 3}, "fair"), ({"lost": 20}, "poor"), ({"trip": 0.8}, "fair"), ({"trip": 2}, "poor"), ({}, "good")],
    )
    async def test_the_worst_number_decides_the_grade(
        self, scripts: Page, change: dict[str, float], grade: str
    ) -> None:
        assert (await self._rate(scripts, {"frames": 0}, {"frames": 25, **change}))["grade"] == grade

    async def test_a_frozen_picture_is_marked_although_its_sound_goes_on(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await expect(on_duty.locator(".picture .grade:visible")).to_have_text([GRADES, GRADES])
        numbers = on_duty.get_by_role("region", name="画面质量").locator(".numbers").first
        for words in ("丢包 0.0%", "时延", "帧/秒", "停顿 0%"):
            await expect(numbers).to_contain_text(words)
        server.freeze("ses_a/visitor")
        await expect(on_duty.locator(".frozen").nth(1)).to_be_visible()
        await expect(on_duty.locator(".picture .grade").nth(1)).to_contain_text("停帧")
        await expect(on_duty.locator(".frozen").nth(0)).to_be_hidden()
        server.unmute("ses_a/visitor")
        await expect(on_duty.locator(".frozen").nth(1)).to_be_hidden()
        assert server.posts == 2

    async def test_the_details_show_what_a_room_sends_and_what_the_other_room_receives(
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


class TestMeters:
    async def test_meters_move_also_on_tiles_that_are_not_listened_to(self, on_duty: Page, server: FakeMonitor) -> None:
        await layout(on_duty, 4)
        for name in ("ses_a", "ses_b", "ses_c"):
            await server.put(live(name))
        await on_duty.locator(".tile").first.get_by_role("button", name="收听双方").click()
        sounding = "() => document.querySelectorAll('.meter[data-sounding=\"true\"]').length"
        await on_duty.wait_for_function(f"() => ({sounding})() === 6")
        server.mute("ses_c/visitor")
        await on_duty.wait_for_function(f"() => ({sounding})() === 5")  # a silent room is visible
