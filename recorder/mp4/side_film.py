"""One side of a recording as a film of its own, without storing anything twice: it has a new index at its front, and
its samples are read from their places in the recording. No sample is changed, so such a film is as good as the evidence
it is read from; it exists as soon as the recording does, and is gone with it."""

import io
import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import BinaryIO, NamedTuple

from recorder.mp4.boxes import Box, walk

MOST_INDEX = 64 << 20
"""The largest moov box that is read, in bytes: half an hour has one of about two megabytes."""
_OFFSETS = {b"stco": (4, "I"), b"co64": (8, "Q")}
_SHOWN = b"\0\0\0\3"  # tkhd: version 0, enabled, in the movie; the second side's tracks are not, in the recording


class SourceRange(NamedTuple):
    """A range of bytes of the new film, and where it lies in the recording."""

    start: int
    source: int
    size: int


class _Chunk(NamedTuple):
    source: int
    size: int
    track: int
    entry: int


class SideFilm:
    """The film of one side, read like a file that is opened for reading. It owns `file`, the recording.

    Raises ValueError when it is made of a file that is no recording, or that has no such side.
    """

    def __init__(self, file: BinaryIO, side: str) -> None:
        self._file, self._place = file, 0
        self._head, self._spans = _film(file, side)
        self._starts = [span.start for span in self._spans]
        last = self._spans[-1] if self._spans else SourceRange(len(self._head), 0, 0)
        self.size = last.start + last.size

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position, as `io.IOBase.seek` does."""
        self._place = max((0, self._place, self.size)[whence] + offset, 0)
        return self._place

    def read(self, count: int) -> bytes:
        """Read at most `count` bytes. Raises OSError."""
        found = bytearray()
        while count > 0 and (data := self._some(count)):
            found += data
            count -= len(data)
            self._place += len(data)
        return bytes(found)

    def close(self) -> None:
        """Close the file of the recording."""
        self._file.close()

    def _some(self, count: int) -> bytes:
        if self._place < len(self._head):
            return self._head[self._place : self._place + count]
        number = bisect_right(self._starts, self._place) - 1
        if number < 0:
            return b""
        span = self._spans[number]
        into = self._place - span.start
        self._file.seek(span.source + into)
        return self._file.read(max(min(count, span.size - into), 0))


def _film(file: BinaryIO, side: str) -> tuple[bytes, list[SourceRange]]:
    """Return the bytes before the samples, and the ranges of the samples. Raises ValueError."""
    size = file.seek(0, io.SEEK_END)
    top = {box.kind: box for box in walk(file, 0, size)}
    if not {b"ftyp", b"moov"} <= set(top) or top[b"moov"].size > MOST_INDEX:
        raise ValueError("not a finished recording")
    moov = io.BytesIO(_bytes(file, top[b"moov"]))
    movie = [box for box in walk(moov, top[b"moov"].header, top[b"moov"].size) if box.kind == b"mvhd"]
    tracks = [_Track(_bytes(moov, box)) for box in _tracks(moov, top[b"moov"]) if _side_of(moov, box) == side]
    if not movie or not tracks:
        raise ValueError(f"there is no side {side}")
    chunks = sorted(chunk for number, track in enumerate(tracks) for chunk in track.chunks(number))
    index = 8 + movie[0].size + sum(len(track.data) for track in tracks)
    head = _bytes(file, top[b"ftyp"])
    start = len(head) + index + 16
    spans = list(_spans(chunks, start))
    for chunk, at in zip(chunks, accumulate((chunk.size for chunk in chunks), initial=start), strict=False):
        tracks[chunk.track].move(chunk.entry, at)
    media = sum(chunk.size for chunk in chunks)
    head += struct.pack("!I4s", index, b"moov") + _bytes(moov, movie[0]) + b"".join(track.data for track in tracks)
    return head + struct.pack("!I4sQ", 1, b"mdat", 16 + media), spans


def _spans(chunks: list[_Chunk], start: int) -> Iterator[SourceRange]:
    """Yield the ranges of chunks; chunks that follow each other in the recording are one range."""
    open_: SourceRange | None = None
    for chunk in chunks:
        if open_ is not None and open_.source + open_.size == chunk.source:
            open_ = open_._replace(size=open_.size + chunk.size)
        else:
            if open_ is not None:
                yield open_
            open_ = SourceRange(start, chunk.source, chunk.size)
        start += chunk.size
    if open_ is not None:
        yield open_


def _tracks(moov: BinaryIO, box: Box) -> Iterator[Box]:
    return (inner for inner in walk(moov, box.header, box.size) if inner.kind == b"trak")


def _side_of(moov: BinaryIO, trak: Box) -> str:
    """Return the first word of a track's title: `prison` of `prison video`."""
    for media in _inside(moov, trak, b"mdia"):
        for handler in _inside(moov, media, b"hdlr"):
            title = _bytes(moov, handler)[handler.header + 24 :].split(b"\0")[0]
            return title.decode("utf-8", "replace").partition(" ")[0]
    return ""


