"""The only module that reads time. An Instant takes wall and monotonic time together, so that everything derived from
it agrees and a stepped wall clock can neither stretch nor shorten a visit."""

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NEAR = 0.001  # seconds before a multiple of an interval in which it counts as reached


@dataclass(frozen=True, slots=True)
class Instant:
    """One moment: `wall` is aware UTC, `mono` is seconds of CLOCK_MONOTONIC (one clock for all processes here)."""

    wall: datetime
    mono: float

    def after(self, delta: timedelta) -> "Instant":
        """Return the moment `delta` later on both clocks."""
        return Instant(self.wall + delta, self.mono + delta.total_seconds())


class Clock(Protocol):
    """A source of time: the machine's clocks, or the ones of a test."""

    def now(self) -> Instant:
        """Return the present moment on both clocks."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> Instant:
        """Return the present moment; both clocks are read one directly after the other."""
        return Instant(datetime.now(UTC), time.monotonic())


monotonic = time.monotonic
"""Seconds of CLOCK_MONOTONIC, for the packet path, where an Instant for each packet would be waste."""

monotonic_ns = time.monotonic_ns
"""Nanoseconds of CLOCK_MONOTONIC."""


def until_multiple(interval: float, now: float) -> float:
    """Return the seconds from monotonic second `now` until the next multiple of `interval`, at least a millisecond.

    What is due regularly in a process is due at common moments: one wake-up does for all of it, and code finds itself
    in the processor's caches.
    """
    return interval - (now + _NEAR) % interval + _NEAR


def in_shanghai(moment: datetime) -> datetime:
    """Return the same moment in Asia/Shanghai, the time of every site."""
    return moment.astimezone(SHANGHAI)


def boot_id() -> str:
    """Return the name of this run of the machine, empty where it has none.

    CLOCK_MONOTONIC begins anew with each run, so that moments of two runs cannot be compared.
    """
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Discipline:
    """What the kernel knows about its wall clock's reference (NTP): seconds left to correct, and the largest error."""

    synchronised: bool
    offset: float
    max_error: float


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)); `rest` is space that the kernel writes into."""

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
    """Return whether a time service keeps the wall clock right, or None where the kernel does not say. Changes nothing.

    `modes` of 0 makes adjtimex(2) a query; the status bits are STA_UNSYNC and STA_NANO.
    """
    unsynchronised, nanoseconds = 0x40, 0x2000
    try:
        timex = _Timex()
        if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex)) < 0:
            return None
    except (OSError, AttributeError):
        return None
    unit = 1e-9 if timex.status & nanoseconds else 1e-6
    return Discipline(not timex.status & unsynchronised, timex.offset * unit, timex.maxerror * 1e-6)
