"""One part of one session, seen from the event loop: a bounded queue that the tap fills, a task that hands batches to
the worker thread, and a watch over that thread. The deadline is enforced here, whoever else is alive."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog

from broker.kernel.clock import Clock
from broker.media.tap_format import TapRecord
from recorder.archive.disk_space import Rules
from recorder.pipeline.writer import Progress, Writer

log = structlog.get_logger()
T = TypeVar("T")
EAGER, CALM = 0.02, 0.2  # seconds between batches, before and after the first fragment is on disk
STALL = 1.5  # seconds a write may take before it is a fact
TAIL = 0.3  # seconds after the end in which packets that arrived before it are still on their way here
LATE_CUT = 0.05  # seconds by which the relay's own cut may lag behind the deadline: what crossed is kept
QUEUE_BYTES = 16 << 20  # about half a minute of both sides at 2 Mbit/s
REPORT = 1.0
SIDES = ("prison", "visitor")
Tell = Callable[..., None]
UNLIMITED = Rules(0, 0)


class Recording:
    """Records one part. `tell(fact, **facts)` hears of flushed, writing, stalled, failed and keyframe."""

    def __init__(
        self, session: str, folder: Path, part: int, clock: Clock, tell: Tell, space: Rules = UNLIMITED
    ) -> None:
        self.session, self.part, self._space = session, part, space
        self.progress: Progress | None = None
        self.failed = ""
        self.deadline: float | None = None
        self._clock, self._tell = clock, tell
        self._writer = Writer(folder, part)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"part-{part}")
        self._queue: list[TapRecord] = []
        self._queued = 0
        self._end: float | None = None
        self._wake = asyncio.Event()
        self._announced = self._stalled = False
        self._reported = 0.0
        self._overflowed = 0
        self._wanted: tuple[int, ...] = ()

    @property
    def overflow(self) -> int:
        """Records that came faster than they could be written."""
        return self._writer.overflow

    @property
    def writing(self) -> bool:
        """Whether the four tracks of the rooms are on disk and nothing holds the writer up."""
        return self._announced and not self._stalled and not self.failed

    def accept(self, record: TapRecord) -> None:
        """Queue a record, or count it as lost where the writer lags too far behind. Never blocks."""
        if self._queued > QUEUE_BYTES or self.failed:
            self._writer.overflow += 1
            return
        self._queue.append(record)
        self._queued += len(record.data)

    def end(self, moment: float) -> None:
        """Record no packet that arrived after server second `moment`."""
        self._end = moment if self._end is None else min(self._end, moment)
        self._wake.set()

    def extend(self, made: float, moment: float) -> bool:
        """Put the deadline off to `moment`, by an approval that was `made` before it; whether it counts."""
        if self.deadline is not None and (made >= self.deadline or self._over()):
            return False
        self.deadline = moment
        return True

    async def run(self) -> None:
        """Record until the end, then finish the file. Returns normally also where the disk failed."""
        try:
            while not self._over():
                await self._pause()
                await self._batch()
            await self._in_thread(self._writer.close, self._cut(), self._clock.now())
        except Exception as error:  # one session's trouble must not reach another one's
            log.exception("recording failed", session=self.session, part=self.part)
            self.failed = type(error).__name__
            self._tell("failed", session=self.session, reason=_reason(error))
            await self._in_thread(self._writer.abandon)
        finally:
            self._thread.shutdown(wait=False)

    def _cut(self) -> float:
        ends = [self._end, None if self.deadline is None else self.deadline + LATE_CUT]
        return min((end for end in ends if end is not None), default=float("inf"))

    def _over(self) -> bool:
        return self._clock.now().mono >= self._cut() - LATE_CUT + TAIL

    async def _pause(self) -> None:
        """Wait for the next batch, or less if the end comes before it."""
        flushed = self.progress is not None and self.progress.flushed
        left = self._cut() - LATE_CUT + TAIL - self._clock.now().mono
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), max(min(CALM if flushed else EAGER, left), 0.001))
        except TimeoutError:
            return

    async def _batch(self) -> None:
        records, self._queue, self._queued = self._queue, [], 0
        cut = self._cut() * 1e9
        if records and records[-1].arrival_ns > cut:
            records = [record for record in records if record.arrival_ns <= cut]
        now = self._clock.now()
        if now.mono < self._cut():
            self._report(await self._in_thread(self._writer.work, records, now))
        elif records:
            await self._in_thread(self._writer.take, records)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Run in the worker thread, and say so when it takes too long."""
        future = asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
        done, _ = await asyncio.wait({future}, timeout=STALL)
        if not done:
            self._stall("slow_disk")
        return await future

    def _stall(self, reason: str) -> None:
        self._stalled, self._announced = True, False
        log.error("recording stalled", session=self.session, part=self.part, reason=reason)
        self._tell("stalled", session=self.session, reason=reason)

    def _give_up(self) -> None:
        """Finish the file while there is still room for its index."""
        self.failed = "no_disk"
        log.error("recording ended for want of room", session=self.session, part=self.part)
        self._tell("failed", session=self.session, reason="no_disk")
        self.end(self._clock.now().mono)

    def _behind(self, now: float) -> bool:
        """Whether records wait for too long, or some could not be taken since the last look."""
        before, self._overflowed = self._overflowed, self.overflow
        return self.overflow > before or (bool(self._queue) and now - self._queue[0].arrival_ns / 1e9 > STALL)

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        now = self._clock.now().mono
        if progress.free < self._space.floor:
            if not self._stalled:
                self._stall("no_disk")
            if progress.free < self._space.brink and not self.failed:
                self._give_up()
        elif self._behind(now):
            if not self._stalled:
                self._stall("lagging")
        elif progress.flushed and not self._announced:
            self._announced, self._stalled = True, False
            self._tell("flushed", session=self.session, part=self.part, mono=now)
        if progress.wanting and progress.wanting != self._wanted:
            self._tell("keyframe", session=self.session, sides=[SIDES[i] for i in progress.wanting])
        self._wanted = progress.wanting
        if now - self._reported >= REPORT:
            self._reported, self._wanted = now, ()
            facts = {"seconds": progress.seconds, "bytes": progress.bytes, "tracks": progress.tracks}
            self._tell("writing", session=self.session, part=self.part, overflow=self.overflow, **facts)


def _reason(error: Exception) -> str:
    return "no_disk" if isinstance(error, OSError) else "internal"
