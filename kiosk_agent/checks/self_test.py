"""Tests the equipment (Yunnan 12), in figures: real frames of the room's sources, a tone from loudspeaker to
microphone, an answer of the server, clock, disk and temperature. While the room is publishing it examines the
frames that are sent instead of taking any away. Which figures are good is decided by the server."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from broker.kernel.clock import SystemClock
from kiosk_agent.checks.measures import light, loudness, machine, motion
from kiosk_agent.checks.measures.hum import hum
from kiosk_agent.checks.measures.loudness import SILENCE
from kiosk_agent.checks.measures.sharpness import blur_radius
from kiosk_agent.checks.measures.sweep import SECONDS, find_sweep, sweep
from kiosk_agent.media.frames import CHUNK, RATE, Frame, luma, mono_samples
from kiosk_agent.media.source import RoomSources, Source, SourceError
from kiosk_agent.webrtc.peer import ServerAccess

log = logging.getLogger(__name__)

PICTURES, SOUNDS = 10, 125
"""Frames to examine: 0.4 s of picture, 2.5 s of sound (hum is told from voices by what stays for two seconds)."""
ECHO = round((SECONDS + 1.0) * RATE / CHUNK)
"""Frames to record while the tone is played: it may come a second late."""
WITHIN = 15.0
"""Seconds after which a check has failed."""
DEAD = -80.0
"""dBFS under which a microphone is unplugged or muted."""

Figures = Mapping[str, float]
Speaker = Callable[[NDArray[np.int16]], Awaitable[bool]]
"""Plays a tone; returns whether a device took it."""


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """Figures of one test, by the names of `signaling.api.messages.orders.Figures`; what was not measured is left
    out."""

    figures: Figures = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether there is a camera, a microphone and a server: without them no media can begin. Whether a visit may is
        the server's verdict."""
        return not self.faults - {"speaker"}

    @property
    def faults(self) -> frozenset[str]:
        """The parts that do not work at all: camera, microphone, speaker, network."""
        figures = self.figures
        works = {
            "camera": figures.get("width", 0) > 0,
            "microphone": figures.get("level", SILENCE) >= DEAD,
            "speaker": figures.get("sweep", 1) > 0,
            "network": "answer" in figures,
        }
        return frozenset(part for part, good in works.items() if not good)


async def self_test(
    sources: RoomSources, publishing: bool, access: ServerAccess, speaker: Speaker | None
) -> SelfTestResult:
    """Measure concurrently; the tone is played once the microphone has been measured. `speaker` is None for a headless
    terminal."""
    look = _observe if publishing else _take
    found = await asyncio.gather(
        _measured("camera", _camera(sources.video, look), {"width": 0.0, "rate": 0.0}),
        _sound(sources.audio, look, speaker),
        network_figures(access),
        asyncio.to_thread(machine_figures),
    )
    return SelfTestResult({name: figure for figures in found for name, figure in figures.items()})


async def network_figures(access: ServerAccess) -> Figures:
    """Return how fast the server answers, and the offset of the clock; nothing where it does not."""
    return await _measured("network", _network(access), {})


def machine_figures() -> Figures:
    """Return the free space and the temperature of this machine."""
    measured = {"disk": machine.free_megabytes(Path.home()), "temperature": machine.hottest()}
    return {name: figure for name, figure in measured.items() if figure is not None}


