"""Tests the equipment before a visit (Yunnan 12): the camera gives pictures that change and are not black, the
microphone is not dead, the loudspeaker can be opened, the server answers. It reads real frames of the room's sources;
while the room is publishing it examines the frames that are sent instead of taking any away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import numpy as np
from av import AudioFrame, VideoFrame

from kiosk_agent.media.frames import Frame, luma, mono_samples, rms
from kiosk_agent.media.source import RoomSources, Source, SourceError
from kiosk_agent.webrtc.peer import ServerAccess

log = logging.getLogger(__name__)

PICTURES, SOUNDS = 10, 50
"""Frames to examine: 0.4 s of picture, 1 s of sound (a pause in speech must not look like a dead microphone)."""
WITHIN = 5.0
"""Seconds after which a check has failed."""
BLACK = 20.0
"""Mean luma under which the lens is covered or there is no picture (16 is black)."""
STILL = 0.02
"""Mean difference of two pictures under which nothing changes: even a dark empty room has sensor noise."""
DEAD = 1e-4
"""Loudness (full scale 1.0) under which a microphone is unplugged or muted: -80 dB."""


class Outcome(StrEnum):
    """Outcome of one of the checks. NOT_CHECKED means that there is nothing to check, as the loudspeaker of a headless
    terminal."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class SelfTestResult:
    """Outcomes of the four checks."""

    camera: Outcome
    microphone: Outcome
    speaker: Outcome
    network: Outcome

    @property
    def passed(self) -> bool:
        """Whether a visit can begin: nothing failed, and camera, microphone and network were checked."""
        needed = (self.camera, self.microphone, self.network)
        return all(each is Outcome.PASSED for each in needed) and self.speaker is not Outcome.FAILED


async def self_test(
    sources: RoomSources, publishing: bool, access: ServerAccess, speaker: Callable[[], Awaitable[bool]] | None
) -> SelfTestResult:
    """Run the four checks concurrently. `speaker` plays a tone and returns whether it could; None when headless."""
    look = _observe if publishing else _take
    camera, microphone, network, loudspeaker = await asyncio.gather(
        _checked("camera", _camera(sources.video, look)),
        _checked("microphone", _microphone(sources.audio, look)),
        network_check(access),
        _checked("speaker", speaker()) if speaker else _not_checked(),
    )
    return SelfTestResult(camera, microphone, loudspeaker, network)


async def network_check(access: ServerAccess) -> Outcome:
    """Return whether the server answers."""
    return await _checked("network", _network(access))


async def _not_checked() -> Outcome:
    return Outcome.NOT_CHECKED


async def _checked(name: str, check: Awaitable[bool]) -> Outcome:
    try:
        async with asyncio.timeout(WITHIN):
            good = await check
    except (SourceError, aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("self-test", extra={"part": name, "error": error})
        good = False
    return Outcome.PASSED if good else Outcome.FAILED


Look = Callable[[Source, int], Awaitable[list[Frame]]]


async def _take(source: Source, count: int) -> list[Frame]:
    return [await source.take() for _ in range(count)]


async def _observe(source: Source, count: int) -> list[Frame]:
    """Return frames that a publication takes from the source, without taking any away."""
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


async def _network(access: ServerAccess) -> bool:
    """Whether the server answers over HTTP. The health that it reports is its own, not that of the terminal's
    equipment."""
    async with access.http.get(f"{access.url}/healthz", allow_redirects=False) as response:
        await response.read()
        return response.status in (200, 503)
