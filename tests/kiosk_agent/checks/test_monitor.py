"""Tests of the monitor of a room's own picture and sound, which reports at every change and regularly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest
from av import VideoFrame

from kiosk_agent.checks import monitor
from kiosk_agent.checks.monitor import Monitor, Sending
from kiosk_agent.media.frames import CHUNK, Frame, sound_frame
from kiosk_agent.media.source import RoomSources, Source
from signaling.api.messages.socket import Observed
from tests.support.patience import PATIENCE


class HeldSource(Source):
    """Source whose newest frame the test sets."""

    kind = "video"

    async def _next(self) -> Frame:
        raise NotImplementedError  # no test takes frames from it


class Room:
    """Room that sends; `reports` are those of its monitor."""

    def __init__(self) -> None:
        self.sources = RoomSources(HeldSource(), HeldSource())
        self.sending: Sending | None = Sending("ses_a", False, self.sources)
        self.reports: asyncio.Queue[Observed] = asyncio.Queue()
        self.level: int | None = 90
        self.loud = True
        self._number = 0

    async def keep(self, found: Observed) -> None:
        """Keep a report of the monitor."""
        self.reports.put_nowait(found)

    def step(self) -> None:
        """Set one more frame of both kinds, different from the last ones; a `level` of None stops the camera."""
        self._number += 1
        if self.level is not None:
            canvas = np.full((270, 320), self.level, np.uint8)
            canvas[:180, :: 2 + self._number % 7] += 30 if self.level > 20 else 0
            self.sources.video.last = VideoFrame.from_ndarray(canvas, format="yuv420p")
        wave = np.full(CHUNK, 3000 if self.loud else 0, np.int16)
        self.sources.audio.last = sound_frame(wave, self._number * CHUNK)

    async def until(self, **found: object) -> Observed:
        """Return the first report with these members."""
        async with asyncio.timeout(PATIENCE):
            while True:
                report = await self.reports.get()
                if all(getattr(report, name) == value for name, value in found.items()):
                    return report


@asynccontextmanager
async def observed(room: Room) -> AsyncIterator[Room]:
    """Run the monitor of the room, in which frames go by."""

    async def film() -> None:
        while True:
            room.step()
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(film()), asyncio.create_task(Monitor(lambda: room.sending, room.keep).run())]
    try:
        yield room
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the monitor about twenty times as fast as in a real room."""
    for name, seconds in (("SOUND_EVERY", 0.02), ("PICTURE_EVERY", 0.05), ("COUNT_EVERY", 0.1), ("REPEAT_EVERY", 0.5)):
        monkeypatch.setattr(monitor, name, seconds)
    for name, seconds in (("BLACK_FOR", 0.2), ("FROZEN_FOR", 0.3), ("SILENT_FOR", 0.3)):
        monkeypatch.setattr(f"kiosk_agent.checks.picture_monitor.{name}", seconds)


async def test_a_room_without_faults_is_reported_regularly() -> None:
    async with observed(Room()) as room:
        well = Observed(session="ses_a", black=False, frozen=False, silent=False, heads=None)
        assert await room.until() == await room.until() == well


async def test_a_covered_lens_is_reported_and_so_is_its_end() -> None:
    async with observed(Room()) as room:
        await room.until(black=False)
        room.level = 16
        await room.until(black=True)
        room.level = 90
        await room.until(black=False, frozen=False)


async def test_a_camera_without_frames_is_reported() -> None:
    async with observed(Room()) as room:
        await room.until(frozen=False)
        room.level = None
        await room.until(frozen=True)


async def test_a_dead_microphone_is_reported() -> None:
    async with observed(Room()) as room:
        room.loud = False
        await room.until(silent=True, black=False)


async def test_nothing_is_reported_while_nothing_is_sent_and_another_visit_begins_anew() -> None:
    async with observed(Room()) as room:
        room.level = 16
        await room.until(black=True)
        room.sending, room.level = None, 90
        while not room.reports.empty():
            room.reports.get_nowait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await room.reports.get()
        room.sending = Sending("ses_b", False, room.sources)
        report = await room.until()
        assert (report.session, report.black) == ("ses_b", False)


async def test_people_are_counted_only_where_the_policy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk_agent.checks.people_count.find_detector", lambda: lambda small: 3)
    async with observed(Room()) as room:
        assert (await room.until()).heads is None and (await room.until()).heads is None
        room.sending = Sending("ses_a", True, room.sources)
        await room.until(heads=3)
        room.sending = Sending("ses_a", False, room.sources)
        await room.until(heads=None)
