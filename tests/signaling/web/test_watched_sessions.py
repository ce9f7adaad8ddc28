"""Watched sessions: both sides are received from check-in on, decoded, played by choice, and released at once."""

from typing import Any

from playwright.async_api import Page, expect

from tests.signaling.web.conftest import Complaints
from tests.support.monitor.fake_server import FakeMonitor
from tests.support.monitor.visits import because, checking_in, live, with_media

BOTH = ["ses_a/prison", "ses_a/visitor"]
FRAMES = """() => [...document.querySelectorAll("video")].map((v) => v.getVideoPlaybackQuality().totalVideoFrames)"""
MUTED = """() => [...document.querySelectorAll("video")].map((v) => v.muted)"""
METERS = """() => [...document.querySelectorAll(".meter")].every((m) => m.dataset.sounding === "true")"""
# keeps every connection that the page makes, so that the test can ask the browser what it decoded
SPY = """(() => {
    window.connections = [];
    const Usual = RTCPeerConnection;
    window.RTCPeerConnection = class extends Usual {
        constructor(...args) { super(...args); window.connections.push(this); }
    };
})()"""
INBOUND = """async () => {
    const found = [];
    for (const pc of window.connections.filter((pc) => pc.connectionState === "connected")) {
        for (const report of (await pc.getStats()).values()) if (report.type === "inbound-rtp") found.push(report);
    }
    return found;
}"""


async def _inbound(page: Page, kind: str) -> list[dict[str, Any]]:
    return [report for report in await page.evaluate(INBOUND) if report["kind"] == kind]


