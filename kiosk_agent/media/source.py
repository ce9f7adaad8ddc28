"""Base of all sources of picture or sound: one clock for both tracks of a room, pacing by the loop's clock that neither
drifts nor queues, and a track that a peer may stop without stopping its source."""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from kiosk_agent.media.frames import Frame


class SourceError(Exception):
    """A source cannot be opened, or gives nothing any more. The text names the device or file, never a person."""

    for_operators = True


@dataclass(slots=True)
class SourceClock:
    """Common zero of a room's picture and sound, in seconds of the loop's clock; the track that is read first sets
    it."""

    zero: float | None = None

    def started(self, now: float) -> float:
        """Return the zero; the first call sets it to `now`."""
        if self.zero is None:
            self.zero = now
        return self.zero


@dataclass(slots=True)
class FramePacer:
    """Returns frame numbers when they are due. Due times are computed from the zero, so that errors do not add up. A
    reader later than `patience` seconds skips what it missed, which is counted, instead of getting old frames."""

    clock: SourceClock
    period: float
    patience: float
    skipped: int = 0
    _next: int = -1

    async def next(self) -> int:
        """Wait until the next frame is due and return its number (time / period)."""
        loop = asyncio.get_running_loop()
        zero = self.clock.started(loop.time())
        if self._next < 0:  # the other track may have begun earlier, which skips nothing
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
    """Source of frames of one kind ("video" or "audio"), for one reader at a time."""

    kind: str
    frames = 0
    """Number of frames taken."""
    last: Frame | None = None
    """Newest frame taken, for tests of a source that is being published."""

    @property
    def skipped(self) -> int:
        """Number of frames dropped because they were not taken in time."""
        return 0

    @abstractmethod
    async def _next(self) -> Frame:
        """Wait for the next frame. Raises SourceError when there will be none."""

    async def take(self) -> Frame:
        """Return the next frame when it is due. Raises SourceError."""
        frame = await self._next()
        self.frames += 1
        self.last = frame
        return frame

    def rewind(self) -> None:  # noqa: B027  most sources run on and have no beginning to go back to
        """Prepare for a new publication."""

    async def close(self) -> None:  # noqa: B027  most sources hold nothing
        """Release devices, files and threads. Idempotent."""


class SourceTrack(MediaStreamTrack):
    """Track of one publication that reads a source. aiortc stops the tracks of a closed connection; the source goes
    on."""

    def __init__(self, source: Source, clock: SourceClock) -> None:
        super().__init__()
        self.kind, self.clock = source.kind, clock
        self._source = source

    async def recv(self) -> Frame:
        """Return the next frame of the source. Raises MediaStreamError once stopped, or when the source failed."""
        if self.readyState != "live":
            raise MediaStreamError
        try:
            return await self._source.take()
        except SourceError as error:
            self.stop()
            raise MediaStreamError(str(error)) from error


@dataclass(slots=True)
class RoomSources:
    """Sources of a room's picture and sound, with their common clock."""

    video: Source
    audio: Source
    clock: SourceClock = field(default_factory=SourceClock)

    def tracks(self) -> tuple[SourceTrack, SourceTrack]:
        """Return new (video, audio) tracks for one publication."""
        self.video.rewind()
        self.audio.rewind()
        return SourceTrack(self.video, self.clock), SourceTrack(self.audio, self.clock)

    async def close(self) -> None:
        """Close both of the sources."""
        await self.video.close()
        await self.audio.close()
