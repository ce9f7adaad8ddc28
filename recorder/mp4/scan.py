"""What can be read of a part, judged by its file alone, because only the file is certain to be there after a crash.

A part begins with a `free` box around a second `ftyp`; the initial moov and the fragments (moof, mdat) follow. To
finish it an index (moov) is appended, and then the `free` box turned into one mdat over all of that. Whatever moment a
crash picks, the fragments are still there: with `head` in place of its first bytes and cut after its last whole
fragment, the file is again what it was while it was recorded. Pure, but for reading; blocks."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from recorder.mp4.boxes import Box, walk

_BEGINNING = 256
_UNCERTAIN = 16  # fragments: twice what is written between two waits for the disk
_SECTOR, _EDGE = 512, 64  # bytes: what a disk writes at once; of how little of one, at the edge of a box, we judge


Fragment = tuple[Box, Box]
"""moof and mdat."""


class Extent(NamedTuple):
    """The readable stretch of a part: initial moov and whole fragments lie from `start` to `end`. `indexed`: the file
    was finished, as far as its structure tells. `head`: what an unfinished file has as its first bytes."""

    start: int = 0
    end: int = 0
    fragments: int = 0
    indexed: bool = False
    head: bytes = b""


class Window:
    """The beginning of a file as a file of its own: what a crash left behind its last whole fragment is not seen, and
    `head` stands where the file has its first bytes."""

    def __init__(self, file: BinaryIO, size: int, head: bytes = b"") -> None:
        self._file, self._size, self._head = file, size, head

    def read(self, count: int) -> bytes:
        """At most `count` bytes."""
        at = self._file.tell()
        data = self._file.read(max(min(count, self._size - at), 0))
        masked = self._head[at : at + len(data)]
        return masked + data[len(masked) :]

    def seek(self, offset: int, whence: int = 0) -> int:
        """As for any file."""
        return self._file.seek(self._size + offset if whence == 2 else offset, 0 if whence == 2 else whence)

    def tell(self) -> int:
        """The present place."""
        return self._file.tell()


def scan(path: Path) -> Extent:
    """What is readable in a part. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        inner = _inner(file)
        return _extent(file, inner, size) if inner else Extent()


def whole_fragments(path: Path) -> int:
    """Where the last whole fragment of a part ends; 0 if none is whole. Raises OSError."""
    found = scan(path)
    return found.end if found.fragments else 0


def _inner(file: BinaryIO) -> Box | None:
    """The second ftyp: what follows it is the part as it grew."""
    beginning = file.read(_BEGINNING)
    at = beginning.find(b"ftyp", 8) - 4
    return next(walk(file, at, len(beginning)), None) if at > 0 else None


def _extent(file: BinaryIO, inner: Box, size: int) -> Extent:
    boxes = walk(file, inner.end, size)
    if getattr(next(boxes, None), "kind", b"") != b"moov":
        return Extent()
    found, rest = _fragments(boxes)
    end = found[-1][1].end if found else 0
    outer = next((box for box in walk(file, 0, size) if box.kind == b"mdat"), None)
    indexed = bool(found) and outer is not None and outer.end == end and rest is not None and rest.kind == b"moov"
    if not indexed:
        found = _solid(file, found)
        end = found[-1][1].end if found else 0
    return Extent(inner.end, end, len(found), indexed, _head(file, inner))


def _fragments(boxes: Iterator[Box]) -> tuple[list[Fragment], Box | None]:
    """The whole fragments, and the box that follows them."""
    found: list[Fragment] = []
    moof: Box | None = None
    for box in boxes:
        if moof is None and box.kind == b"moof":
            moof = box
        elif moof is not None and box.kind == b"mdat":
            found.append((moof, box))
            moof = None
        else:
            return found, box
    return found, None


def _solid(file: BinaryIO, found: list[Fragment]) -> list[Fragment]:
    """Without the end that a power cut left as blocks of zeros: the size of a file may be on the disk before what it
    holds. Neither H.264 (7.4.1: at most two zeros in a row) nor Opus looks like that."""
    for number in range(max(len(found) - _UNCERTAIN, 0), len(found)):
        if any(_zeros(file, box) for box in found[number]):
            return found[:number]
    return found


def _zeros(file: BinaryIO, box: Box) -> bool:
    """Whether a sector is nothing but zeros, as far as it lies in the box."""
    start = box.start + box.header
    file.seek(start)
    data = file.read(box.end - start)
    before, after = -start % _SECTOR, box.end % _SECTOR
    edges = [edge for edge in (data[:before], data[len(data) - after :]) if len(edge) >= _EDGE]
    return bytes(_SECTOR) in data or any(not any(edge) for edge in edges)


def _head(file: BinaryIO, inner: Box) -> bytes:
    """The first bytes of the unfinished file: ftyp, and boxes that are to be skipped up to the initial moov."""
    outer = next(walk(file, 0, inner.start))
    file.seek(0)
    return file.read(outer.end) + _free(inner.end - outer.end)


def _free(size: int) -> bytes:
    return size.to_bytes(4) + b"free" + bytes(size - 8)