class _Track:
    """A trak box whose chunk offsets are changed in place."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        file = io.BytesIO(data)
        whole = Box(b"trak", 0, len(data), 8)
        for head in _inside(file, whole, b"tkhd"):
            self.data[head.start + head.header : head.start + head.header + 4] = _SHOWN
        self._boxes = {box.kind: box for box in _table(file, whole)}
        place = next((kind for kind in _OFFSETS if kind in self._boxes), None)
        if place is None or not {b"stsc", b"stsz"} <= set(self._boxes):
            raise ValueError("a track without its table")
        self._width, self._letter = _OFFSETS[place]
        self._places = self._boxes[place]

    def chunks(self, number: int) -> Iterator[_Chunk]:
        """Yield where this track's chunks lie, in order. Raises ValueError."""
        sources, sizes = self._numbers(self._places, 4, self._letter), self._sizes()
        first = 0
        for entry, (source, count) in enumerate(zip(sources, self._counts(len(sources)), strict=True)):
            if first + count >= len(sizes):
                raise ValueError("more samples in chunks than there are")
            yield _Chunk(source, sizes[first + count] - sizes[first], number, entry)
            first += count

    def move(self, entry: int, offset: int) -> None:
        """Set the offset of a chunk. Raises ValueError for an offset that its table cannot hold."""
        at = self._places.start + self._places.header + 8 + entry * self._width
        try:
            struct.pack_into(f"!{self._letter}", self.data, at, offset)
        except struct.error as error:
            raise ValueError("too long a film for its index") from error

    def _sizes(self) -> list[int]:
        """Return how many bytes lie before each sample, with one more entry for the end."""
        box = self._boxes[b"stsz"]
        same, count = struct.unpack_from("!II", self.data, box.start + box.header + 4)
        if count > MOST_INDEX:
            raise ValueError("a malformed table")
        each = (same,) * count if same else self._numbers(box, 8, "I")
        return list(accumulate(each, initial=0))

    def _counts(self, chunks: int) -> Iterator[int]:
        """Yield how many samples each chunk holds."""
        runs = self._numbers(self._boxes[b"stsc"], 4, "III")
        firsts = [*runs[0::3], chunks + 1]
        for first, after, samples in zip(firsts, firsts[1:], runs[1::3], strict=False):
            for _ in range(first, after):
                yield samples

    def _numbers(self, box: Box, skip: int, letters: str) -> tuple[int, ...]:
        """Return the entries of a table in one tuple. Its count lies `skip` bytes into the box. Raises ValueError."""
        at = box.start + box.header + skip
        try:
            (count,) = struct.unpack_from("!I", self.data, at)
            if count * struct.calcsize(f"!{letters}") > box.end - at - 4:
                raise ValueError("a table that is longer than its box")
            return struct.unpack_from(f"!{count * len(letters)}{letters[0]}", self.data, at + 4)
        except struct.error as error:
            raise ValueError("a malformed table") from error


def _table(file: BinaryIO, trak: Box) -> Iterator[Box]:
    for media in _inside(file, trak, b"mdia"):
        for about in _inside(file, media, b"minf"):
            for table in _inside(file, about, b"stbl"):
                yield from walk(file, table.start + table.header, table.end)


def _inside(file: BinaryIO, box: Box, kind: bytes) -> Iterator[Box]:
    return (inner for inner in walk(file, box.start + box.header, box.end) if inner.kind == kind)


def _bytes(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(box.size)
