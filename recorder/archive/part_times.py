"""The places of a visit's parts on the time of its film. Within one run of the machine the monotonic clock tells them.
After a restart there is only the wall clock, which may have been set in between: its word is used where it is
possible, and a remark says where it is not. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from recorder.archive.disk_space import MINUTES

AROUND = timedelta(hours=1)
"""A recording begins with the check-in, half an hour before its slot, and may end a little after it."""
SLACK = 0.5  # seconds by which a part may begin before its predecessor ended: sides begin and end unevenly


def longest(plan: dict[str, Any]) -> float:
    """Return the most seconds that the film of a visit can have, by its slot."""
    slot = plan.get("slot") or {}
    try:
        span = datetime.fromisoformat(slot["ends_at"]) - datetime.fromisoformat(slot["starts_at"])
    except (KeyError, TypeError, ValueError):
        minutes = slot.get("minutes")
        span = timedelta(minutes=minutes if isinstance(minutes, int | float) else MINUTES)
    return (span + AROUND).total_seconds()


def places(parts: Sequence[dict[str, Any]], most: float) -> tuple[list[float], list[dict[str, Any]]]:
    """Return where each part begins, in seconds of the film, and a remark for each part whose clock is impossible.

    `most`: the longest that the film can be. A part with an impossible clock is placed directly behind the part before
    it, because the length of the hole is unknown.
    """
    offsets: list[float] = []
    remarks: list[dict[str, Any]] = []
    end = 0.0
    for part in parts:
        offset = _offset(parts[0], part)
        possible = end - SLACK <= offset and (offset + _length(part) <= most or _same_run(parts[0], part))
        offsets.append(max(offset, end) if possible else end)
        if not possible:
            kind = {"kind": "clock_stepped", "part": part["part"]}
            remarks.append({**kind, "said": round(offset, 3), "start": round(end, 3)})
        end = offsets[-1] + _length(part)
    return offsets, remarks


def _same_run(first: dict[str, Any], part: dict[str, Any]) -> bool:
    return bool(part["boot"]) and part["boot"] == first["boot"]


def _offset(first: dict[str, Any], part: dict[str, Any]) -> float:
    if _same_run(first, part):
        return float(part["zero_mono"] - first["zero_mono"])
    apart = datetime.fromisoformat(part["zero_wall"]) - datetime.fromisoformat(first["zero_wall"])
    return apart.total_seconds()


def _length(part: dict[str, Any]) -> float:
    return max((float(track["seconds"]) for track in part["tracks"].values()), default=0.0)