async def _measured(part: str, measure: Awaitable[Figures], failed: Figures) -> Figures:
    """Return the figures of a part, or those of one that does not work."""
    try:
        async with asyncio.timeout(WITHIN):
            return await measure
    except (SourceError, aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("self-test", extra={"part": part, "error": error})
        return failed


Look = Callable[[Source, int], Awaitable[list[tuple[float, Frame]]]]
"""Returns as many frames, each with the loop's time at which it came."""


async def _take(source: Source, count: int) -> list[tuple[float, Frame]]:
    loop, taken = asyncio.get_running_loop(), list[tuple[float, Frame]]()
    while len(taken) < count:
        frame = await source.take()
        taken.append((loop.time(), frame))
    return taken


async def _observe(source: Source, count: int) -> list[tuple[float, Frame]]:
    """Return frames that a publication takes from the source, without taking any away."""
    loop, seen = asyncio.get_running_loop(), list[tuple[float, Frame]]()
    while len(seen) < count:
        if source.last is not None and (not seen or source.last is not seen[-1][1]):
            seen.append((loop.time(), source.last))
        await asyncio.sleep(0.01)
    return seen


# --- camera -----------------------------------------------------------------------------------------------------------


async def _camera(video: Source, look: Look) -> Figures:
    frames = await look(video, PICTURES)
    pictures = [luma(frame).copy() for _, frame in frames if isinstance(frame, VideoFrame)]
    rate = motion.frame_rate([moment for moment, _ in frames])
    return await asyncio.to_thread(picture_figures, pictures, rate)


def picture_figures(pictures: list[NDArray[np.uint8]], rate: float) -> Figures:
    """Return the figures of pictures that a camera gave one after the other, at this `rate` a second."""
    newest = pictures[-1]
    figures = {
        "width": float(newest.shape[1]),
        "height": float(newest.shape[0]),
        "rate": rate,
        "luma": light.mean_luma(newest),
        "black": light.black_share(newest),
        "change": motion.change(pictures),
        "backlight": light.backlight(newest),
    }
    same = [picture for picture in pictures if picture.shape == newest.shape]
    blur = blur_radius(same)
    return figures if blur is None else {**figures, "blur": blur}


# --- microphone and loudspeaker ---------------------------------------------------------------------------------------


async def _sound(audio: Source, look: Look, speaker: Speaker | None) -> Figures:
    dead = {"level": SILENCE}
    figures = await _measured("microphone", _microphone(audio, look), dead)
    if speaker is None or figures is dead:
        return figures
    return {**figures, **await _measured("speaker", _loudspeaker(audio, look, speaker), {"sweep": 0.0})}


async def _microphone(audio: Source, look: Look) -> Figures:
    return await asyncio.to_thread(sound_figures, await _record(audio, look, SOUNDS), RATE)


def sound_figures(samples: NDArray[np.int16], rate: int) -> Figures:
    """Return the figures of some seconds of a microphone, at `rate` samples a second."""
    figures = {
        "level": loudness.level(samples),
        "noise": loudness.noise_level(samples),
        "clipped": loudness.clipped(samples),
    }
    steady = hum(samples, rate)
    return figures if steady is None else {**figures, "hum": steady}


async def _loudspeaker(audio: Source, look: Look, speaker: Speaker) -> Figures:
    recording, played = await asyncio.gather(_record(audio, look, ECHO), speaker(sweep(RATE)))
    if not played:
        return {"sweep": 0.0}
    return await asyncio.to_thread(sweep_figures, recording, RATE)


def sweep_figures(recording: NDArray[np.int16], rate: int) -> Figures:
    """Return the figures of what a microphone has recorded since the sweep was played."""
    found = find_sweep(recording, rate)
    return {"sweep": max(0.0, found.prominence), "delay": found.delay, "loudness": found.level}


async def _record(audio: Source, look: Look, count: int) -> NDArray[np.int16]:
    frames = [frame for _, frame in await look(audio, count) if isinstance(frame, AudioFrame)]
    return np.concatenate([mono_samples(frame) for frame in frames])


# --- server and machine -----------------------------------------------------------------------------------------------


async def _network(access: ServerAccess) -> Figures:
    """Time an answer of the server over HTTP, and compare the clocks. The health that it reports is its own, not that
    of the terminal's equipment."""
    clock, loop = SystemClock(), asyncio.get_running_loop()
    sent, began = clock.now().wall.timestamp(), loop.time()
    async with access.http.get(f"{access.url}/healthz", allow_redirects=False) as response:
        await response.read()
        took, received = loop.time() - began, clock.now().wall.timestamp()
        if response.status not in (200, 503):
            raise aiohttp.ClientError(f"status {response.status}")
        offset = machine.clock_offset(sent, received, response.headers.get("Date", ""))
    figures = {"answer": took * 1000}
    return figures if offset is None else {**figures, "clock": offset}
