"""Media file as the picture and sound of a room: decoded by PyAV in a thread, scaled to what the visit sends, paced by
the file's own time stamps and repeated for ever. Each track opens the file for itself, so that neither blocks the
other."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
from av import AudioResampler, VideoFrame

from kiosk_agent.media.frames import CHUNK, RATE, VIDEO_BASE, Frame, mono_samples, sound_frame
from kiosk_agent.media.source import Source, SourceClock, SourceError

_LATE = 0.3
"""Seconds behind its time from which a decoded picture is dropped instead of sent."""

Timed = tuple[float, Frame]


class FileSource(Source):
    """Source of one kind of frames of a file. Subclasses decode; seconds count on through the repetitions."""

    def __init__(self, path: Path, clock: SourceClock) -> None:
        self._path, self._clock = path, clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"file-{self.kind}")
        self._frames: Iterator[Timed] | None = None
        self._dropped = 0

    @property
    def skipped(self) -> int:
        """Number of pictures dropped because decoding or the reader was late."""
        return self._dropped

    def rewind(self) -> None:
        """Begin the file again: after a pause there is nothing to catch up with."""
        self._frames = None
        self._clock.zero = None

    async def close(self) -> None:
        """End the thread after the frame that it is decoding."""
        self._frames = None
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _decoded(self) -> Iterator[Timed]:
        """Yield (seconds since the first beginning, frame) for ever."""
        raise NotImplementedError

    async def _next(self) -> Frame:
        loop = asyncio.get_running_loop()
        if self._frames is None:
            self._frames = self._decoded()
        while True:
            try:
                due, frame = await loop.run_in_executor(self._thread, self._frames.__next__)
            except (av.FFmpegError, RuntimeError) as error:  # RuntimeError: closed meanwhile
                raise SourceError(f"{self._path.name}: {error}") from error
            late = loop.time() - self._clock.started(loop.time()) - due
            if late <= _LATE or self.kind == "audio":
                await asyncio.sleep(max(0.0, -late))
                return frame
            self._dropped += 1


class FileVideo(FileSource):
    """First picture track, scaled into `size` (width, height) when larger, planar YUV 4:2:0."""

    kind = "video"

    def __init__(self, path: Path, clock: SourceClock, size: tuple[int, int] = (640, 360)) -> None:
        super().__init__(path, clock)
        self._size = size

    def _decoded(self) -> Iterator[Timed]:
        begun = 0.0
        while True:
            end = begun
            with _opened(self._path, "video") as container:
                for frame in container.decode(video=0):
                    due = begun + float(frame.time or 0.0)
                    end = max(end, due)
                    yield due, self._fitted(frame, due)
                begun = _next_round(container, begun, end)

    def _fitted(self, frame: VideoFrame, due: float) -> VideoFrame:
        shrink = min(1.0, self._size[0] / frame.width, self._size[1] / frame.height)
        width, height = (max(2, int(side * shrink) // 2 * 2) for side in (frame.width, frame.height))
        fitted = frame.reformat(width=width, height=height, format="yuv420p")
        fitted.pts, fitted.time_base = round(due * 90_000), VIDEO_BASE
        return fitted


class FileAudio(FileSource):
    """First sound track as 20 ms mono frames at 48 kHz; gaps between repetitions are silence."""

    kind = "audio"

    def _decoded(self) -> Iterator[Timed]:
        sent, begun = 0, 0.0
        while True:
            with _opened(self._path, "audio") as container:
                resampler = AudioResampler("s16", "mono", RATE, frame_size=CHUNK)
                for frame in container.decode(audio=0):
                    for piece in resampler.resample(frame):
                        if piece.samples == CHUNK:
                            yield sent / RATE, sound_frame(mono_samples(piece), sent)
                            sent += CHUNK
                begun = _next_round(container, begun, sent / RATE)
            while sent / RATE < begun:
                yield sent / RATE, sound_frame(np.zeros(CHUNK, np.int16), sent)
                sent += CHUNK


def _opened(path: Path, kind: str) -> av.container.InputContainer:
    container = av.open(path)
    if not getattr(container.streams, kind):
        container.close()
        raise SourceError(f"{path.name} has no {kind}")
    return container


def _next_round(container: av.container.InputContainer, begun: float, end: float) -> float:
    """Return when the next repetition begins. It depends on the container alone, so that both tracks agree."""
    length = container.duration / av.time_base if container.duration else end - begun
    if length <= 0:
        raise SourceError("the file is empty")
    return begun + length
