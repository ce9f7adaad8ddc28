"""Picture and sound that a terminal sends in a drill (演练): a drifting pattern and a pulsed tone, made here.

A drill opens the gate without people who supervise. Camera and microphone are tried by the equipment test; what crosses
comes from neither, so that no word and no face of a room can cross in a drill (Yunnan 25; Guangdong 27).
"""

import cv2
import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, sound_frame
from kiosk_agent.media.source import FramePacer, RoomSources, Source, SourceClock
from kiosk_agent.media.sources import FPS, SIZE

TONE = 440.0  # Hz
LOUD = 0.1  # of full scale: -20 dBFS, as people speak
DRIFT = 4  # pixels a frame


def drill_sources() -> RoomSources:
    """Return the pattern and the tone, with their common clock."""
    clock = SourceClock()
    return RoomSources(DrillPicture(clock), DrillSound(clock), clock)


class DrillPicture(Source):
    """Soft grey blobs that drift, under the word DRILL: about as hard to code as a person in a room."""

    kind = "video"

    def __init__(self, clock: SourceClock) -> None:
        self._pacer = FramePacer(clock, 1 / FPS, patience=0.1)
        self._pattern = _blobs(*SIZE)

    @property
    def skipped(self) -> int:
        """Number of frames not made because the reader was late by more than 100 ms."""
        return self._pacer.skipped

    async def _next(self) -> VideoFrame:
        number = await self._pacer.next()
        frame = VideoFrame.from_ndarray(self.picture(number), format="gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = number * 90_000 // FPS, VIDEO_BASE
        return frame

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return frame `number` in grey, height x width."""
        picture = np.roll(self._pattern, -DRIFT * number, axis=1)
        cv2.putText(picture, "DRILL", (SIZE[0] // 4, SIZE[1] * 3 // 5), cv2.FONT_HERSHEY_SIMPLEX, 4, 235, 12)
        return picture


class DrillSound(Source):
    """A tone for half of each second, in frames of 20 ms: 48 kHz, mono, signed 16 bit."""

    kind = "audio"

    def __init__(self, clock: SourceClock) -> None:
        self._pacer = FramePacer(clock, CHUNK / RATE, patience=0.3)

    @property
    def skipped(self) -> int:
        """Number of frames not made because the reader was late by more than 300 ms."""
        return self._pacer.skipped

    async def _next(self) -> AudioFrame:
        number = await self._pacer.next()
        at = np.arange(number * CHUNK, (number + 1) * CHUNK) / RATE
        wave = np.sin(2 * np.pi * TONE * at) * (at % 1 < 0.5)
        return sound_frame((wave * LOUD * 32767).astype(np.int16), number * CHUNK)


def _blobs(width: int, height: int) -> NDArray[np.uint8]:
    """Return a pattern whose right edge goes on at its left one."""
    noise = np.random.default_rng(12).integers(0, 255, (height // 12, width // 24), dtype=np.uint8)
    wide = cv2.resize(np.hstack([noise] * 3), (width * 3, height), interpolation=cv2.INTER_CUBIC)
    soft: NDArray[np.uint8] = (wide[:, width : 2 * width] // 3 + 60).astype(np.uint8)
    return soft
