"""Moving pictures and a tone that the stand-in sends, small enough for a busy machine to encode."""

import asyncio
from collections.abc import Sequence

import aiortc.mediastreams
import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

Image = NDArray[np.uint8]


class Loop(aiortc.mediastreams.VideoStreamTrack):
    """Track that repeats BGR images of one size, 10 a second; it sends nothing until `flows` is set."""

    def __init__(self, flows: asyncio.Event, images: Sequence[Image]) -> None:
        super().__init__()
        self._flows = flows
        self._images = images
        self._number = 0

    async def recv(self) -> VideoFrame:
        """Return the next frame of the loop."""
        await self._flows.wait()
        for _ in range(3):  # aiortc counts 30 frames a second: 10 are enough to see and little to encode
            pts, base = await self.next_timestamp()
        frame = VideoFrame.from_ndarray(self._images[self._number % len(self._images)], format="bgr24")
        self._number += 1
        frame.pts, frame.time_base = pts, base
        return frame


def moving_bar(width: int = 320, height: int = 180) -> list[Image]:
    """Return images of a bar that moves over two shades."""
    ground = np.full((height, width, 3), (70, 60, 50), np.uint8)
    ground[height * 2 // 3 :] = (95, 85, 80)
    images = []
    for left in range(0, width - 40, 10):
        image = ground.copy()
        image[20:-20, left : left + 40] = (200, 190, 120)
        images.append(image)
    return images


class Tone(aiortc.mediastreams.AudioStreamTrack):
    """Tone of 440 Hz at a fifth of full scale; it sends nothing until `flows` is set."""

    def __init__(self, flows: asyncio.Event) -> None:
        super().__init__()
        self._flows = flows
        self._phase = 0

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms of the tone."""
        await self._flows.wait()
        frame = await super().recv()
        assert isinstance(frame, AudioFrame)
        count = frame.samples
        steps = np.arange(self._phase, self._phase + count) * (2 * np.pi * 440 / frame.sample_rate)
        self._phase += count
        frame.planes[0].update((np.sin(steps) * 6500).astype(np.int16).tobytes())
        return frame
