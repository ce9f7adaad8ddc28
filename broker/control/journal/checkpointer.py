"""The checkpoints of a running service: when the head of the journal is signed, the check of what was written since the
last one, and the copies elsewhere. It reads the database and delays no entry: a journal is written whether or not
checkpoints of it can be made. What it finds and what fails stands in `CheckpointStatus`, for metrics and operators."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

import structlog

from broker.control.journal import reader
from broker.control.journal.checkpoint_status import CheckpointStatus
from broker.control.journal.comparison import Comparison, Finding
from broker.control.journal.journal import Journal
from broker.control.journal.removal import REMOVED, explains, removal_in
from broker.kernel.clock import Clock
from broker.kernel.errors import StorageUnavailable
from broker.kernel.hash_chain import Point
from broker.kernel.tasks import Tasks

log = structlog.get_logger()
LOOK = 2.0  # seconds between looks at the end of the journal
REVIEW = 24 * 3600.0  # seconds between comparisons of all checkpoints with the stored hashes
FIRST_RETRY, LONGEST_RETRY = 5.0, 300.0  # seconds until a copy that failed is tried again
RETRY = 30.0  # seconds until a checkpoint that could not be made is tried again
CLOSING = 5.0  # seconds for copies at the end
DIFFERS = "JournalDiffers"
WEIGHTY = (
    *("Account", "Clock", "HoldLifted", "JournalDiffers", "JournalExported", "JournalRemoved", "Key", "OwnPassword"),
    *("Password", "Purge", "RecordingPurged", "Terminal", "User"),
)
"""How the kinds of entries begin behind which a checkpoint is made at once."""
_WALK = 100  # entries at a time in the loop of the control process: a millisecond


class Chain(Protocol):
    """Where checkpoints are made and kept. Its methods block, and raise OSError or what the key raises."""

    def last(self) -> Point | None:
        """Return the newest checkpoint, None before the first."""
        ...

    def points(self) -> Sequence[Point]:
        """Return all checkpoints that can be read."""
        ...

    def append(self, seq: int, head: str, at: datetime, why: str) -> Point:
        """Make a checkpoint, or return the newest one where it says the same."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """A checkpoint is made after so many `entries`, or so many `seconds` while there are new ones."""

    entries: int = 1000
    seconds: float = 600.0


@dataclass(slots=True)
class Checkpointer:
    """Makes checkpoints while it runs, as `async with`. `copies`: by name, how to bring a copy up to date, which
    returns the number of its newest checkpoint. `accepted`: what does not fit the checkpoints up to this number was
    looked into, such as a backup that had to be restored, and is no alarm any more."""

    journal: Journal
    chain: Chain
    clock: Clock
    interval: Interval = field(default_factory=Interval)
    copies: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    accepted: int = 0
    look: float = LOOK
    _tasks: Tasks = field(default_factory=Tasks)
    _made: dict[str, asyncio.Event] = field(default_factory=dict)
    _looked: int = 0  # the entry up to which kinds were looked at
    _since: float = 0.0  # when a checkpoint was made or nothing was new, monotonic
    _tried: float = 0.0  # when making one has failed, monotonic
    _reported: set[Finding] = field(default_factory=set)

    @property
    def status(self) -> CheckpointStatus:
        """What holds at present; the journal has it for those who report it."""
        return self.journal.checkpoints

    async def __aenter__(self) -> Self:
        self._since = self.clock.now().mono
        self._made = {name: asyncio.Event() for name in self.copies}
        self.status.copies = dict.fromkeys(self.copies, 0)
        self._tasks.spawn(self._run())
        for name, deliver in self.copies.items():
            self._tasks.spawn(self._deliver_on(name, deliver))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Make the last checkpoint, of all that was noted, and give the copies a moment."""
        await self._tasks.close()
        self.journal.note_counts()
        with suppress(StorageUnavailable):
            await self.journal.flush()
            await self._make("stop")
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING):
                    await asyncio.gather(*(self._deliver(name, deliver) for name, deliver in self.copies.items()))

    async def _run(self) -> None:
        reviewed = None
        why = "start"
        while True:
            try:
                now = self.clock.now().mono
                if reviewed is None or now - reviewed >= REVIEW:
                    await self._review()
                    reviewed = now
                if why or (why := await self._due()):
                    await self._make(why)
                why = ""
            except StorageUnavailable:
                pass  # the journal itself says so
            await asyncio.sleep(self.look)

    async def _due(self) -> str:
        """Return why a checkpoint is due, empty where it is not."""
        engine, now = self.journal.engine, self.clock.now().mono
        seq, _ = await reader.head(engine)
        new = seq - self.status.covered
        self.status.uncovered = max(0, new)
        if not new:
            self._looked, self._since = seq, now
            return ""
        if not self.status.failing and (new >= self.interval.entries or now - self._since >= self.interval.seconds):
            return "interval"
        if self.status.failing and now - self._tried >= RETRY:
            return "retry"
        kinds = await reader.kinds(engine, self._looked)
        self._looked = max(self._looked, seq)
        return next((kind for kind in kinds if kind.startswith(WEIGHTY)), "")

    async def _make(self, why: str) -> None:
        """Check the entries since the last checkpoint, then sign the head of the journal. Raises StorageUnavailable."""
        engine = self.journal.engine
        try:
            last = await asyncio.to_thread(self.chain.last)
            seq, head = await reader.head(engine)
            if last is not None:
                await self._check_since(last)
            if seq:
                made = await asyncio.to_thread(self.chain.append, seq, head, self.clock.now().wall, why)
                self._since, self._looked = self.clock.now().mono, seq
                self.status.made(made.number, seq)
            for event in self._made.values():
                event.set()
        except StorageUnavailable:
            raise
        except Exception as error:  # the disk of the archive, or a token that holds the key
            if self.status.failing != type(error).__name__:
                log.error("no checkpoint of the journal; tried again", why=type(error).__name__)
            self.status.failing, self._tried = type(error).__name__, self.clock.now().mono

    # --- what was written before -------------------------------------------------------------------------------------

    async def _check_since(self, last: Point) -> None:
        """Check that the journal goes on from the last checkpoint without a break. Raises StorageUnavailable."""
        stored = await reader.hashes(self.journal.engine, [last.seq])
        if stored.get(last.seq) != last.head:
            return await self._review()
        walk = Comparison(seq=last.seq, head=last.head)
        result = await reader.compare(self.journal.engine, walk, last.seq, _WALK)
        for finding in result.findings:
            self._report(finding)

    async def _review(self) -> None:
        """Hold the stored hashes against every checkpoint in the archive. Raises StorageUnavailable."""
        try:
            points = await asyncio.to_thread(self.chain.points)
        except OSError as error:
            log.error("checkpoints not read", why=type(error).__name__)
            return
        removed = await self._removed(points)
        points = [point for point in points if point.seq > removed]
        stored = await reader.hashes(self.journal.engine, sorted({point.seq for point in points}))
        fits = removed
        for point in sorted(points, key=lambda point: (point.seq, point.number)):
            if stored.get(point.seq) == point.head:
                fits = point.seq
            elif point.number > self.accepted:
                self._report(Finding("rewritten", fits + 1, point.seq, unfit=point.number, until=point.number))
                return

    async def _removed(self, points: Sequence[Point]) -> int:
        """Return the last entry that was removed by rule, 0 where none was. Raises StorageUnavailable."""
        first = await reader.first(self.journal.engine)
        if first is None or first.seq == 1:
            return 0
        entry = await reader.last_entry(self.journal.engine, REMOVED)
        removal = None if entry is None else removal_in(entry)
        lawful = removal is not None and explains(removal, first.seq, first.prev_hash, points)
        return first.seq - 1 if lawful else 0

    def _report(self, finding: Finding) -> None:
        """Call for help once about what does not fit: log, journal, and status."""
        self.status.differs = finding
        if finding in self._reported:
            return
        self._reported.add(finding)
        data = {"kind": finding.kind, "first": finding.first, "last": finding.last, "checkpoint": finding.unfit}
        log.error("THE JOURNAL IS NOT THE ONE THAT WAS SIGNED", **data)
        self.journal.note(DIFFERS, None, "journal", data)

    # --- copies ------------------------------------------------------------------------------------------------------

    async def _deliver_on(self, name: str, deliver: Callable[[], int]) -> None:
        retry = FIRST_RETRY
        while True:
            if await self._deliver(name, deliver):
                retry = FIRST_RETRY
                await self._made[name].wait()
                self._made[name].clear()
            else:
                await asyncio.sleep(retry)
                retry = min(2 * retry, LONGEST_RETRY)

    async def _deliver(self, name: str, deliver: Callable[[], int]) -> bool:
        """Bring a copy up to date; whether that was done."""
        try:
            self.status.copies[name] = await asyncio.to_thread(deliver)
        except Exception as error:  # a full disk, a server that is away, a copy of another archive
            if self.status.copies_failing.get(name) != type(error).__name__:
                log.error("checkpoint not copied; tried again", copy=name, why=type(error).__name__)
            self.status.copies_failing[name] = type(error).__name__
            return False
        if self.status.copies_failing.pop(name, None):
            log.warning("checkpoints copied again", copy=name)
        return True
