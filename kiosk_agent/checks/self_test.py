"""The equipment check before a visit (Yunnan 12): does the camera give pictures that change and are not black, is the
microphone not dead, can the loudspeaker be opened, does the server answer. It reads real frames of whatever source the
room has; while the room is publishing it looks at the frames going out instead of taking any away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import numpy as np
from av import AudioFrame, VideoFrame

from huijian.demo.synthetic.voice_detector import rms
from kiosk_agent.media.source import Frame, RoomSources, Source, SourceError, luma, mono_samples
from kiosk_agent.webrtc.peer import Door

log = logging.getLogger(__name__)

PICTURES, SOUNDS = 10, 50
"""Frames to look at: 0.4 s of picture, 1 s of sound (a speaker's pause must not look like a dead microphone)."""
WITHIN = 5.0
BLACK = 20.0
"""Mean luma under which a picture is a covered lens or no picture (16 is black)."""
STILL = 0.02
"""Mean difference of two pictures under which nothing changes: even a dark empty room has sensor noise."""
DEAD = 1e-4
"""Loudness (full scale 1.0) under which a microphone is unplugged or muted: -80 dB."""


class Outcome(StrEnum):
    """What a check found. NOT_CHECKED: there is nothing to check here, and nothing was claimed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """The four outcomes."""

    camera: Outcome
    microphone: Outcome
    speaker: Outcome
    network: Outcome

    @property
    def passed(self) -> bool:
        """Whether a visit can begin: nothing failed, and what carries the visit was really checked."""
        needed = (self.camera, self.microphone, self.network)
        return all(each is Outcome.PASSED for each in needed) and self.speaker is not Outcome.FAILED


async def self_test(
    sources: RoomSources, publishing: bool, door: Door, speaker: Callable[[], Awaitable[bool]] | None
) -> SelfTestResult:
    """Runs the four checks at once. `speaker` plays something and says whether it could; None when headless."""
    look = _overhear if publishing else _take
    camera, microphone, network, heard = await asyncio.gather(
        _checked("camera", _camera(sources.video, look)),
        _checked("microphone", _microphone(sources.audio, look)),
        _checked("network", _network(door)),
        _checked("speaker", speaker()) if speaker else _nothing(),
    )
    return SelfTestResult(camera, microphone, heard, network)


async def _nothing() -> Outcome:
    return Outcome.NOT_CHECKED


async def _checked(name: str, check: Awaitable[bool]) -> Outcome:
    try:
        async with asyncio.timeout(WITHIN):
            good = await check
    except (SourceError, aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("self-test", extra={"part": name, "error": f"{type(error).__name__}: {error}"})
        good = False
    return Outcome.PASSED if good else Outcome.FAILED


Look = Callable[[Source, int], Awaitable[list[Frame]]]


async def _take(source: Source, count: int) -> list[Frame]:
    return [await source.take() for _ in range(count)]


async def _overhear(source: Source, count: int) -> list[Frame]:
    """Frames that somebody else takes, as they go by."""
    seen: list[Frame] = []
    while len(seen) < count:
        if source.last is not None and (not seen or source.last is not seen[-1]):
            seen.append(source.last)
        await asyncio.sleep(0.01)
    return seen


async def _camera(video: Source, look: Look) -> bool:
    frames = [frame for frame in await look(video, PICTURES) if isinstance(frame, VideoFrame)]
    pictures = [luma(frame).astype(np.float32) for frame in frames]
    bright = max(float(picture.mean()) for picture in pictures) >= BLACK
    return bright and float(np.abs(pictures[-1] - pictures[0]).mean()) >= STILL


async def _microphone(audio: Source, look: Look) -> bool:
    frames = [frame for frame in await look(audio, SOUNDS) if isinstance(frame, AudioFrame)]
    return rms(np.concatenate([mono_samples(frame) for frame in frames])) >= DEAD


async def _network(door: Door) -> bool:
    """One round trip to the server; what it says of its own health is not the terminal's equipment."""
    async with door.http.get(f"{door.server}/healthz") as response:
        await response.read()
        return response.status in (200, 503)
