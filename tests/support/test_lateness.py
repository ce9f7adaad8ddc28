"""The measure of lateness is itself measured: it sees all of a stall."""

import asyncio
import time

from tests.support.lateness import TICK, lateness


async def test_it_is_as_much_as_the_loop_stood_still() -> None:
    async with lateness() as late:
        await asyncio.sleep(5 * TICK)
        before = late.seconds
        time.sleep(0.2)
        await asyncio.sleep(5 * TICK)
    assert late.seconds - before >= 0.2 - 2 * TICK


async def test_it_counts_no_longer_after_its_block() -> None:
    async with lateness() as late:
        await asyncio.sleep(2 * TICK)
    counted = late.seconds
    time.sleep(0.05)
    await asyncio.sleep(2 * TICK)
    assert late.seconds == counted
