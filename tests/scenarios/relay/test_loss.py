"""A real Chromium behind a bad network, by its own statistics: what it receives, how it adapts, and that a supervisor
there still counts. Its offers are unchanged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from statistics import median

import pytest
from playwright.async_api import Page

from tests.support.chromium import chromium
from tests.support.relay.pages import Numbers, numbers, publish_noise
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront
from tests.support.udp_proxy import Impairment, UdpProxy, udp_proxy

# a pause of the machine freezes a picture, too: run it alone, by hand
pytestmark = [pytest.mark.quality, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SETTLED, MEASURED = 5.0, 20.0  # seconds until the line is estimated, and of measuring

WINDOWS = 3  # windows of MEASURED seconds, of which the median counts: the machine may pause in one of them


@asynccontextmanager
async def behind(front: RelayFront, up: Impairment, down: Impairment) -> AsyncIterator[tuple[Page, UdpProxy]]:
    """Open a page whose connections all go through a bad network."""
    async with udp_proxy(("127.0.0.1", front.port), up, down) as proxy, chromium() as browser:
        front.proxy_port = proxy.port
        try:
            page = await browser.new_page()
            await page.goto(f"{front.url}/peer.html")
            yield page, proxy
        finally:
            front.proxy_port = None


async def seconds(front: RelayFront, count: float) -> None:
    """Wait for so many quality facts, one a second."""
    for _ in range(int(count)):
        await front.fact("media_report", after=len(front.facts))


async def until(page: Page, name: str, true: Callable[[Numbers], bool], within: float) -> float:
    """Return the seconds until the statistics fulfil the condition."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within):
        while not true(await numbers(page, name)):
            await asyncio.sleep(0.2)
    return loop.time() - began


def grown(before: Numbers, after: Numbers, group: str, key: str) -> float:
    return after[group][key] - before[group][key]


class TestFivePercentLossAndThirtyMillisecondsOfJitterBothWays:
    async def test_freeze_less_than_a_percent_and_lose_less_than_a_percent_of_sound(self, front: RelayFront) -> None:
        bad = Impairment(loss=0.05, jitter=0.03, twice=0.02)
        async with behind(front, bad, bad) as (page, proxy):
            await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", on=True)
            await seconds(front, SETTLED)
            since = len(front.facts)
            shares = [await _window(page, front) for _ in range(WINDOWS)]
            frozen, concealed = (median(share) for share in zip(*shares, strict=True))
            print(f"frozen {frozen:.2%}, concealed {concealed:.2%}")
            assert max(frozen, concealed) < 0.01, f"frozen and concealed: {shares}"
            assert not [
                members
                for name, members in front.facts[since:]
                if name in ("subscription_changed", "side_media", "resource_closed")
            ]
            used = [line for lines in proxy.lines for line in lines if line.sent > 500]
            assert used
            assert all(0.03 < line.lost / line.sent < 0.07 for line in used)


async def _window(page: Page, front: RelayFront) -> tuple[float, float]:
    """Return the parts of time in which the picture froze and in which sound was concealed."""
    before = await numbers(page, "own")
    await seconds(front, MEASURED)
    after = await numbers(page, "own")
    played = grown(before, after, "inbound-rtp audio", "totalSamplesReceived")
    assert played > 0.9 * MEASURED * 48_000
    assert grown(before, after, "inbound-rtp video", "framesDecoded") > 12 * MEASURED
    frozen = grown(before, after, "inbound-rtp video", "totalFreezesDuration") / MEASURED
    return frozen, grown(before, after, "inbound-rtp audio", "concealedSamples") / played


class TestARoomOnALineThatBecomesFull:
    async def test_sends_at_the_cap_then_less_then_recovers(self, front: RelayFront) -> None:
        up = Impairment()
        async with behind(front, up, Impairment()) as (page, _):
            await publish_noise(page, "room", "s", "prison")
            await front.fact("side_media", side="prison", on=True)
            assert await until(page, "room", lambda numbers: _allowed(numbers) > 1_400_000, within=10) < 5
            up.rate = 400_000
            await until(page, "room", lambda numbers: _allowed(numbers) < 400_000, within=10)
            up.rate = None
            await until(page, "room", lambda numbers: _allowed(numbers) > 1_000_000, within=25)


def _allowed(numbers: Numbers) -> float:
    return numbers["candidate-pair"].get("availableOutgoingBitrate", 0.0)


class TestASupervisorOnAWeakLine:
    async def test_hears_everything_without_limiting_the_publisher(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        down = Impairment()
        async with behind(front, Impairment(), down) as (page, _):
            await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", on=True)
            await seconds(front, 2)
            down.rate = 250_000
            await seconds(front, SETTLED)
            before, marks = await numbers(page, "own"), len(room.feedback)
            await seconds(front, MEASURED / 2)
            after = await numbers(page, "own")
            played = grown(before, after, "inbound-rtp audio", "totalSamplesReceived")
            assert grown(before, after, "inbound-rtp audio", "concealedSamples") < 0.03 * played
            assert grown(before, after, "inbound-rtp video", "packetsReceived") > 0
            limits = [packet for packet in room.feedback[marks:] if packet.kind == 206 and packet.format == 15]
            assert limits
            assert len({packet.body for packet in limits}) == 1
        await room.close()
