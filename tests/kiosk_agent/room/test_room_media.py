"""The page sends and receives for a terminal: real Chromium with its fake camera, against a simulated server with real
ICE, DTLS and SRTP."""

import asyncio

import aiohttp
import pytest
from playwright.async_api import expect

from kiosk_agent.agent import Kiosk, KioskConfig
from tests.support.chromium import chromium
from tests.support.kiosk.answerer import TOKEN, answering
from tests.support.kiosk.control import Control, view
from tests.support.kiosk.room_page import room_page, shows
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.browser

FAR = "() => { const far = document.querySelector('video.far'); return far?.videoWidth > 0 && far.currentTime > 0.1; }"
PLUGS = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    const gone = new Set();
    const tracks = { video: [], audio: [] };
    devices.getUserMedia = async (wanted) => {
        const kind = wanted.video ? "video" : "audio";
        if (gone.has(kind)) throw new DOMException("", "NotFoundError");
        const stream = await ask(wanted);
        tracks[kind].push(...stream.getTracks());
        return stream;
    };
    window.unplug = (kind) => {
        gone.add(kind);
        for (const track of tracks[kind].splice(0)) { track.stop(); track.dispatchEvent(new Event("ended")); }
        devices.dispatchEvent(new Event("devicechange"));
    };
    window.plug = (kind) => { gone.delete(kind); devices.dispatchEvent(new Event("devicechange")); };
}"""
"""Script for camera and microphone that `unplug` and `plug` take away and bring back."""


@pytest.mark.timeout(300)
async def test_a_room_tests_itself_publishes_sees_the_far_room_and_leaves_in_order() -> None:
    control = Control()
    ending = asyncio.Event()
    async with answering(control.routes) as (far, access), aiohttp.ClientSession() as http, chromium() as browser:
        kiosk = Kiosk(KioskConfig(access.url, TOKEN, headless=False), http, lambda _: None)
        assert kiosk.room is not None
        running = asyncio.create_task(kiosk.run(ending))
        try:
            async with asyncio.timeout(PATIENCE):
                while not kiosk.room.server.url:
                    await asyncio.sleep(0.01)
            async with room_page(browser, kiosk.room, script=PLUGS) as page:
                await control.until(1, "connections")
                await shows(page, "idle")

                # Checks in: it reports its equipment, and publishes.
                await control.report(view("check_in"))
                await control.until(1)
                test = control.messages[0]
                figures = test["figures"]
                assert test["type"] == "self_test" and figures["width"] > 0 and figures["rate"] > 0
                assert figures["level"] > -80 and figures["answer"] > 0
                await shows(page, "seat")
                await far.until(lambda: len(far.pictures) > 5 and len(far.sounds) > 20)
                offer = next(sdp for path, sdp in far.offers if path == "/whip/s_1")
                assert "nack" in offer.split("m=video")[0]  # lost sound is repeated

                # Live: it decodes the far room, and reports what it finds in its own picture.
                await control.report(view("live", tested=True, remaining=200_000))
                await page.wait_for_function(FAR, timeout=PATIENCE * 1000)
                async with asyncio.timeout(PATIENCE):
                    while not any(message["type"] == "observed" for message in control.messages):
                        await asyncio.sleep(0.05)
                    while (await kiosk.measure())["far"]["video"]["frames"] < 5:
                        await asyncio.sleep(0.05)

                # Camera and microphone are unplugged: the page says so, until they are plugged in again. Then what is
                # sent goes on over the same connection.
                offers = len(far.offers)
                for kind, words in (("video", "摄像头断开了"), ("audio", "麦克风断开了")):
                    await page.evaluate("(kind) => unplug(kind)", kind)
                    await expect(page.locator("#banners")).to_contain_text(words)
                    arrived = {"video": far.pictures, "audio": far.sounds}[kind]
                    await page.evaluate("(kind) => plug(kind)", kind)
                    await expect(page.locator("#banners")).not_to_contain_text(words)
                    before = len(arrived)
                    await far.until(lambda before=before, arrived=arrived: len(arrived) > before + 10)
                assert len(far.offers) == offers

                await control.report(view("ended", tested=True))
                await shows(page, "ended")
                await far.until(lambda: far.resources == {})
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)
    assert len(far.deleted) == 3
