"""A real headless Chromium on a page of ours: it publishes, it subscribes, and it is killed."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page

from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from broker.media.h264 import pixels
from broker.relay.congestion.receiving_proof import RECEIVING
from kiosk_agent.webrtc.peer import ServerAccess
from kiosk_agent.webrtc.receiver import Receiver
from tests.support.chromium import chromium
from tests.support.patience import BUSY, PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

GROWS = """async ([name, key]) => {
  const before = (await received(name))[key];
  while ((await received(name))[key] <= before) await new Promise((done) => setTimeout(done, 100));
  return (await received(name))[key];
}"""


@asynccontextmanager
async def peer_page(front: RelayFront) -> AsyncIterator[tuple[Browser, Page]]:
    """Open the page of the front in a browser of its own."""
    async with chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(30_000)
        await page.goto(f"{front.url}/peer.html")
        yield browser, page


async def grows(page: Page, name: str, key: str) -> float:
    """Wait until the statistic has grown, and return its value."""
    async with asyncio.timeout(PATIENCE):
        value: float = await page.evaluate(GROWS, [name, key])
    return value


class TestChromium:
    async def test_publishes_and_subscribes_with_other_implementations(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page), aiohttp.ClientSession() as http:
            await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            viewer = Receiver(ServerAccess(http, front.url, "officer@site"), "s", "prison")
            await viewer.start()
            await front.fact("subscription_changed", side="prison", subscriber="officer@site", on=True)
            await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", subscriber="guard@site", on=True)
            assert await grows(page, "own", "framesDecoded") > 0
            assert await grows(page, "own", "totalAudioEnergy") > 0
            stats = await viewer.measure()
            assert stats.video.frames > 5
            assert stats.audio.frames > 5
            sent = await page.evaluate("sent('room')")
            assert sent["reports"] == 2
            assert sent["pliCount"] <= 6
            await viewer.close()

    async def test_without_a_camera_is_heard_but_counts_as_a_room_only_with_one(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            await page.evaluate("publish('room', 's', 'prison', false)")
            fact = await front.fact("side_media", side="prison", sound=True)
            assert (fact["on"], fact["picture"]) == (False, False)
            await page.evaluate("watch('ear', 's', 'prison', 'guard@site', ['audio'])")
            assert await grows(page, "ear", "totalAudioEnergy") > 0
            await page.evaluate("publish('again', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True, picture=True, sound=True)
            assert await grows(page, "ear", "totalAudioEnergy") > 0
            await page.evaluate("watch('eye', 's', 'prison', 'officer@site')")
            assert await grows(page, "eye", "framesDecoded") > 0
            on = [fact["subscriber"] for name, fact in front.facts if name == "subscription_changed" and fact["on"]]
            assert "guard@site" not in on, "a subscriber without a picture does not receive"

    async def test_with_three_encodings_shows_the_largest_that_comes(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            await page.evaluate("publishSeveral('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            await page.evaluate("watch('eye', 's', 'prison', 'officer@site')")
            await front.fact("subscription_changed", side="prison", subscriber="officer@site", on=True)
            await page.wait_for_function(  # a browser on a busy machine leaves the largest out now and then
                "encodings('room').then(({ q, h, f }) => [q, h, f].every(({ sent }) => sent > 5)"
                " && 0 < q.height && q.height < h.height && h.height < f.height && f.height === 540)"
            )
            await page.wait_for_function("height('eye').then((lines) => lines === 540)")
            assert await grows(page, "eye", "framesDecoded") > 0
            since = len(front.facts)
            await page.evaluate("setActive('room', 'f', false)")
            await page.wait_for_function("height('eye').then((lines) => 0 < lines && lines < 540)")
            assert await grows(page, "eye", "framesDecoded") > 0
            await page.evaluate("setActive('room', 'f', true)")
            await page.wait_for_function("height('eye').then((lines) => lines === 540)")
            off = [
                fact
                for name, fact in front.facts[since:]
                if name in ("subscription_changed", "side_media") and not fact["on"]
            ]
            assert not off, "neither the room nor the supervisor was gone for a moment"

    async def test_with_three_encodings_sends_a_smaller_one_to_a_weak_line(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            await page.evaluate("publishSeveral('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            officer = await RawPeer(front).watch("prison", "li@first-prison")
            await front.fact("subscription_changed", subscriber="li@first-prison", on=True)

            def sizes() -> list[int]:
                return [size for _, data in officer.of("video") if (size := pixels(data))]

            await officer.until(lambda: sizes() and sizes()[-1] >= 960 * 540)
            officer.estimate = 250_000
            await officer.until(lambda: sizes()[-1] < 960 * 540)
            count, since = len(officer.of("video")), len(front.facts)
            await officer.until(lambda: len(officer.of("video")) > count + 20)
            assert set(steps(officer.numbers("video"))) == {1}
            times = [int.from_bytes(data[4:8], "big") for _, data in officer.of("video")]
            assert all((after - before) & 0xFFFFFFFF < 90_000 for before, after in pairwise(times))
            assert not [fact for name, fact in front.facts[since:] if name == "subscription_changed" and not fact["on"]]
            await officer.close()

    async def test_works_as_a_kiosk_behind_the_gate(self, front: RelayFront) -> None:
        room = await publisher(front, "visitor")
        async with peer_page(front) as (_, page):
            await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            await page.evaluate("watch('far', 's', 'visitor', 'prison')")
            received: dict[str, Any] = await page.evaluate("received('far')")
            assert (received["framesDecoded"], received["totalAudioEnergy"]) == (0, 0)
            leasing = asyncio.create_task(_lease_for_ever(front))
            assert await grows(page, "far", "framesDecoded") > 0
            assert await grows(page, "far", "totalAudioEnergy") > 0
            leasing.cancel()
            await asyncio.gather(leasing, return_exceptions=True)
        await room.close()

    async def test_counts_as_receiving_until_it_is_killed(self, front: RelayFront) -> None:
        rooms = [await publisher(front, side) for side in Side]
        async with peer_page(front) as (browser, page):
            for side in Side:
                await page.evaluate(f"watch('{side}', 's', '{side}', 'officer@site')")
                await front.fact("subscription_changed", side=side, on=True)
            since, began = len(front.facts), monotonic()
            await rooms[0].until(lambda: monotonic() > began + 5)
            assert not [members for name, members in front.facts[since:] if name == "subscription_changed"]
            protocol = await browser.new_browser_cdp_session()
            found = await protocol.send("SystemInfo.getProcessInfo")
            (process,) = [one["id"] for one in found["processInfo"] if one["type"] == "browser"]
            os.kill(process, signal.SIGKILL)
            for side in Side:
                gone = await front.fact("subscription_changed", side=side, on=False, after=since)
                assert RECEIVING <= gone["report_age"] < 2.0 + BUSY / 2
        for room in rooms:
            await room.close()


async def _lease_for_ever(front: RelayFront) -> None:
    while True:
        await front.lease("s")
        await front.fact("media_report", after=len(front.facts))
