"""Measures the echo of a room (issue: at least 30 dB): python -m tests.bench.echo. A terminal's page in a real Chromium
plays a far person's talk from a loudspeaker that its microphone hears, and a headless peer in the far room's place
measures how much of it comes back, while no person speaks in the room.

Three rooms: `apart`, where the microphone does not hear the loudspeaker; `raw`, where it does and the page is made to
send the microphone as it is, which shows that the echo is really there; and `page`, the product. Chromium's canceller
learns the room for some seconds, which are not measured. The load is printed beside each number: where programs get
their turns late, the canceller loses the room by turns."""

import asyncio
import math
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import numpy as np
import pytest
import typer
from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.table import Table

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import GeneratedVideo
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.http_client import http_client
from kiosk_agent.media.frames import mono_samples, rms
from kiosk_agent.media.source import RoomSources, SourceClock
from kiosk_agent.room.chromium import find_browser
from tests.bench import tools
from tests.bench.sound_room import sound_room
from tests.bench.talk import LEVEL, Talk
from tests.support.chromium import FLAGS
from tests.support.kiosk.answerer import TOKEN, Answerer, answering
from tests.support.kiosk.control import Control, view
from tests.support.kiosk.room_page import room_page, shows
from tests.support.patience import PATIENCE

NEEDED = {"chromium": "chromium", "pulseaudio": "pulseaudio", "pulseaudio-utils": "pactl"}
SEED = 7
FRAMES = 50
"""Frames of sound a second."""
SILENCE = -100.0
"""Level that stands for no sound at all, dB."""
ROOMS = ("apart", "raw", "page")
DEVICES = """{
    const devices = navigator.mediaDevices;
    const ask = devices.getUserMedia.bind(devices);
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const brush = canvas.getContext("2d");
    let number = 0;
    setInterval(() => {
        brush.fillStyle = `hsl(${number++ % 360} 50% 50%)`;
        brush.fillRect(0, 0, 320, 180);
    }, 200);
    devices.getUserMedia = async (wanted) => {
        if (wanted.video) return canvas.captureStream(5);
        const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
        return ask({ audio: RAW ? { ...wanted.audio, ...raw } : wanted.audio });
    };
}"""
"""Script with a small drawn camera; the microphone is the sound room's, as it is where RAW is true."""
console = Console(width=max(Console().width, 120), highlight=False)


@dataclass(frozen=True, slots=True)
class Round:
    """Levels of one round in dB of full scale: the talk as it was sent to the room, and what came back."""

    room: str
    sent: float
    back: float
    load: float

    @property
    def loss(self) -> float:
        """How much more quiet the voice has come back, dB."""
        return self.sent - self.back


def decibels(level: float) -> float:
    """Return a level in dB of full scale."""
    return max(SILENCE, 20 * math.log10(level)) if level > 0 else SILENCE


def talking(side: Side, size: tuple[int, int] = (320, 180)) -> RoomSources:
    """Return a far room in which a person talks."""
    clock = SourceClock()
    return RoomSources(GeneratedVideo(side, clock, size, 5), Talk(clock, SEED), clock)


@asynccontextmanager
async def browser_in(environment: dict[str, str]) -> AsyncIterator[Browser]:
    """Run Chromium in a sound room; it plays, which a headless one usually does not."""
    flags = [flag for flag in FLAGS if flag != "--use-fake-device-for-media-stream"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(),
            args=flags,
            env={**os.environ, **environment},
            ignore_default_args=["--mute-audio"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def meeting(room: str, loss: float) -> AsyncIterator[Answerer]:
    """Run the terminal in a visit; yield the far end, which sends a voice and keeps what comes back."""
    script = DEVICES.replace("RAW", "true" if room == "raw" else "false")
    control, ending = Control(), asyncio.Event()
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr("tests.support.kiosk.answerer.generated_sources", talking)
        environment = await stack.enter_async_context(sound_room(None if room == "apart" else loss))
        far, access = await stack.enter_async_context(answering(control.routes))
        http = await stack.enter_async_context(http_client())
        browser = await stack.enter_async_context(browser_in(environment))
        kiosk = Kiosk(KioskConfig(access.url, TOKEN, headless=False), http, lambda _: None)
        assert kiosk.room is not None
        running = asyncio.create_task(kiosk.run(ending))
        try:
            async with asyncio.timeout(PATIENCE):
                while not kiosk.room.server.url:
                    await asyncio.sleep(0.01)
            page = await stack.enter_async_context(room_page(browser, kiosk.room, (640, 360), script))
            await control.until(1, "connections")
            await control.report(view("live", tested=True, remaining=1_200_000))
            await shows(page, "live")
            yield far
        finally:
            ending.set()
            await asyncio.wait_for(running, PATIENCE)


async def measure(room: str, loss: float, settle: float, seconds: float, rounds: int) -> list[Round]:
    """Measure one room: so many rounds, after the seconds in which the canceller learns."""
    found = []
    async with meeting(room, loss) as far:
        begins = round(settle * FRAMES)
        await _has(far, begins, settle + PATIENCE)
        for _ in range(rounds):
            ends = begins + round(seconds * FRAMES)
            await _has(far, ends, settle + seconds + PATIENCE)
            heard = np.concatenate([mono_samples(frame) for frame in far.sounds[begins:ends]])
            found.append(Round(room, decibels(LEVEL), decibels(rms(heard)), os.getloadavg()[0]))
            console.print(_line(found[-1]))
            begins = ends
    return found


async def _has(far: Answerer, count: int, limit: float) -> None:
    """Wait until so many frames have come back, for no more seconds than the limit."""
    await far.until(lambda: len(far.sounds) >= count, limit)


def _line(found: Round) -> str:
    levels = f"{found.sent:6.1f} dB sent, {found.back:6.1f} dB back: {found.loss:5.1f} dB"
    return f"{found.room:6} {levels}, load {found.load:.1f}"


def table(rows: list[Round]) -> Table:
    """Return the table of the rooms: median, least and most loss of all rounds."""
    made = Table(title="How much more quiet the far voice comes back, dB", header_style="bold")
    for name in ("room", "rounds", "median", "least", "most", "load"):
        made.add_column(name, justify="left" if name == "room" else "right")
    for room in dict.fromkeys(row.room for row in rows):
        losses = [row.loss for row in rows if row.room == room]
        figures = [f"{each:.1f}" for each in (median(losses), min(losses), max(losses))]
        load = max(row.load for row in rows if row.room == room)
        made.add_row(room, str(len(losses)), *figures, f"{load:.1f}")
    return made


def main(
    rooms: Annotated[str, typer.Option(help="Rooms to measure, with commas.")] = ",".join(ROOMS),
    rounds: Annotated[int, typer.Option(help="Rounds of each room.")] = 5,
    seconds: Annotated[float, typer.Option(help="Seconds of a round.")] = 5.0,
    settle: Annotated[float, typer.Option(help="Seconds before the first round.")] = 10.0,
    loss: Annotated[float, typer.Option(help="dB that are lost between loudspeaker and microphone.")] = 6.0,
    times: Annotated[int, typer.Option(help="How often the rooms are measured, each time anew.")] = 1,
) -> None:
    """Measure each room, and print how much more quiet the far voice comes back."""
    if not tools.require(NEEDED, "the sound room"):
        raise typer.Exit(1)
    rows: list[Round] = []
    for room in rooms.split(",") * times:
        rows += asyncio.run(measure(room, loss, settle, seconds, rounds))
    console.print(table(rows))


if __name__ == "__main__":
    typer.run(main)
