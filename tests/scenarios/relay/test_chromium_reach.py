"""Chromium on difficult networks: no UDP at all, and an ICE restart during a visit."""

import asyncio

import pytest

from tests.scenarios.relay.test_chromium import grows, peer_page
from tests.support.patience import PATIENCE
from tests.support.relay_front import RelayFront

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


class TestWithoutUdp:
    async def test_it_publishes_and_watches_over_tcp(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            await page.evaluate("only = 'tcp'")
            await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", subscriber="guard@site", on=True)
            assert await grows(page, "own", "framesDecoded") > 0
            assert await grows(page, "own", "totalAudioEnergy") > 0
            for name in ("room", "own"):
                assert (await page.evaluate(f"pair('{name}')"))["protocol"] == "tcp"

    async def test_it_prefers_udp_where_both_work(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            async with asyncio.timeout(PATIENCE):
                while (await page.evaluate("pair('room')"))["protocol"] != "udp":
                    await page.wait_for_timeout(100)


class TestAnIceRestart:
    async def test_interrupts_neither_publisher_nor_subscriber(self, front: RelayFront) -> None:
        async with peer_page(front) as (_, page):
            room = await page.evaluate("publish('room', 's', 'prison')")
            await front.fact("side_media", side="prison", on=True)
            own = await page.evaluate("watch('own', 's', 'prison', 'guard@site')")
            await front.fact("subscription_changed", side="prison", subscriber="guard@site", on=True)
            await grows(page, "own", "framesDecoded")
            since = len(front.facts)
            for name, location in (("room", room), ("own", own)):
                before = (await page.evaluate(f"pair('{name}')"))["ufrag"]
                await page.evaluate("([name, location]) => restart(name, location)", [name, location])
                async with asyncio.timeout(PATIENCE):
                    while (await page.evaluate(f"pair('{name}')"))["ufrag"] == before:
                        await page.wait_for_timeout(100)
                await grows(page, "own", "framesDecoded")
                await grows(page, "own", "totalAudioEnergy")
            off = [
                fact
                for name, fact in front.facts[since:]
                if name in ("side_media", "subscription_changed") and not fact["on"]
            ]
            assert off == []
            assert not [1 for name, _ in front.facts[since:] if name in ("resource_closed", "session_failed")]
            assert (await page.evaluate("received('own')"))["freezeCount"] == 0
