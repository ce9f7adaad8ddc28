"""What every source of picture or sound has in common: one clock for both tracks of a room, pacing by the loop's
clock that never drifts and never queues, and a track that a peer may stop without stopping the source behind it."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

VIDEO_BASE = Fraction(1, 90_000)
AUDIO_BASE = Fraction(1, 48_000)

Frame = VideoFrame | AudioFrame


class SourceError(Exception):
    """A source cannot be opened, or gives nothing any more. The text names the thing, never a person."""


@dataclass(slots=True)
class SourceClock:
    """The common zero of a room's picture and sound, in seconds of the loop's clock; set by whoever is read first."""

    zero: float | None = None

    def started(self, now: float) -> float:
        """The zero, which is `now` when nobody has asked before."""
        if self.zero is None:
            self.zero = now
        return self.zero


@dataclass(slots=True)
class Pace:
    """Hands out frame numbers when they are due. The due time is computed from the zero, so errors do not add up;
    a reader later than `patience` seconds loses what it missed, which is counted, instead of queueing it."""

    clock: SourceClock
    period: float
    patience: float
    skipped: int = 0
    _next: int = -1

    async def next(self) -> int:
        """Waits until the next frame is due, then gives its number (numbers are time / period)."""
        loop = asyncio.get_running_loop()
        zero = self.clock.started(loop.time())
        if self._next < 0:  # the other track may have begun earlier: that is no loss
            self._next = max(0, int((loop.time() - zero) / self.period))
        late = loop.time() - (zero + self._next * self.period)
        if late > self.patience:
            missed = int(late / self.period)
            self.skipped += missed
            self._next += missed
        elif late < 0:
            await asyncio.sleep(-late)
        self._next += 1
        return self._next - 1


class Source(ABC):
    """Something that gives frames of one kind, one reader at a time."""

    kind: str
    frames = 0
    """How many were given."""
    last: Frame | None = None
    """The newest frame given, for self-tests of a source that is already publishing."""

    @property
    def skipped(self) -> int:
        """How many frames were dropped because nobody took them in time."""
        return 0

    @abstractmethod
    async def _next(self) -> Frame:
        """Waits for the next frame; raises SourceError when there will be none."""

    async def take(self) -> Frame:
        """The next frame, when it is due. Raises SourceError."""
        frame = await self._next()
        self.frames += 1
        self.last = frame
        return frame

    def rewind(self) -> None:  # noqa: B027  most sources run on and have no beginning to go back to
        """Called before each publication."""

    async def close(self) -> None:  # noqa: B027  most sources hold nothing
        """Gives devices, files and threads back. Idempotent."""


class SourceTrack(MediaStreamTrack):
    """One publication's view of a source. aiortc stops the tracks of a closed connection; the source outlives it."""

    def __init__(self, source: Source, clock: SourceClock) -> None:
        super().__init__()
        self.kind, self.clock = source.kind, clock
        self._source = source

    async def recv(self) -> Frame:
        """The next frame; MediaStreamError once stopped or when the source failed."""
        if self.readyState != "live":
            raise MediaStreamError
        try:
            return await self._source.take()
        except SourceError as error:
            self.stop()
            raise MediaStreamError(str(error)) from error


@dataclass(slots=True)
class RoomSources:
    """A room's picture and sound."""

    video: Source
    audio: Source
    clock: SourceClock = field(default_factory=SourceClock)

    def tracks(self) -> tuple[SourceTrack, SourceTrack]:
        """Fresh (video, audio) tracks for one publication."""
        self.video.rewind()
        self.audio.rewind()
        return SourceTrack(self.video, self.clock), SourceTrack(self.audio, self.clock)

    async def close(self) -> None:
        """Closes both sources."""
        await self.video.close()
        await self.audio.close()


def mono_samples(frame: AudioFrame) -> NDArray[np.int16]:
    """The first channel of a packed signed 16 bit frame (aiortc decodes to stereo at 48 kHz), not copied."""
    channels = len(frame.layout.channels)
    samples: NDArray[np.int16] = _octets(frame.planes[0]).view(np.int16)
    return samples[: frame.samples * channels : channels]


def luma(frame: VideoFrame) -> NDArray[np.uint8]:
    """The brightness plane (height x width) of a planar YUV frame, without copying or converting the rest."""
    plane = frame.planes[0]
    return _octets(plane).reshape(plane.height, plane.line_size)[:, : plane.width]


def _octets(plane: Any) -> NDArray[np.uint8]:
    return np.frombuffer(plane, np.uint8)  # planes are buffers, which PyAV's types do not say
