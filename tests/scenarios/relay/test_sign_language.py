"""A visit in sign language on a weak line, with a real Chromium behind it: the picture goes on and the supervisor
counts, the sound is left out and comes back."""

import asyncio

import pytest
from playwright.async_api import Page

from broker.ipc.relay_messages import CloseSession
from tests.support.chromium import chromium
from tests.support.patience import PATIENCE
from tests.support.relay.pages import Numbers, numbers
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront
from tests.support.udp_proxy import Impairment, udp_proxy

pytestmark = [pytest.mark.realtime, pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

FLOOR = 200_000  # bit/s: the picture that the room sends has as much, its sound half of that
WEAK = 280_000  # bit/s with the headers of all layers: the picture takes 235,000 of them


def came(found: Numbers, kind: str) -> float:
    return found.get(f"inbound-rtp {kind}", {}).get("packetsReceived", 0.0)


async def second(front: RelayFront) -> None:
    """Wait for the next report of the worker, which comes once a second."""
    await front.fact("media_report", after=len(front.facts))


async def until_sound(page: Page, front: RelayFront, flows: bool) -> None:
    """Wait until the sound flows, or no longer does."""
    async with asyncio.timeout(2 * PATIENCE):
        before = await numbers(page, "own")
        while True:
            await second(front)
            await second(front)
            now = await numbers(page, "own")
            if (came(now, "audio") > came(before, "audio")) is flows:
                return
            before = now


async def test_a_weak_line_carries_the_picture_and_the_supervisor_counts(front: RelayFront) -> None:
    await front.link.call(CloseSession(session="s"))
    await front.admit("s", picture_floor=FLOOR)
    room, down = await publisher(front, "prison"), Impairment()
    async with udp_proxy(("127.0.0.1", front.port), Impairment(), down) as proxy, chromium() as browser:
        front.proxy_port = proxy.port
        try:
            page = await browser.new_page()
            await page.goto(f"{front.url}/peer.html")
            await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", on=True)
            after = len(front.facts)
            await until_sound(page, front, flows=True)
            down.rate = WEAK
            await until_sound(page, front, flows=False)
            before = await numbers(page, "own")
            for _ in range(3):
                await second(front)
            now = await numbers(page, "own")
            assert came(now, "video") > came(before, "video")
            down.rate = None
            await until_sound(page, front, flows=True)
            changes = [fact for name, fact in front.facts[after:] if name == "subscription_changed"]
            assert all(fact["on"] for fact in changes)
        finally:
            front.proxy_port = None
    limits = [packet for packet in room.feedback if packet.kind == 206 and packet.format == 15]
    assert limits
    await room.close()
