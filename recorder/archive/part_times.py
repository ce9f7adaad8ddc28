"""Where the parts of a visit lie on the time of its film. Within one run of the machine the monotonic clock says; after
a restart there is only the wall clock, which may have been set in between: what it says is then believed as far as it
can be. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from recorder.archive.disk_space import MINUTES

AROUND = timedelta(hours=1)
"""A recording begins with the check-in, half an hour before its slot, and may end a little after it."""
SLACK = 0.5  # seconds by which a part may seem to begin before the one before it ended: sides begin and end unevenly


def longest(plan: dict[str, Any]) -> float:
    """Seconds that the film of a visit can have at most, by its slot."""
    slot = plan.get("slot") or {}
    try:
        span = datetime.fromisoformat(slot["ends_at"]) - datetime.fromisoformat(slot["starts_at"])
    except (KeyError, TypeError, ValueError):
        minutes = slot.get("minutes")
        span = timedelta(minutes=minutes if isinstance(minutes, int | float) else MINUTES)
    return (span + AROUND).total_seconds()


def places(parts: Sequence[dict[str, Any]], most: float) -> tuple[list[float], list[dict[str, Any]]]:
    """Where each part begins, in seconds of the film; and a remark for the timeline for each one of which the clock
    said what cannot be. Such a part follows the one before it at once: how long the hole was nobody knows."""
    offsets: list[float] = []
    remarks: list[dict[str, Any]] = []
    end = 0.0
    for part in parts:
        said = _apart(parts[0], part)
        possible = end - SLACK <= said and (said + _length(part) <= most or _same_run(parts[0], part))
        offsets.append(max(said, end) if possible else end)
        if not possible:
            kind = {"kind": "clock_stepped", "part": part["part"]}
            remarks.append({**kind, "said": round(said, 3), "start": round(end, 3)})
        end = offsets[-1] + _length(part)
    return offsets, remarks


def _same_run(first: dict[str, Any], part: dict[str, Any]) -> bool:
    return bool(part["boot"]) and part["boot"] == first["boot"]


def _apart(first: dict[str, Any], part: dict[str, Any]) -> float:
    if _same_run(first, part):
        return float(part["zero_mono"] - first["zero_mono"])
    apart = datetime.fromisoformat(part["zero_wall"]) - datetime.fromisoformat(first["zero_wall"])
    return apart.total_seconds()


def _length(part: dict[str, Any]) -> float:
    return max((float(track["seconds"]) for track in part["tracks"].values()), default=0.0)
