"""Sources of a generated room: a moving picture whose frames carry their number, and speech-like sound whose seconds
carry theirs. Both count from the same zero, so that the time of origin of every received picture and sound is known."""

import cv2
import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, draw
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, sound_frame
from kiosk_agent.media.source import FramePacer, RoomSources, Source, SourceClock
from kiosk_agent.media.sources import FPS, SIZE

_COLOURS = {Side.PRISON: (150, 110), Side.VISITOR: (110, 150)}  # U and V: bluish, reddish
_FLASH_SECONDS = 0.2


def generated_sources(side: Side, size: tuple[int, int] = SIZE, fps: int = FPS) -> RoomSources:
    """Return the generated room of `side`: a SourceFactory for `open_sources`."""
    clock = SourceClock()
    return RoomSources(GeneratedVideo(side, clock, size, fps), GeneratedAudio(side, clock), clock)


class GeneratedVideo(Source):
    """Picture of `size` (width, height; even) at `fps`: the frame code, a drifting texture, the hand of a clock, a
    bouncing disc, side and number in letters, and a white square in the first 200 ms of each second, while the pilot of
    `voice.py` begins, so that a person can compare picture and sound."""

    kind = "video"

    def __init__(self, side: Side, clock: SourceClock, size: tuple[int, int] = (640, 360), fps: int = 25) -> None:
        self.side, self.fps = side, fps
        self._width, self._height = size
        self._pacer = FramePacer(clock, 1 / fps, patience=0.1)
        self._canvas = np.empty((self._height * 3 // 2, self._width), np.uint8)
        chroma = self._canvas[self._height :].reshape(2, -1)
        chroma[:] = np.array(_COLOURS[side], np.uint8)[:, None]
        self._texture = _texture(self._width * 2, self._height)

    @property
    def skipped(self) -> int:
        """Number of frames not made because the reader was late by more than 100 ms."""
        return self._pacer.skipped

    async def _next(self) -> VideoFrame:
        number = await self._pacer.next()
        frame = VideoFrame.from_ndarray(self.picture(number), format="yuv420p")
        frame.pts, frame.time_base = number * 90_000 // self.fps, VIDEO_BASE
        return frame

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return frame `number` as planar YUV 4:2:0 (height*3/2 x width); the next call reuses the array."""
        luma = self._canvas[: self._height]
        shift = number % self._width
        luma[:] = self._texture[:, shift : shift + self._width]
        self._draw_parts(luma, number)
        draw(luma, FrameCode(self.side, number))
        return self._canvas

    def _draw_parts(self, luma: NDArray[np.uint8], number: int) -> None:
        width, height, second = self._width, self._height, number / self.fps
        centre, reach = (width // 4, height // 2), height // 4
        turn = 2 * np.pi * second / 4
        tip = (int(centre[0] + reach * np.sin(turn)), int(centre[1] - reach * np.cos(turn)))
        cv2.circle(luma, centre, reach, 60, 2)
        cv2.line(luma, centre, tip, 230, 4)
        travel = width // 3
        bounce = abs(int(second * travel / 2) % (2 * travel) - travel)
        cv2.circle(luma, (width // 2 + bounce, height * 2 // 3), height // 12, 200, -1)
        label = f"{self.side} {number} {second:8.2f}s"
        cv2.putText(luma, label, (width // 32, height * 15 // 16), cv2.FONT_HERSHEY_SIMPLEX, height / 500, 235, 2)
        if second % 1 < _FLASH_SECONDS:
            luma[height // 4 : height // 2, width * 3 // 4 : width * 15 // 16] = 235


class GeneratedAudio(Source):
    """Sound of the side's voice in frames of 20 ms: 48 kHz, mono, signed 16 bit."""

    kind = "audio"

    def __init__(self, side: Side, clock: SourceClock) -> None:
        self._voice = SyntheticVoice(side)
        self._pacer = FramePacer(clock, CHUNK / RATE, patience=0.3)

    @property
    def skipped(self) -> int:
        """Number of frames not made because the reader was late by more than 300 ms."""
        return self._pacer.skipped

    async def _next(self) -> AudioFrame:
        number = await self._pacer.next()
        return sound_frame(self._voice.samples(number * CHUNK, CHUNK), number * CHUNK)


def _texture(width: int, height: int) -> NDArray[np.uint8]:
    """Return soft blobs that repeat after half the width, so that drifting shows no seam. They are about as hard to
    compress as a person in a room."""
    noise = np.random.default_rng(7).integers(0, 255, (height // 12, width // 24), dtype=np.uint8)
    thrice = cv2.resize(np.hstack([noise] * 3), (width // 2 * 3, height), interpolation=cv2.INTER_CUBIC)
    half = thrice[:, width // 2 : width].astype(np.float32)
    soft = (90 + (half - 128) * 0.35).clip(30, 160).astype(np.uint8)
    return np.hstack([soft, soft])
