"""Whether this machine's clock can be trusted. It decides what is due; therefore before a purge it is compared with the
monotonic clock of this run of the machine, with what was written before the machine was started, and with the kernel's
report on its reference.

A clock that is set forward while the machine runs moves against the monotonic clock. A clock that is set forward before
or during a restart looks like a machine that was switched off for as long, and could make recordings due too early by
that time. Therefore such a pause is accepted only where a time source disciplines the clock, and a pause longer than
PAUSE only where an officer has compared it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel.clock import Clock, Discipline, Instant, boot_id
from broker.kernel.database import reading, storage_errors, writing
from recorder.archive.tables import MARKS
from recorder.retention.rules import CLOCK_SLACK, clock_leapt

PAUSE = timedelta(days=7)
"""The longest pause that is accepted without an officer, even where the clock is disciplined."""
_ROW = MARKS.c


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the clock is not trusted: it was moved by `moved` while the machine ran, or at most by that across a
    restart."""

    moved: timedelta
    restarted: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """The notes on the clocks. `own`: both clocks when this run of the machine was first seen; `believed`: an officer
    has compared the clock since; `before`: the latest moment noted by an earlier run, None before the first; `latest`:
    the same, also where this clock says that it has not come yet."""

    own: tuple[datetime, float] | None
    believed: bool
    before: datetime | None
    latest: datetime | None = None


async def mark_clock(engine: AsyncEngine, clock: Clock) -> list[tuple[datetime, float]]:
    """Note both clocks when this run of the machine is first seen, and later that the clock goes on. Return the first
    note, or an empty list where it was made just now."""
    boot, now = boot_id(), clock.now()
    async with writing(engine) as db:
        row = (await db.execute(select(MARKS).where(_ROW.boot == boot))).one_or_none()
        if row is None:
            await db.execute(MARKS.insert().values(boot=boot, wall=now.wall, mono=now.mono, seen=now.wall))
            return []
        mark = (row.wall, row.mono)
        if clock_leapt([mark], now.wall, now.mono) is None:  # a clock that was moved proves nothing
            await db.execute(MARKS.update().where(_ROW.boot == boot).values(seen=now.wall))
        return [mark]


async def marks(engine: AsyncEngine, now: Instant) -> Marks:
    """Return all notes on the clocks. Raises StorageUnavailable."""
    boot, began = boot_id(), started(now)
    with storage_errors("The marks of the clock cannot be read."):
        async with reading(engine) as db:
            rows = (await db.execute(select(MARKS))).all()
    own = next((row for row in rows if row.boot == boot), None)
    earlier = [moment for row in rows if row.boot != boot for moment in (row.wall, row.seen) if moment is not None]
    return Marks(
        own=None if own is None else (own.wall, own.mono),
        believed=own is not None and own.believed_at is not None,
        before=max((moment for moment in earlier if moment <= began), default=None),
        latest=max(earlier, default=None),
    )


async def believe(engine: AsyncEngine, clock: Clock, by: str) -> None:
    """Note both clocks anew as right, because officer `by` has compared them. Raises StorageUnavailable."""
    boot, now = boot_id(), clock.now()
    fresh = {"boot": boot, "wall": now.wall, "mono": now.mono, "seen": now.wall}
    with storage_errors("The mark of the clock cannot be written."):
        async with writing(engine) as db:
            await db.execute(MARKS.delete().where(_ROW.boot == boot))
            await db.execute(MARKS.insert().values(**fresh, believed_at=now.wall, believed_by=by))


def started(now: Instant) -> datetime:
    """Return when the machine was started, by its present clock. Older notes are of an earlier run."""
    return now.wall - timedelta(seconds=now.mono)


def doubt(noted: Marks, before: datetime | None, now: Instant, kept: Discipline | None) -> Doubt | None:
    """Return why this clock is not trusted, None where it is.

    `before`: the latest moment in any other record from before the machine was started. `kept`: the kernel's report on
    its reference. Without a note of an earlier run there is nothing to compare with.
    """
    moved = clock_leapt([noted.own] if noted.own else [], now.wall, now.mono)
    if moved is not None:
        return Doubt(moved, restarted=False)
    if noted.believed or noted.before is None:
        return None
    pause = started(now) - max(noted.before, before or noted.before)
    if pause > PAUSE or (pause > CLOCK_SLACK and (kept is None or not kept.synchronised)):
        return Doubt(pause, restarted=True)
    return None