class TestReceiving:
    async def test_both_sides_are_subscribed_to_at_check_in_although_no_room_sends(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in())
        await server.until(lambda: server.watched == BOTH)
        await expect(on_duty.get_by_text("会见室未到：等待终端接入")).to_have_count(2)

    async def test_the_browser_decodes_pictures_and_sound_of_both_sides(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await on_duty.evaluate(SPY)
        await server.put(live())
        await on_duty.wait_for_function(f"() => ({FRAMES})().filter((n) => n > 3).length === 2")
        before = await _inbound(on_duty, "video")
        seen = min(await on_duty.evaluate(FRAMES))
        await on_duty.wait_for_function(f"(seen) => Math.min(...({FRAMES})()) > seen + 5", arg=seen)
        after = await _inbound(on_duty, "video")
        grown = [late["framesDecoded"] - early["framesDecoded"] for early, late in zip(before, after, strict=True)]
        assert len(grown) == 2 and min(grown) > 0
        assert all(report["frameWidth"] == 320 for report in after)

    async def test_sound_is_decoded_once_it_is_listened_to(self, on_duty: Page, server: FakeMonitor) -> None:
        await on_duty.evaluate(SPY)
        await server.put(live())
        await on_duty.wait_for_function(METERS)
        await on_duty.get_by_role("button", name="收听双方").click()
        heard = f"async () => (await ({INBOUND})()).filter((report) => report.totalAudioEnergy > 0.001).length === 2"
        await on_duty.wait_for_function(heard)

    async def test_meters_show_the_sound_of_both_rooms_although_nothing_is_played(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.wait_for_function(METERS)
        assert await on_duty.evaluate(MUTED) == [True, True]

    async def test_offers_contain_h264_constrained_baseline_and_opus_only(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        async with on_duty.expect_request("**/whep/ses_a/prison?page=*") as asked:
            await server.put(checking_in())
        offer = (await asked.value).post_data or ""
        maps = [line for line in offer.splitlines() if line.startswith("a=rtpmap:")]
        assert {line.split()[1].split("/")[0] for line in maps} == {"H264", "opus", "rtx"}
        assert "profile-level-id=42e0" in offer and "profile-level-id=64" not in offer
        assert offer.count("a=recvonly") == 2

    async def test_quality_is_shown_in_numbers(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await expect(on_duty.locator(".quality-part").get_by_text("帧/秒")).to_have_count(2)
        await server.quality("ses_a", 0.08)
        await expect(on_duty.locator(".picture").get_by_text("上行丢包 8%")).to_have_count(2)


class TestLimit:
    async def test_no_more_sessions_are_watched_than_the_limit_and_a_running_one_is_not_dropped(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(checking_in("ses_b"))
        await server.put(checking_in("ses_c"))
        await server.until(lambda: len(server.watched) == 4)
        await server.put(live("ses_a"))
        rows = on_duty.get_by_role("navigation").get_by_role("button")
        await expect(rows).to_have_count(3)
        await on_duty.get_by_role("button", name="名单").click()
        await rows.first.click()
        await expect(on_duty.get_by_role("button", name="监看这一场")).to_be_visible()
        assert {where.split("/")[0] for where in server.watched} == {"ses_b", "ses_c"}

    async def test_a_change_by_hand_names_the_visit_that_loses_the_officer_and_asks(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        for name in ("ses_b", "ses_c"):
            await server.put(checking_in(name))
        await server.until(lambda: len(server.watched) == 4)
        await server.put(live("ses_a"))
        rows = on_duty.get_by_role("navigation").get_by_role("button")
        await expect(rows).to_have_count(3)
        await on_duty.get_by_role("button", name="名单").click()
        await rows.first.click()
        await on_duty.get_by_role("button", name="监看这一场").click()
        await expect(on_duty.get_by_role("dialog")).to_contain_text("您不再计入那一场的监督人数")
        await on_duty.get_by_role("dialog").get_by_role("radio").nth(1).check()
        await on_duty.get_by_role("button", name="确认改为值守").click()
        await server.until(lambda: {where.split("/")[0] for where in server.watched} == {"ses_a", "ses_b"})


class TestSound:
    async def test_one_side_is_heard_at_a_time_and_one_click_changes_it(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        listen = on_duty.locator("figcaption button")
        await expect(on_duty.get_by_text("未收听声音")).to_be_visible()
        await listen.nth(0).click()
        assert await on_duty.evaluate(MUTED) == [False, True]
        await listen.nth(1).click()
        assert await on_duty.evaluate(MUTED) == [True, False]
        await expect(listen.nth(1)).to_have_attribute("aria-pressed", "true")
        await expect(on_duty.get_by_text("未收听声音")).to_be_hidden()

    async def test_both_sides_of_one_session_are_heard_and_of_no_other(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live("ses_a"))
        await server.put(live("ses_b"))
        await on_duty.get_by_role("button", name="收听双方").nth(1).click()
        assert await on_duty.evaluate(MUTED) == [True, True, False, False]
        await on_duty.get_by_role("button", name="收听双方").nth(0).click()
        assert await on_duty.evaluate(MUTED) == [False, False, True, True]


class TestLeaving:
    async def test_closing_the_page_releases_both_sides_at_once(self, on_duty: Page, server: FakeMonitor) -> None:
        await server.put(live())
        await on_duty.wait_for_function(f"() => ({FRAMES})().filter((n) => n > 3).length === 2")
        assert server.watched == BOTH
        await on_duty.goto("about:blank")
        await server.until(lambda: server.watched == [])

    async def test_an_ended_session_shows_its_reason_and_is_not_subscribed_to_again(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await server.until(lambda: server.watched == BOTH)
        over = because("time_limit", "会见时间已到", "The visit reached its time limit")
        await server.put(live(), state="ended", gate="shut", remaining_ms=None, reason=over)
        await expect(on_duty.locator(".slate")).to_have_text("已结束：会见时间已到")
        assert server.posts == 2
        assert server.watched == []


class TestReconnecting:
    async def test_a_side_without_packets_for_three_seconds_is_subscribed_to_again(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(live())
        await on_duty.wait_for_function(f"() => ({FRAMES})().filter((n) => n > 3).length === 2")
        posts = server.posts
        server.mute("ses_a/visitor")
        await server.until(lambda: server.posts > posts)
        server.unmute("ses_a/visitor")
        await expect(on_duty.locator(".cover:visible")).to_have_count(0)

    async def test_a_room_that_sends_nothing_is_not_subscribed_to_again(
        self, on_duty: Page, server: FakeMonitor
    ) -> None:
        await server.put(with_media(checking_in(), "prison"))
        await server.until(lambda: server.watched == BOTH)
        await on_duty.wait_for_function(f"() => ({FRAMES})()[0] > 40")  # four seconds of the other side
        assert server.posts == 2

    async def test_a_refusal_is_shown_in_its_own_words_and_can_be_tried_again(
        self, on_duty: Page, server: FakeMonitor, complaints: Complaints
    ) -> None:
        words = {"code": "too_early", "title": "尚未到时间", "title_en": "Too early", "status": 403}
        server.refuse["whep"] = {**words, "type": "x", "detail": "入场办理尚未开始。", "detail_en": "Not open yet."}
        await server.put(live())
        await expect(on_duty.get_by_text("尚未到时间")).to_have_count(2)
        complaints.errors.clear()  # the browser's own messages about the 403
        del server.refuse["whep"]
        for _ in range(2):
            await on_duty.get_by_role("button", name="重试").first.click()
        await server.until(lambda: server.watched == BOTH)
