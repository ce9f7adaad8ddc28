"""Tests of what all sources share: frame numbers that are due by the loop's clock."""

import asyncio
import time

from kiosk_agent.media.source import FramePacer, SourceClock


class TestFramePacer:
    """Frame numbers by the loop's clock."""

    async def test_a_late_reader_loses_frames_instead_of_getting_old_ones(self) -> None:
        pacer = FramePacer(SourceClock(asyncio.get_running_loop().time()), period=0.01, patience=0.01)
        assert await pacer.next() == 0
        time.sleep(0.1)
        assert await pacer.next() >= 9
        assert pacer.skipped >= 8

    async def test_errors_do_not_add_up(self) -> None:
        loop = asyncio.get_running_loop()
        pacer = FramePacer(SourceClock(), period=0.005, patience=1.0)
        begun = loop.time()
        for _ in range(60):
            await pacer.next()
        spent = loop.time() - begun
        assert spent >= 59 * 0.005 - 0.001
        assert spent < 59 * 0.005 + 0.2  # sixty late wake-ups that add up would be far more on a busy machine
