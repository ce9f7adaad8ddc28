"""What the manifest of a recording says for the history: its length, the share of the time in which enough officers
watched each side, and how well each side was recorded. Pure but for `film_of`, which reads files and blocks."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from broker.history.visit import Film, level_of
from broker.kernel import atomic_files
from broker.kernel.ids import Side
from recorder.archive.manifest import stored_coverage
from recorder.archive.paths import MANIFEST

TRACKS = {Side.PRISON: (0, 1), Side.VISITOR: (2, 3)}
"""The tracks of each side in a film: picture and sound."""
BEFORE = frozenset({"not_begun"})
"""Causes of gaps that are no loss: the recording was on before the room sent anything."""


def film_of(path: Path) -> Film | None:
    """Return what the manifest beside a film says, None where there is none that can be read."""
    written = atomic_files.read_json(path.with_name(MANIFEST))
    if written is None:
        return None
    try:
        coverage: Mapping[str, Any] = stored_coverage(path)
    except (FileNotFoundError, ValueError, KeyError):
        coverage = {}
    return film_in(written, coverage)


def film_in(written: Mapping[str, Any], coverage: Mapping[str, Any]) -> Film:
    """Return what a manifest says, with the coverage that it has or that was computed."""
    tracks: Sequence[Mapping[str, Any]] = written.get("tracks") or ()
    seconds = max((float(track.get("seconds") or 0.0) for track in tracks), default=0.0)
    quality = {
        side: level_of(_missing(written.get("gaps") or (), tracks, numbers, seconds))
        for side, numbers in TRACKS.items()
        if max(numbers) < len(tracks)
    }
    return Film(seconds, _shares(coverage), quality or None)


def _shares(coverage: Mapping[str, Any]) -> dict[Side, float] | None:
    seconds = float(coverage.get("seconds") or 0.0)
    if not seconds:
        return None
    sides = coverage.get("sides") or {}
    short = {side: float((sides.get(side) or {}).get("short_seconds") or 0.0) for side in Side}
    return {side: min(1.0, max(0.0, 1.0 - missing / seconds)) for side, missing in short.items()}


def _missing(
    gaps: Iterable[Mapping[str, Any]], tracks: Sequence[Mapping[str, Any]], numbers: Iterable[int], seconds: float
) -> float:
    """Return the share that is missing of the worse of a side's tracks: of its packets, or of its time."""
    lost_time = dict.fromkeys(numbers, 0.0)
    for gap in gaps:
        if gap.get("track") in lost_time and gap.get("cause") not in BEFORE:
            lost_time[gap["track"]] += float(gap.get("seconds") or 0.0)
    shares = [time / seconds if seconds else 0.0 for time in lost_time.values()]
    for number in lost_time:
        lost, packets = int(tracks[number].get("lost") or 0), int(tracks[number].get("packets") or 0)
        shares.append(lost / (lost + packets) if lost + packets else 0.0)
    return max(shares, default=0.0)
