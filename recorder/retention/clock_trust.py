"""Can this machine's clock be believed? What is due is decided by it, so before anything is deleted the clock is held
against everything else that knows: the monotonic clock of this run of the machine, what was written down before the
machine was started, and the kernel's word on its reference.

A clock set forward while the machine runs moves against the monotonic one. A clock set forward before or during a
restart cannot be told from a machine that was switched off for as long; by so much might something be deleted early.
Therefore such a pause counts only where somebody keeps the clock right, and a long one only where an officer has
looked at it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.kernel import atomic_files
from broker.kernel.clock import Clock, Discipline, Instant
from broker.kernel.database import reading, writing
from broker.kernel.errors import StorageUnavailable
from recorder.archive.tables import MARKS
from recorder.retention.rules import CLOCK_SLACK, clock_leapt

PAUSE = timedelta(days=7)
"""A machine that was off for longer is looked at by an officer before it deletes, whoever keeps its clock right."""
_ROW = MARKS.c


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the clock is not believed: by so much it was moved while the machine ran, or, across a restart, at most."""

    moved: timedelta
    restarted: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """What was noted of the clocks. `own`: when this run of the machine was first seen; `believed`: an officer has
    looked at the clock since; `before`: the latest moment noted by an earlier run, None before the first."""

    own: tuple[datetime, float] | None
    believed: bool
    before: datetime | None


async def mark_clock(engine: AsyncEngine, clock: Clock) -> list[tuple[datetime, float]]:
    """What both clocks said when this run of the machine was first seen; noted now if that is now. That the clock goes
    on is noted too."""
    boot, now = atomic_files.boot(), clock.now()
    async with writing(engine) as db:
        row = (await db.execute(select(MARKS).where(_ROW.boot == boot))).one_or_none()
        if row is None:
            await db.execute(MARKS.insert().values(boot=boot, wall=now.wall, mono=now.mono, seen=now.wall))
            return []
        mark = (row.wall, row.mono)
        if clock_leapt([mark], now.wall, now.mono) is None:  # a clock that was moved is no witness
            await db.execute(MARKS.update().where(_ROW.boot == boot).values(seen=now.wall))
        return [mark]


async def marks(engine: AsyncEngine, now: Instant) -> Marks:
    """What is noted. Raises StorageUnavailable."""
    boot, began = atomic_files.boot(), started(now)
    try:
        async with reading(engine) as db:
            rows = (await db.execute(select(MARKS))).all()
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable("The marks of the clock cannot be read.") from error
    own = next((row for row in rows if row.boot == boot), None)
    earlier = [moment for row in rows if row.boot != boot for moment in (row.wall, row.seen) if moment is not None]
    return Marks(
        own=None if own is None else (own.wall, own.mono),
        believed=own is not None and own.believed_at is not None,
        before=max((moment for moment in earlier if moment <= began), default=None),
    )


async def believe(engine: AsyncEngine, clock: Clock, by: str) -> None:
    """An officer has compared the clock with another one: it is marked anew, as right. Raises StorageUnavailable."""
    boot, now = atomic_files.boot(), clock.now()
    fresh = {"boot": boot, "wall": now.wall, "mono": now.mono, "seen": now.wall}
    try:
        async with writing(engine) as db:
            await db.execute(MARKS.delete().where(_ROW.boot == boot))
            await db.execute(MARKS.insert().values(**fresh, believed_at=now.wall, believed_by=by))
    except (SQLAlchemyError, OSError) as error:
        raise StorageUnavailable("The mark of the clock cannot be written.") from error


def started(now: Instant) -> datetime:
    """When the machine was started, by its present clock: what was written before that, an earlier run wrote."""
    return now.wall - timedelta(seconds=now.mono)


def doubt(known: Marks, before: datetime | None, now: Instant, kept: Discipline | None) -> Doubt | None:
    """Why nothing may be deleted by this clock, None where it is believed.

    `before`: the latest moment that anything else wrote down before the machine was started. `kept`: what the kernel
    says of its reference. Without any mark of an earlier run there is nothing to compare with.
    """
    moved = clock_leapt([known.own] if known.own else [], now.wall, now.mono)
    if moved is not None:
        return Doubt(moved, restarted=False)
    if known.believed or known.before is None:
        return None
    pause = started(now) - max(known.before, before or known.before)
    if pause > PAUSE or (pause > CLOCK_SLACK and (kept is None or not kept.synchronised)):
        return Doubt(pause, restarted=True)
    return None
