"""The only place that reads time. An Instant freezes wall and monotonic time together, so that everything derived
from it agrees, and a stepped wall clock can neither stretch nor shorten a visit."""

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: `wall` is aware UTC, `mono` is seconds of CLOCK_MONOTONIC (one clock for all processes here)."""

    wall: datetime
    mono: float

    def after(self, delta: timedelta) -> "Instant":
        """The moment `delta` later on both clocks."""
        return Instant(self.wall + delta, self.mono + delta.total_seconds())


class Clock(Protocol):
    """Whoever can say what time it is."""

    def now(self) -> Instant:
        """This moment."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Instant:
        """This moment, both clocks read one after the other without anything in between."""
        return Instant(datetime.now(UTC), time.monotonic())


monotonic = time.monotonic
"""Seconds of CLOCK_MONOTONIC, for the packet path, where an Instant a packet would be waste."""

monotonic_ns = time.monotonic_ns
"""Nanoseconds of CLOCK_MONOTONIC."""


def in_shanghai(moment: datetime) -> datetime:
    """The same moment on the clocks of every site (Asia/Shanghai)."""
    return moment.astimezone(SHANGHAI)


@dataclass(frozen=True, slots=True)
class Discipline:
    """What the kernel knows of its wall clock's reference (NTP): seconds still to be corrected, largest error."""

    synchronised: bool
    offset: float
    max_error: float


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)); the rest is room that the kernel writes into."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 64),
    )


def discipline() -> Discipline | None:
    """Whether somebody keeps the wall clock right; None where the kernel does not say. Changes nothing."""
    unsynchronised, nanoseconds = 0x40, 0x2000
    try:
        said = _Timex()
        if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(said)) < 0:
            return None
    except (OSError, AttributeError):
        return None
    unit = 1e-9 if said.status & nanoseconds else 1e-6
    return Discipline(not said.status & unsynchronised, said.offset * unit, said.maxerror * 1e-6)
