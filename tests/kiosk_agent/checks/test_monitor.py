"""The terminal looks at the frames that it sends, and says what it finds in them: at every change, and now and then."""

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


class Held(Source):
    """A source of which the test says what went by last."""

    kind = "video"

    async def _next(self) -> Frame:
        raise NotImplementedError  # nobody takes frames from it


class Room:
    """A room that is sent from; `told` is what was said of it."""

    def __init__(self) -> None:
        self.sources = RoomSources(Held(), Held())
        self.sending: Sending | None = Sending("ses_a", False, self.sources)
        self.told: asyncio.Queue[Observed] = asyncio.Queue()
        self.level: int | None = 90
        self.loud = True
        self._number = 0

    async def say(self, found: Observed) -> None:
        """Keep it."""
        self.told.put_nowait(found)

    def step(self) -> None:
        """One more frame of both kinds, unlike the last few; a `level` of None stops the camera."""
        self._number += 1
        if self.level is not None:
            canvas = np.full((270, 320), self.level, np.uint8)
            canvas[:180, :: 2 + self._number % 7] += 30 if self.level > 20 else 0
            self.sources.video.last = VideoFrame.from_ndarray(canvas, format="yuv420p")
        wave = np.full(CHUNK, 3000 if self.loud else 0, np.int16)
        self.sources.audio.last = sound_frame(wave, self._number * CHUNK)

    async def until(self, **found: object) -> Observed:
        """Listen until it is said."""
        async with asyncio.timeout(20):
            while True:
                said = await self.told.get()
                if all(getattr(said, name) == value for name, value in found.items()):
                    return said


@asynccontextmanager
async def observed(room: Room) -> AsyncIterator[Room]:
    """The room with frames going by and somebody who looks."""

    async def film() -> None:
        while True:
            room.step()
            await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(film()), asyncio.create_task(Monitor(lambda: room.sending, room.say).run())]
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
    """Twenty times as fast as in a room."""
    for name, seconds in (("SOUND_EVERY", 0.02), ("PICTURE_EVERY", 0.05), ("COUNT_EVERY", 0.1), ("REPEAT_EVERY", 0.5)):
        monkeypatch.setattr(monitor, name, seconds)
    for name, seconds in (("BLACK_FOR", 0.2), ("FROZEN_FOR", 0.3), ("SILENT_FOR", 0.3)):
        monkeypatch.setattr(f"kiosk_agent.checks.picture_monitor.{name}", seconds)


async def test_a_room_in_which_all_is_well_says_so_now_and_then() -> None:
    async with observed(Room()) as room:
        well = Observed(session="ses_a", black=False, frozen=False, silent=False, heads=None)
        assert await room.until() == await room.until() == well


async def test_a_covered_lens_is_told_and_so_is_its_end() -> None:
    async with observed(Room()) as room:
        await room.until(black=False)
        room.level = 16
        await room.until(black=True)
        room.level = 90
        await room.until(black=False, frozen=False)


async def test_a_camera_that_gives_nothing_any_more_is_told() -> None:
    async with observed(Room()) as room:
        await room.until(frozen=False)
        room.level = None
        await room.until(frozen=True)


async def test_a_dead_microphone_is_told() -> None:
    async with observed(Room()) as room:
        room.loud = False
        await room.until(silent=True, black=False)


async def test_nothing_is_said_while_nothing_is_sent_and_nothing_is_carried_over() -> None:
    async with observed(Room()) as room:
        room.level = 16
        await room.until(black=True)
        room.sending, room.level = None, 90
        while not room.told.empty():
            room.told.get_nowait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.6):
                await room.told.get()
        room.sending = Sending("ses_b", False, room.sources)
        said = await room.until()
        assert (said.session, said.black) == ("ses_b", False)


async def test_people_are_counted_only_where_the_rules_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk_agent.checks.people_count.PeopleCount._faces", lambda self, luma: 3)
    async with observed(Room()) as room:
        assert (await room.until()).heads is None and (await room.until()).heads is None
        room.sending = Sending("ses_a", True, room.sources)
        await room.until(heads=3)
        room.sending = Sending("ses_a", False, room.sources)
        await room.until(heads=None)
