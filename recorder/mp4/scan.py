"""Finds what can be read of a part, from its file alone, because after a crash only the file is certain to exist.

A part begins with a `free` box around a second `ftyp`; the initial moov and the fragments (moof, mdat) follow. To
finish it, an index (moov) is appended, and then the `free` box is turned into one mdat over all of that. At whatever
moment a crash happens, the fragments are intact: with `head` in place of its first bytes and cut after its last
complete fragment, the file is again what it was while it was recorded. Blocks while it reads."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from recorder.mp4.boxes import Box, walk

_BEGINNING = 256
_UNCERTAIN = 16  # fragments: twice what is written between two syncs
_SECTOR, _EDGE = 512, 64  # bytes: a sector; the least of a sector at the edge of a box that is judged


Fragment = tuple[Box, Box]
"""The moof and the mdat box of one fragment."""


class Extent(NamedTuple):
    """The readable bytes of a part: the initial moov and the complete fragments lie from `start` to `end`.

    `indexed`: the file was finished, as far as its structure shows. `head`: the first bytes of the unfinished file.
    """

    start: int = 0
    end: int = 0
    fragments: int = 0
    indexed: bool = False
    head: bytes = b""


class Window:
    """The beginning of a file, read as a file of its own: it ends with the last complete fragment, and `head` replaces
    its first bytes."""

    def __init__(self, file: BinaryIO, size: int, head: bytes = b"") -> None:
        self._file, self._size, self._head = file, size, head

    def read(self, count: int) -> bytes:
        """Read at most `count` bytes."""
        at = self._file.tell()
        data = self._file.read(max(min(count, self._size - at), 0))
        masked = self._head[at : at + len(data)]
        return masked + data[len(masked) :]

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position, as `io.IOBase.seek` does."""
        return self._file.seek(self._size + offset if whence == 2 else offset, 0 if whence == 2 else whence)

    def tell(self) -> int:
        """Return the present position in the file."""
        return self._file.tell()


def scan(path: Path) -> Extent:
    """Return what is readable in a part. Raises OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        inner = _inner(file)
        return _extent(file, inner, size) if inner else Extent()


def whole_fragments(path: Path) -> int:
    """Return where the last complete fragment of a part ends, 0 where there is none. Raises OSError."""
    found = scan(path)
    return found.end if found.fragments else 0


def _inner(file: BinaryIO) -> Box | None:
    """Return the second ftyp box, behind which the part grew; None where there is none."""
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
        found = _without_zeros(file, found)
        end = found[-1][1].end if found else 0
    return Extent(inner.end, end, len(found), indexed, _head(file, inner))


def _fragments(boxes: Iterator[Box]) -> tuple[list[Fragment], Box | None]:
    """Return the complete fragments, and the box that follows them."""
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


def _without_zeros(file: BinaryIO, found: list[Fragment]) -> list[Fragment]:
    """Return the fragments without those that a power cut left as blocks of zeros, because the size of a file may reach
    the disk before its data. Neither H.264 (7.4.1: at most two zeros in a row) nor Opus contains such blocks."""
    for number in range(max(len(found) - _UNCERTAIN, 0), len(found)):
        if any(_zeros(file, box) for box in found[number]):
            return found[:number]
    return found


def _zeros(file: BinaryIO, box: Box) -> bool:
    """Whether the box contains a sector of zeros, or a part of one at its edges."""
    start = box.start + box.header
    file.seek(start)
    data = file.read(box.end - start)
    before, after = -start % _SECTOR, box.end % _SECTOR
    edges = [edge for edge in (data[:before], data[len(data) - after :]) if len(edge) >= _EDGE]
    return bytes(_SECTOR) in data or any(not any(edge) for edge in edges)


def _head(file: BinaryIO, inner: Box) -> bytes:
    """Return the first bytes of the unfinished file: ftyp, and a box to be skipped up to the initial moov."""
    outer = next(walk(file, 0, inner.start))
    file.seek(0)
    return file.read(outer.end) + _free(inner.end - outer.end)


def _free(size: int) -> bytes:
    return size.to_bytes(4) + b"free" + bytes(size - 8)
