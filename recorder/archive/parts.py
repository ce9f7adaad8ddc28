"""The parts of a session that lie in its work folder, each with its sheet: what the writer said of it, or, where a
crash took that, what the file itself says. The films count: no part is passed over because its sheet is lost.
Blocks; for worker threads."""

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
    """What the writer last said of a part; replaced again and again, so a power cut may leave nothing of it."""
    return folder / f"part-{number}.json"


def begun_path(folder: Path, number: int) -> Path:
    """When a part began, on which clocks: on the disk before the part is."""
    return folder / f"part-{number}.begun.json"


def gaps_path(folder: Path, number: int) -> Path:
    """The gaps of a part, a line each, as they become known."""
    return folder / f"part-{number}.gaps.jsonl"


def read_metadata(folder: Path, number: int) -> PartMetadata:
    """The sheet of a part as its writer left it, with all its gaps; empty where there is none."""
    said = atomic_files.read_json(metadata_path(folder, number)) or {}
    lines = atomic_files.read_lines(gaps_path(folder, number))
    found = [gap for gap in [*said.get("gaps", ()), *lines] if gap.keys() >= _GAP]
    known = {(gap["track"], gap["start"]): gap for gap in found}  # what was still open, and then as it ended
    gaps = sorted(known.values(), key=lambda gap: (gap["start"], gap["track"]))
    return {**said, "gaps": gaps} if said or gaps else {}


def films(folder: Path) -> list[Path]:
    """The files of all parts, in order."""
    there = folder.iterdir() if folder.is_dir() else ()
    found = [(int(match[1]), path) for path in there if (match := _PART.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def weight(folder: Path) -> int:
    """Bytes in the films of all parts."""
    return sum(path.stat().st_size for path in films(folder))


def last(folder: Path) -> int:
    """The number of the last part that has a film; 0 where there is none."""
    there = films(folder)
    return int(there[-1].stem.removeprefix("part-")) if there else 0


def parts(folder: Path) -> tuple[list[PartMetadata], list[str]]:
    """The sheets of all parts from which something can be read; the names of those from which nothing can."""
    readable, lost = [], []
    for path in films(folder):
        sheet = _sheet(path)
        if sheet is not None:
            readable.append(sheet)
        else:
            log.error("a part without a whole fragment", session=folder.name, file=path.name)
            lost.append(path.name)
    return readable, lost


def _sheet(path: Path) -> PartMetadata | None:
    number, extent = int(path.stem.removeprefix("part-")), scan(path)
    said = read_metadata(path.parent, number)
    if not extent.fragments:
        return None
    if said.get("clean") and extent.indexed and said["chain"]["end"] == extent.end and opens(path):
        return said
    try:
        return _made_again(path, number, extent, said)
    except Unreadable as error:
        log.error("a part cannot be read", session=path.parent.name, file=path.name, why=str(error))
        return None


def _made_again(path: Path, number: int, extent: Extent, said: PartMetadata) -> PartMetadata:
    """The sheet of a part that was not finished, or whose end was not noted any more."""
    found = summary(PartFile(path, 0.0, clean=False))
    chain = chain_of(path, extent.start, extent.end).to_json()
    seconds = max(track.seconds for track in found)
    log.warning("a part was not finished", session=path.parent.name, file=path.name, sheet=bool(said))
    return {
        "part": number,
        **_begun(path, number, seconds, said),
        "clean": extent.indexed and opens(path) and summary(PartFile(path, 0.0, clean=True)) == found,
        "overflow": said.get("overflow", 0),
        "tracks": dict(_tracks(said, [track.seconds for track in found])),
        "gaps": said.get("gaps", []),
        "chain": chain,
        "noted_chain": said.get("chain"),
    }


def unchanged(folder: Path, sheet: PartMetadata) -> bool:
    """Whether a part still is what was hashed while it was recorded, as far as that was noted."""
    chain = sheet.get("noted_chain", sheet["chain"])
    path = folder / f"part-{sheet['part']}.mp4"
    return chain is None or chain_of(path, chain["start"], chain["end"]).head.hex() == chain["head"]


def _tracks(said: PartMetadata, seconds: list[float]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Lengths from the film; packets as far as they were noted."""
    for track in range(len(TRACK_TITLES)):
        read_metadata = said.get("tracks", {}).get(str(track)) or {"packets": 0, "lost": 0, "malformed": 0}
        yield str(track), {**read_metadata, "seconds": round(seconds[track], 3) if track < len(seconds) else 0.0}


def _begun(path: Path, number: int, seconds: float, said: PartMetadata) -> PartMetadata:
    """When the part began: noted before its first byte; else from when its last byte was written."""
    for read_metadata in (said, atomic_files.read_json(begun_path(path.parent, number)) or {}):
        if {"zero_mono", "zero_wall", "boot"} <= read_metadata.keys():
            return {key: read_metadata[key] for key in ("zero_mono", "zero_wall", "boot")}
    last = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    zero = max([last - timedelta(seconds=seconds), *_started(path.parent, number)])
    return {"zero_mono": 0.0, "zero_wall": zero.isoformat(), "boot": ""}


def _started(folder: Path, number: int) -> Iterator[datetime]:
    """When the part was asked for, by the timeline: it did not begin before."""
    for entry in atomic_files.read_lines(folder / TIMELINE):
        if entry.get("event") == {"kind": "part", "part": number} and "at" in entry:
            yield datetime.fromisoformat(entry["at"])
