"""Moving picture and tone that the stand-in sends, small enough for a busy machine to encode."""

import asyncio

import aiortc.mediastreams
import numpy as np
from av import AudioFrame, VideoFrame


class Picture(aiortc.mediastreams.VideoStreamTrack):
    """Picture of a bar that moves over two shades; it sends nothing until `flows` is set."""

    def __init__(self, flows: asyncio.Event, width: int, height: int) -> None:
        super().__init__()
        self._flows = flows
        self._ground = np.full((height, width, 3), (70, 60, 50), np.uint8)
        self._ground[height * 2 // 3 :] = (95, 85, 80)

    async def recv(self) -> VideoFrame:
        """Return the next frame, 10 a second: enough to see, little to encode."""
        await self._flows.wait()
        for _ in range(3):
            pts, base = await self.next_timestamp()
        image = self._ground.copy()
        left = (pts // 900) % (image.shape[1] - 40)
        image[20:-20, left : left + 40] = (200, 190, 120)
        frame = VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = pts, base
        return frame


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
