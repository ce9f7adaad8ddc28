"""The rule of retention: a pure decision from a recording's end, its policy, its holds and the present moment.

A recording is kept for at least six calendar months (云南 第十三条), counted from the day of its end (Asia/Shanghai) to
the end of the day they lead to. Where that day does not exist, it is the day after the last day of the month. The due
moment is written down when a recording is archived; later it can only become later."""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from broker.kernel.clock import SHANGHAI, in_shanghai

LEAST_MONTHS = 6
"""The least months of retention (云南 第十三条); no policy, manifest or caller can ask for less."""
CLOCK_SLACK = timedelta(minutes=5)
"""The largest correction of a clock that is not treated as a manipulation."""
FIRST_RECORDING = datetime(2026, 1, 1, tzinfo=SHANGHAI)
"""No recording of this software is older; a clock that says otherwise was never set, or has lost its battery."""
QUIET = timedelta(days=31)
"""Time without any recording or journal entry after which a purge warns that the clock may be wrong."""


class Why(StrEnum):
    """The reason for which a recording is kept; None stands for a recording that may go."""

    NOT_DUE = "not_due"
    HELD = "held"
    UNDATED = "undated"
    UNFINISHED = "unfinished"
    CLOCK_BACK = "clock_back"
    WRONG_CLOCK = "wrong_clock"
    BROKEN_CHAIN = "broken_chain"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that decide about one recording. `due`: the moment written at archiving, None where there is none.
    `wrong_clock`: it was recorded with a wrong clock, and no later record says when. `whole`: the chain of its site
    is."""

    ended: datetime | None
    due: datetime | None
    finished: bool
    held: bool
    wrong_clock: bool = False
    whole: bool = True


def months_of(policy: Mapping[str, Any]) -> int:
    """Return the months in a session's frozen policy, at least LEAST_MONTHS."""
    months = policy.get("retention_months")
    return max(months, LEAST_MONTHS) if isinstance(months, int) else LEAST_MONTHS


def due_day(ended: date, months: int) -> date:
    """Return the last day on which a recording must exist. Raises ValueError for less than LEAST_MONTHS."""
    if months < LEAST_MONTHS:
        raise ValueError(f"{months} months are less than {LEAST_MONTHS}")
    count = ended.year * 12 + ended.month - 1 + months
    year, month = divmod(count, 12)
    month += 1
    last = calendar.monthrange(year, month)[1]
    if ended.day <= last:
        return date(year, month, ended.day)
    return date(year, month, last) + timedelta(days=1)


def due_at(ended: datetime, months: int) -> datetime:
    """Return the first moment (aware, UTC) at which a recording may go: the end of its due day. Raises ValueError."""
    if ended.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return _over(in_shanghai(ended).date(), months)


@lru_cache(4096)
def _over(ended: date, months: int) -> datetime:
    return datetime.combine(due_day(ended, months) + timedelta(days=1), time(0), SHANGHAI).astimezone(UTC)


def later(written: datetime | None, ended: datetime | None, months: int) -> datetime | None:
    """Return the due moment under today's policy, which is never before the written one; None where nothing is
    written."""
    if written is None or ended is None:
        return None
    return max(written, due_at(ended, max(months, LEAST_MONTHS)))


def keep(facts: Facts, months: int, now: datetime, witnessed: datetime | None) -> Why | None:
    """Return why the recording must stay, None where it may go.

    `months`: of the site's policy today. `witnessed`: the latest moment in any other record; a clock that is behind it
    was set back and decides nothing.
    """
    if facts.held:
        return Why.HELD
    if not facts.finished:
        return Why.UNFINISHED
    if not facts.whole:
        return Why.BROKEN_CHAIN
    if facts.wrong_clock:
        return Why.WRONG_CLOCK
    # Computed again, with the law's months at least: a written date that is too early has no effect.
    due = later(facts.due, facts.ended, months)
    if due is None:
        return Why.UNDATED
    if clock_went_back(now, witnessed):
        return Why.CLOCK_BACK
    return Why.NOT_DUE if now < due else None


def clock_doubt(ended: datetime, latest: datetime) -> str:
    """Return why the clock that said `ended` was wrong, empty where nothing speaks against it. `latest`: the latest
    moment that was written down before."""
    if ended < FIRST_RECORDING - CLOCK_SLACK:
        return "before_first_recording"
    return "behind" if clock_went_back(ended, latest) else ""


def clock_went_back(now: datetime, witnessed: datetime | None) -> bool:
    """Whether this clock is behind a moment that was written down, by more than CLOCK_SLACK."""
    return witnessed is not None and now < witnessed - CLOCK_SLACK


def clock_leapt(marks: Iterable[tuple[datetime, float]], now: datetime, mono: float) -> timedelta | None:
    """Return by how much the wall clock was moved since one of `marks` (wall clock, CLOCK_MONOTONIC, same run of the
    machine), None where both clocks agree. By it a clock set forward makes nothing due."""
    for wall, then in marks:
        moved = (now - wall) - timedelta(seconds=mono - then)
        if abs(moved) > CLOCK_SLACK:
            return moved
    return None
