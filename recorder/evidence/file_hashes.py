"""Hashes of the pieces of a recording's files, with the second of the visit that each piece covers: fragments of the
film, lines of the timeline. By them a changed byte can be named by its second. The pieces of a file cover it from its
first byte to its last; the fragments of the film fold into the chain that was kept while recording. Blocks."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from broker.kernel import atomic_files, canonical_json, hash_chain
from broker.media.tap_format import TALKBACK, is_sound
from recorder.mp4.boxes import Box, walk
from recorder.mp4.fragments import START
from recorder.mp4.muxer import RATES

NAME = "hashes.jsonl"
HEAD, FRAGMENT, INDEX, LINE, OTHER = "head", "fragment", "index", "line", "other"
_CHUNK = 1 << 20


class FileHash(NamedTuple):
    """The hash of one piece of a file. `second`: where it begins on the film's time, None where it has no time."""

    file: str
    start: int
    bytes: int
    kind: str
    second: float | None
    sha256: str


def film_hashes(path: Path, chain: dict[str, Any]) -> list[FileHash]:
    """Return the hashes of head, fragments and index of a film. `chain`: which bytes were hashed while recording."""
    found: list[FileHash] = []
    with path.open("rb") as file:
        size, at, opened = path.stat().st_size, 0, 0
        moof: Box | None = None
        for box in walk(file, chain["start"], chain["end"]):
            if moof is None and box.start > at:
                found.append(_piece(file, path.name, at, box.start, OTHER if at else HEAD, None))
                at = box.start
            if box.kind == b"moof":
                moof, opened = box, box.start
            elif box.kind == b"mdat" and moof is not None:
                found.append(_piece(file, path.name, opened, box.end, FRAGMENT, _second(file, moof)))
                moof, at = None, box.end
            elif box.kind == b"moov":
                found.append(_piece(file, path.name, box.start, box.end, HEAD, None))
                at = box.end
        if at < size:
            found.append(_piece(file, path.name, at, size, INDEX, None))
    return found


def timeline_hashes(path: Path, started: datetime) -> list[FileHash]:
    """Return the hash of each line of a timeline. `started`: the film's zero."""
    found: list[FileHash] = []
    at = 0
    for line in path.read_bytes().splitlines(keepends=True):
        second = _second_of(line, started)
        found.append(FileHash(path.name, at, len(line), LINE, second, hash_chain.digest(line)))
        at += len(line)
    return found


def write(path: Path, pieces: Iterable[FileHash]) -> None:
    """Write the hashes, one a line, in order. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        for piece in pieces:
            file.write(canonical_json.line(list(piece)))
    fresh.replace(path)


def read(path: Path) -> list[FileHash]:
    """Return what `write` wrote, without malformed lines."""
    found: list[FileHash] = []
    for line in atomic_files.read_lines(path):
        if isinstance(line, list) and len(line) == len(FileHash._fields):
            found.append(FileHash(*line))
    return found


def fold(pieces: Iterable[FileHash]) -> str:
    """Return the head of the fragment chain of a film's pieces; see `recorder.mp4.fragments`."""
    head, begun = START, False
    for piece in pieces:
        moov = piece.kind == HEAD and piece.start > 0 and not begun
        if moov or piece.kind == FRAGMENT:
            begun = True
            head = hash_chain.link(head, bytes.fromhex(piece.sha256))
    return head.hex()


def broken(path: Path, pieces: Sequence[FileHash], same_size: bool) -> list[FileHash]:
    """Return the pieces whose bytes have changed; of a file whose size has changed, only the first."""
    found: list[FileHash] = []
    with path.open("rb") as file:
        for piece in pieces:
            if _hash(file, piece.start, piece.start + piece.bytes) != piece.sha256:
                found.append(piece)
                if not same_size:
                    break
    return found


def _piece(file: BinaryIO, name: str, start: int, end: int, kind: str, second: float | None) -> FileHash:
    return FileHash(name, start, end - start, kind, second, _hash(file, start, end))


def _hash(file: BinaryIO, start: int, end: int) -> str:
    digest = hashlib.sha256()
    file.seek(start)
    while start < end and (data := file.read(min(end - start, _CHUNK))):
        digest.update(data)
        start += len(data)
    return digest.hexdigest()


def _second(file: BinaryIO, moof: Box) -> float | None:
    """Return where a fragment begins (ISO/IEC 14496-12 8.8.12): by the rooms' sound where it has any, because that has
    no holes. The officers' track has none either, but is written a little later."""
    times: dict[int, float] = {}
    for traf in walk(file, moof.start + moof.header, moof.end):
        if traf.kind == b"traf":
            boxes = {box.kind: box for box in walk(file, traf.start + traf.header, traf.end)}
            if b"tfhd" in boxes and b"tfdt" in boxes:
                track = int.from_bytes(_body(file, boxes[b"tfhd"])[4:8]) - 1
                body = _body(file, boxes[b"tfdt"])
                ticks = int.from_bytes(body[4:12] if body[0] else body[4:8])
                if 0 <= track < len(RATES):
                    times[track] = ticks / RATES[track]
    sound = [at for track, at in times.items() if is_sound(track) and track != TALKBACK]
    return round(min(sound or times.values()), 3) if times else None


def _body(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start + box.header)
    return file.read(box.size - box.header)


def _second_of(line: bytes, started: datetime) -> float | None:
    try:
        value = json.loads(line)
        gap = value["event"].get("start")
        if gap is not None:
            return float(gap)
        return round((datetime.fromisoformat(value["at"]) - started).total_seconds(), 3)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
