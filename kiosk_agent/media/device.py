"""Camera (OpenCV) and microphone (FFmpeg's ALSA input) as sources. Both block, so each is read in a thread of its own
that keeps only the newest frames: a frame that is not taken in time is dropped and counted."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing

import av
import cv2
import numpy as np
from av import AudioResampler, VideoFrame

from kiosk_agent.media.alsa import ALSA, open_input
from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, Frame, mono_samples, sound_frame
from kiosk_agent.media.source import Source, SourceClock, SourceError

_SILENT_DEVICE = 3.0
"""Seconds without a frame after which a device counts as gone; cameras take up to two to start."""


class DeviceSource(Source):
    """Source fed by a thread that runs a blocking generator of frames into a queue of `depth`."""

    def __init__(self, clock: SourceClock, depth: int) -> None:
        self._clock = clock
        self._queue: deque[Frame] = deque(maxlen=depth)
        self._fresh = asyncio.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: str | None = None
        self._dropped = 0

    @property
    def skipped(self) -> int:
        """Number of frames dropped because they were not taken in time."""
        return self._dropped

    def _read(self, seconds: Callable[[], float]) -> Generator[Frame, None, None]:
        """Open the device and yield its frames, in the thread; `seconds` returns the time since the common zero."""
        raise NotImplementedError

    async def _next(self) -> Frame:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            zero = self._clock.started(loop.time())
            self._thread = threading.Thread(
                target=self._pump, args=(loop, zero), name=f"device-{self.kind}", daemon=True
            )
            self._thread.start()
        while not self._queue:
            if self._error is not None:
                error, self._error, self._thread = self._error, None, None  # the next reader opens the device again
                raise SourceError(error)
            self._fresh.clear()
            try:
                await asyncio.wait_for(self._fresh.wait(), _SILENT_DEVICE)
            except TimeoutError:
                raise SourceError(f"the {self.kind} device gives nothing") from None
        return self._queue.popleft()

    def rewind(self) -> None:
        """Forget what was queued before."""
        self._queue.clear()

    async def close(self) -> None:
        """Stop the thread of the device. It may stay in one last blocking read; as a daemon thread it does not keep the
        process alive."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)

    def _pump(self, loop: asyncio.AbstractEventLoop, zero: float) -> None:
        error = f"the {self.kind} device ended"
        try:
            with closing(self._read(lambda: loop.time() - zero)) as frames:
                for frame in frames:
                    if self._stop.is_set():
                        return
                    loop.call_soon_threadsafe(self._offer, frame)
        except (SourceError, av.FFmpegError, OSError, cv2.error) as failure:
            error = f"the {self.kind} device: {failure}"
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._fail, error)

    def _offer(self, frame: Frame) -> None:
        if len(self._queue) == self._queue.maxlen:
            self._dropped += 1
        self._queue.append(frame)
        self._fresh.set()

    def _fail(self, error: str) -> None:
        self._error = error
        self._fresh.set()


class Camera(DeviceSource):
    """Camera with OpenCV's index or a path such as /dev/video0. Frames are at most `size` (width, height)."""

    kind = "video"

    def __init__(
        self, device: int | str, clock: SourceClock, size: tuple[int, int] = (640, 360), fps: int = 25
    ) -> None:
        super().__init__(clock, depth=2)
        self._device, self._size, self._fps = device, size, fps

    def _read(self, seconds: Callable[[], float]) -> Generator[Frame, None, None]:
        capture = cv2.VideoCapture(self._device)
        try:
            if not capture.isOpened():
                raise SourceError("cannot be opened")
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            capture.set(cv2.CAP_PROP_FPS, self._fps)
            while True:
                good, picture = capture.read()
                if not good:
                    return
                yield self._frame(
                    VideoFrame.from_ndarray(picture.astype(np.uint8, copy=False), format="bgr24"), seconds()
                )
        finally:
            capture.release()

    def _frame(self, raw: VideoFrame, second: float) -> VideoFrame:
        shrink = min(1.0, self._size[0] / raw.width, self._size[1] / raw.height)
        width, height = (max(2, int(side * shrink) // 2 * 2) for side in (raw.width, raw.height))
        frame = raw.reformat(width=width, height=height, format="yuv420p")
        frame.pts, frame.time_base = round(second * 90_000), VIDEO_BASE
        return frame


class Microphone(DeviceSource):
    """Microphone with an ALSA name such as "default". `format_name` is FFmpeg's input, None to guess it by content."""

    kind = "audio"

    def __init__(self, device: str, clock: SourceClock, format_name: str | None = ALSA) -> None:
        super().__init__(clock, depth=15)
        self._device, self._format = device, format_name

    def _read(self, seconds: Callable[[], float]) -> Generator[Frame, None, None]:
        with open_input(self._device, self._format) as container:
            if not container.streams.audio:
                raise SourceError("has no sound")
            resampler = AudioResampler("s16", "mono", RATE, frame_size=CHUNK)
            first: int | None = None
            for frame in container.decode(audio=0):
                for piece in resampler.resample(frame):
                    if first is None:  # from here the device's own clock counts; the recorder corrects its drift
                        first = round(seconds() * RATE)
                    yield sound_frame(mono_samples(piece), first)
                    first += piece.samples
