"""How long a recording is kept: a pure decision of its end, its policy, its holds and the moment asked about.

Six calendar months at least (云南 第十三条), counted from the day of the end in Asia/Shanghai, to the end of the day
they lead to. Where that day does not exist, it is the last day of the month and one more. The due moment is written
down when a recording is archived; later it can only move away."""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from broker.kernel.clock import SHANGHAI, in_shanghai

LEAST_MONTHS = 6
"""云南 第十三条; no policy, no manifest and no caller can ask for less."""
CLOCK_SLACK = timedelta(minutes=5)
"""By so much may a clock be corrected without anybody asking why."""
QUIET = timedelta(days=31)
"""A month in which nothing at all was recorded is worth a question: is the clock right?"""


class Why(StrEnum):
    """Why a recording is kept. Absent: it may go."""

    NOT_DUE = "not_due"
    HELD = "held"
    UNDATED = "undated"
    UNFINISHED = "unfinished"
    CLOCK_BACK = "clock_back"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one recording. `due`: the moment written at archiving, aware; None where none was."""

    ended: datetime | None
    due: datetime | None
    finished: bool
    held: bool


def months_of(policy: Mapping[str, Any]) -> int:
    """The months that a session's frozen policy asks for; never less than the law's."""
    months = policy.get("retention_months")
    return max(months, LEAST_MONTHS) if isinstance(months, int) else LEAST_MONTHS


def due_day(ended: date, months: int) -> date:
    """The last day on which a recording must be there. ValueError for less than LEAST_MONTHS."""
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
    """The first moment (aware UTC) at which a recording that ended then may go: the due day is over."""
    if ended.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return _over(in_shanghai(ended).date(), months)


@lru_cache(4096)
def _over(ended: date, months: int) -> datetime:
    return datetime.combine(due_day(ended, months) + timedelta(days=1), time(0), SHANGHAI).astimezone(UTC)


def later(written: datetime | None, ended: datetime | None, months: int) -> datetime | None:
    """The due moment under the policy of today: the written one, or a later one; it never comes nearer. None where
    nothing is written down to count from."""
    if written is None or ended is None:
        return None
    return max(written, due_at(ended, max(months, LEAST_MONTHS)))


def keep(facts: Facts, months: int, now: datetime, witnessed: datetime | None) -> Why | None:
    """Why the recording must stay, None if it may go.

    `months`: what the site's policy says today. `witnessed`: the latest moment that anything else wrote down; a clock
    that is behind it was set back, and nothing is decided by such a clock.
    """
    if facts.held:
        return Why.HELD
    if not facts.finished:
        return Why.UNFINISHED
    # Counted again, by the law's months at least: a date that somebody wrote too early does not help.
    due = later(facts.due, facts.ended, months)
    if due is None:
        return Why.UNDATED
    if clock_went_back(now, witnessed):
        return Why.CLOCK_BACK
    return Why.NOT_DUE if now < due else None


def clock_went_back(now: datetime, witnessed: datetime | None) -> bool:
    """Whether something was written down at a moment that this clock has yet to reach."""
    return witnessed is not None and now < witnessed - CLOCK_SLACK


def clock_leapt(marks: Iterable[tuple[datetime, float]], now: datetime, mono: float) -> timedelta | None:
    """By how much the wall clock was moved since one of `marks` (wall, CLOCK_MONOTONIC, same run of the machine),
    None where both clocks agree. A clock set forward does not make anything due."""
    for wall, then in marks:
        moved = (now - wall) - timedelta(seconds=mono - then)
        if abs(moved) > CLOCK_SLACK:
            return moved
    return None
