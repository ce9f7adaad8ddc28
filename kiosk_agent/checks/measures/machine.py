"""Measures of the terminal's machine: the offset of its clock against the server's, free space, temperature."""

import shutil
from email.utils import parsedate_to_datetime
from pathlib import Path

ZONES = Path("/sys/class/thermal")
DATE_STEP = 1.0
"""Seconds that the header `Date` (RFC 9110) counts in, cut off: the true time is half a second later on average."""


def clock_offset(sent: float, received: float, date: str) -> float | None:
    """Return by how many ms the terminal's clock is ahead of the server's, None for a header that is no date.

    `sent` and `received` are the terminal's wall clock (seconds since 1970) before and after the request; the server's
    date is taken to be that of the middle. The error is half a second plus half of the round trip."""
    try:
        server = parsedate_to_datetime(date).timestamp() + DATE_STEP / 2
    except (TypeError, ValueError):
        return None
    return ((sent + received) / 2 - server) * 1000


def free_megabytes(path: Path) -> float | None:
    """Return the megabytes that are free where `path` is, None where that cannot be read."""
    try:
        return shutil.disk_usage(path).free / 1e6
    except OSError:
        return None


def hottest(zones: Path = ZONES) -> float | None:
    """Return degrees Celsius of the hottest zone, None where there is none, as in a virtual machine."""
    return max((found for zone in zones.glob("thermal_zone*/temp") if (found := _read(zone)) is not None), default=None)


def _read(zone: Path) -> float | None:
    """The temperature of one zone; None for one that is switched off, or gives what cannot be one."""
    try:
        degrees = int(zone.read_text("ascii")) / 1000
    except (OSError, ValueError):
        return None
    return degrees if -40 <= degrees <= 150 else None
