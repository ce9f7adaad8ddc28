"""Tests of what all sources share: frame numbers that are due by the loop's clock."""

import asyncio
import time

import pytest

from kiosk_agent.media.source import FramePacer, SourceClock


class TestFramePacer:
    """Frame numbers by the loop's clock."""

    async def test_a_late_reader_loses_frames_instead_of_getting_old_ones(self) -> None:
        pacer = FramePacer(SourceClock(asyncio.get_running_loop().time()), period=0.01, patience=0.01)
        assert await pacer.next() == 0
        time.sleep(0.1)
        assert await pacer.next() >= 9
        assert pacer.skipped >= 8

    async def test_errors_do_not_add_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now, late = 100.0, 0.002

        async def sleep(seconds: float) -> None:
            nonlocal now
            now += seconds + late  # each wake-up is late

        pacer = FramePacer(SourceClock(), period=0.005, patience=1.0)
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "time", lambda: now)
            patch.setattr(asyncio, "sleep", sleep)
            for _ in range(60):
                await pacer.next()
        assert now == pytest.approx(100.0 + 59 * 0.005 + late)
