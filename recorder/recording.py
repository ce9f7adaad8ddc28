"""The recording of one part of one session, seen from the event loop: a bounded queue that the tap fills, a task that
hands batches to a worker thread, and a watch over that thread. The deadline is enforced here, so that it holds even
when the control process and the relay are gone."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import structlog

from broker.ipc.recorder_messages import (
    FilmUnusable,
    FilmUsable,
    FragmentFlushed,
    KeyframeWanted,
    RecorderFact,
    WritingFailed,
    WritingProgress,
    WritingStalled,
)
from broker.kernel.clock import Clock, until_multiple
from broker.kernel.ids import SessionId, Side
from broker.media.tap_format import TapRecord
from recorder.archive.disk_space import Rules
from recorder.pipeline.writer import Faults, Progress, Writer

log = structlog.get_logger()
T = TypeVar("T")
EAGER, CALM = 0.02, 0.2  # seconds between batches, before and after the first fragment is on disk
STALL = 1.5  # seconds a write may take before the fact WritingStalled is sent
TAIL = 0.3  # seconds after the end in which packets that arrived before it may still come through the tap
LATE_CUT = 0.05  # seconds by which the relay's own cut may lag behind the deadline: what crossed is kept
QUEUE_BYTES = 16 << 20  # about half a minute of both sides at 2 Mbit/s
OVERHEAD = 200  # bytes that a queued record takes beside its data
REPORT = 1.0  # seconds between two facts WritingProgress
SIDES = (Side.PRISON, Side.VISITOR)
ReportFact = Callable[[RecorderFact], None]
UNLIMITED = Rules(0, 0)


class Recording:
    """Records one part of a session. `report_fact` receives what happens to it."""

    def __init__(
        self, session: str, folder: Path, part: int, clock: Clock, report_fact: ReportFact, space: Rules = UNLIMITED
    ) -> None:
        self.session, self.part, self._space = SessionId(session), part, space
        self.progress: Progress | None = None
        self.failed = ""
        self.deadline: float | None = None
        self._clock, self._report_fact = clock, report_fact
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
        self._faults: Faults = (None, None)

    @property
    def overflow(self) -> int:
        """Number of records that were dropped because the queue was full."""
        return self._writer.overflow

    @property
    def writing(self) -> bool:
        """Whether the four tracks of the rooms are on disk and the writer keeps up."""
        return self._announced and not self._stalled and not self.failed

    def accept(self, record: TapRecord) -> None:
        """Queue a record, or count it as overflow where the writer lags too far behind. Never blocks."""
        if self._queued > QUEUE_BYTES or self.failed:
            self._writer.overflow += 1
            return
        self._queue.append(record)
        self._queued += len(record.data) + OVERHEAD

    def announce(self, report_fact: ReportFact) -> None:
        """Send a control process that has just connected what holds: first what speaks against an open gate."""
        for side, fault in zip(SIDES, self._faults, strict=True):
            if fault is not None:
                report_fact(FilmUnusable(session=self.session, side=side, fault=fault))
        if self.writing:
            report_fact(FragmentFlushed(session=self.session, part=self.part, mono=self._clock.now().mono))

    def end(self, moment: float) -> None:
        """End the part: no packet that arrived after server second `moment` is recorded."""
        self._end = moment if self._end is None else min(self._end, moment)
        self._wake.set()

    def extend(self, made: float, moment: float) -> bool:
        """Put the deadline off to `moment` and return True; False where the approval was `made` after the deadline."""
        if self.deadline is not None and (made >= self.deadline or self._over()):
            return False
        self.deadline = moment
        return True

    async def run(self) -> None:
        """Record until the end, then finish the file. A failing disk is reported as a fact, not raised."""
        try:
            while not self._over():
                await self._pause()
                await self._batch()
            await self._in_thread(self._writer.close, self._cut(), self._clock.now())
        except Exception as error:  # the failure of one session must not reach another session
            log.exception("recording failed", session=self.session, part=self.part)
            self.failed = type(error).__name__
            self._report_fact(WritingFailed(session=self.session, reason=_reason(error)))
            await self._in_thread(self._writer.abandon)
        finally:
            self._thread.shutdown(wait=False)

    def _cut(self) -> float:
        ends = [self._end, None if self.deadline is None else self.deadline + LATE_CUT]
        return min((end for end in ends if end is not None), default=float("inf"))

    def _over(self) -> bool:
        return self._clock.now().mono >= self._cut() - LATE_CUT + TAIL

    async def _pause(self) -> None:
        """Wait until the next batch is due, or until the end if that comes first.

        Batches of all recordings are due at the same moments: one after another they find the processor's caches warm
        and take a fifth less time than apart."""
        interval = CALM if self.progress is not None and self.progress.flushed else EAGER
        now = self._clock.now().mono
        pause = max(min(until_multiple(interval, now), self._cut() - LATE_CUT + TAIL - now), 0.001)
        self._wake.clear()
        timer = asyncio.get_running_loop().call_later(pause, self._wake.set)  # `wait_for` would make a task of it
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

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
        """Run `work` in the worker thread, and report a stall when it takes longer than STALL."""
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._thread, work, *args)
        watch = loop.call_later(STALL, self._check_answer, future)
        try:
            return await future
        finally:
            watch.cancel()

    def _check_answer(self, future: asyncio.Future[Any]) -> None:
        if not future.done():
            self._stall("slow_disk")

    def _stall(self, reason: str) -> None:
        self._stalled, self._announced = True, False
        log.error("recording stalled", session=self.session, part=self.part, reason=reason)
        self._report_fact(WritingStalled(session=self.session, reason=reason))

    def _give_up(self) -> None:
        """End the part while the disk still has room for the index of its file."""
        self.failed = "no_disk"
        log.error("recording ended because the disk is full", session=self.session, part=self.part)
        self._report_fact(WritingFailed(session=self.session, reason="no_disk"))
        self.end(self._clock.now().mono)

    def _behind(self, now: float) -> bool:
        """Whether a queued record is older than STALL, or records were dropped since the last call."""
        before, self._overflowed = self._overflowed, self.overflow
        return self.overflow > before or (bool(self._queue) and now - self._queue[0].arrival_ns / 1e9 > STALL)

    def _report(self, progress: Progress) -> None:
        self.progress = progress
        now = self._clock.now().mono
        self._report_faults(progress.faults)
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
            self._report_fact(FragmentFlushed(session=self.session, part=self.part, mono=now))
        if progress.wanting and progress.wanting != self._wanted:
            sides = tuple(SIDES[number] for number in progress.wanting)
            self._report_fact(KeyframeWanted(session=self.session, sides=sides))
        self._wanted = progress.wanting
        if now - self._reported >= REPORT:
            self._reported, self._wanted = now, ()
            self._report_fact(
                WritingProgress(
                    session=self.session,
                    part=self.part,
                    seconds=progress.seconds,
                    bytes=progress.bytes,
                    overflow=self.overflow,
                )
            )

    def _report_faults(self, faults: Faults) -> None:
        """Report of each side whether its film can be watched, when that has changed."""
        before, self._faults = self._faults, faults
        for side, was, fault in zip(SIDES, before, faults, strict=True):
            if fault is not None and fault is not was:
                log.warning("film unusable", session=self.session, part=self.part, side=str(side), fault=str(fault))
                self._report_fact(FilmUnusable(session=self.session, side=side, fault=fault))
            elif fault is None and was is not None:
                self._report_fact(FilmUsable(session=self.session, side=side))


def _reason(error: Exception) -> str:
    return "no_disk" if isinstance(error, OSError) else "internal"
