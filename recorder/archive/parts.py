"""The parts of a session in its work folder, each with its metadata: what the writer noted beside the film, or, where
a crash took that, what the film itself shows. A part whose metadata is lost is still used. Blocks; for worker threads.

The names on disk: `part-1.mp4`, `part-1.json` (metadata), `part-1.begun.json`, `part-1.gaps.jsonl`."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files
from broker.media.tap_format import TRACK_TITLES
from recorder.archive.paths import TIMELINE
from recorder.mp4.fragments import chain_of
from recorder.mp4.join import PartFile, Unreadable, opens, summary
from recorder.mp4.scan import Extent, scan

log = structlog.get_logger()
_PART = re.compile(r"part-([1-9]\d*)\.mp4")
_GAP = {"track", "start", "seconds", "cause", "packets"}
PartMetadata = dict[str, Any]


def metadata_path(folder: Path, number: int) -> Path:
    """Return where the writer keeps a part's metadata. It is replaced often, so a power cut may leave nothing of it."""
    return folder / f"part-{number}.json"


def begun_path(folder: Path, number: int) -> Path:
    """Return where the beginning of a part is noted on both clocks, before its first byte."""
    return folder / f"part-{number}.begun.json"


def gaps_path(folder: Path, number: int) -> Path:
    """Return where the gaps of a part are noted, one line each, as they become known."""
    return folder / f"part-{number}.gaps.jsonl"


def read_metadata(folder: Path, number: int) -> PartMetadata:
    """Return the metadata of a part as its writer left it, with all its gaps; empty where there is none."""
    stored = atomic_files.read_json(metadata_path(folder, number)) or {}
    lines = atomic_files.read_lines(gaps_path(folder, number))
    found = [gap for gap in [*stored.get("gaps", ()), *lines] if gap.keys() >= _GAP]
    last = {(gap["track"], gap["start"]): gap for gap in found}  # a gap that was still open, and then as it ended
    gaps = sorted(last.values(), key=lambda gap: (gap["start"], gap["track"]))
    return {**stored, "gaps": gaps} if stored or gaps else {}


def films(folder: Path) -> list[Path]:
    """Return the MP4 files of all parts, in order."""
    there = folder.iterdir() if folder.is_dir() else ()
    found = [(int(match[1]), path) for path in there if (match := _PART.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def weight(folder: Path) -> int:
    """Return the bytes in the MP4 files of all parts."""
    return sum(path.stat().st_size for path in films(folder))


def last(folder: Path) -> int:
    """Return the number of the last part that has a film; 0 where there is none."""
    there = films(folder)
    return int(there[-1].stem.removeprefix("part-")) if there else 0


def parts(folder: Path) -> tuple[list[PartMetadata], list[str]]:
    """Return the metadata of all readable parts, and the file names of those from which nothing can be read."""
    readable, lost = [], []
    for path in films(folder):
        metadata = _metadata(path)
        if metadata is not None:
            readable.append(metadata)
        else:
            log.error("part without a whole fragment", session=folder.name, file=path.name)
            lost.append(path.name)
    return readable, lost


def _metadata(path: Path) -> PartMetadata | None:
    number, extent = int(path.stem.removeprefix("part-")), scan(path)
    stored = read_metadata(path.parent, number)
    if not extent.fragments:
        return None
    if stored.get("clean") and extent.indexed and stored["chain"]["end"] == extent.end and opens(path):
        return stored
    try:
        return _rebuilt(path, number, extent, stored)
    except Unreadable as error:
        log.error("part unreadable", session=path.parent.name, file=path.name, why=error)
        return None


def _rebuilt(path: Path, number: int, extent: Extent, stored: PartMetadata) -> PartMetadata:
    """Return the metadata of a part that was not finished, or whose end was not noted, from its film."""
    found = summary(PartFile(path, 0.0, clean=False))
    chain = chain_of(path, extent.start, extent.end).to_json()
    seconds = max(track.seconds for track in found)
    log.warning("part was not finished", session=path.parent.name, file=path.name, metadata=bool(stored))
    return {
        "part": number,
        **_begun(path, number, seconds, stored),
        "clean": extent.indexed and opens(path) and summary(PartFile(path, 0.0, clean=True)) == found,
        "overflow": stored.get("overflow", 0),
        "tracks": dict(_tracks(stored, [track.seconds for track in found])),
        "gaps": stored.get("gaps", []),
        "chain": chain,
        "noted_chain": stored.get("chain"),
    }


def unchanged(folder: Path, metadata: PartMetadata) -> bool:
    """Whether a part still has the fragments that were hashed while it was recorded, as far as that was noted."""
    chain = metadata.get("noted_chain", metadata["chain"])
    path = folder / f"part-{metadata['part']}.mp4"
    return chain is None or chain_of(path, chain["start"], chain["end"]).head.hex() == chain["head"]


def _tracks(stored: PartMetadata, seconds: list[float]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each track with its length from the film and its packet counts as far as they were noted."""
    for track in range(len(TRACK_TITLES)):
        counts = stored.get("tracks", {}).get(str(track)) or {"packets": 0, "lost": 0, "malformed": 0}
        yield str(track), {**counts, "seconds": round(seconds[track], 3) if track < len(seconds) else 0.0}


def _begun(path: Path, number: int, seconds: float, stored: PartMetadata) -> PartMetadata:
    """Return when the part began: as noted before its first byte, else from the time of its last write."""
    for noted in (stored, atomic_files.read_json(begun_path(path.parent, number)) or {}):
        if {"zero_mono", "zero_wall", "boot"} <= noted.keys():
            return {key: noted[key] for key in ("zero_mono", "zero_wall", "boot")}
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    zero = max([last - timedelta(seconds=seconds), *_started(path.parent, number)])
    return {"zero_mono": 0.0, "zero_wall": zero.isoformat(), "boot": ""}


def _started(folder: Path, number: int) -> Iterator[datetime]:
    """Yield when the part was ordered, by the timeline; it cannot have begun earlier."""
    for entry in atomic_files.read_lines(folder / TIMELINE):
        if entry.get("event") == {"kind": "part", "part": number} and "at" in entry:
            yield datetime.fromisoformat(entry["at"])
