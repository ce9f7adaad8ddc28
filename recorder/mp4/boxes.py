"""The box structure of MP4 (ISO/IEC 14496-12 4.2): walking over boxes, and the head of a file without samples. That
head tells the muxer what the tracks are, without any encoder or sample at hand. Pure, but for reading."""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from broker.media.h264_sets import ParameterSets

VIDEO_RATE, AUDIO_RATE = 90_000, 48_000
_MATRIX = struct.pack("!9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


class Box(NamedTuple):
    """A box of a file: kind, start, size with the header, and size of the header."""

    kind: bytes
    start: int
    size: int
    header: int

    @property
    def end(self) -> int:
        """The offset of the first byte after the box."""
        return self.start + self.size


def walk(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets, up to the first box that is cut off or malformed."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, header = int.from_bytes(head[:4]), 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:]), 16
        if size < header or start + size > end:
            return
        yield Box(head[4:8], start, size, header)
        start += size


def head_of(video: Sequence[ParameterSets]) -> bytes:
    """Return ftyp and moov of a file without samples: a video and an Opus track for each of `video`, and one more Opus
    track for talkback."""
    tracks: list[bytes] = []
    for parameters in video:
        width, height = parameters.size
        number = len(tracks) + 1
        tracks.append(_track(number, b"vide", VIDEO_RATE, _avc1(parameters, width, height), width, height))
        tracks.append(_track(number + 1, b"soun", AUDIO_RATE, _opus(), 0, 0))
    tracks.append(_track(len(tracks) + 1, b"soun", AUDIO_RATE, _opus(), 0, 0))
    times = struct.pack("!IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100)
    movie = _full(b"mvhd", 0, times, _MATRIX, bytes(24), struct.pack("!I", len(tracks) + 1))
    return _box(b"ftyp", b"isom", bytes(4), b"isom") + _box(b"moov", movie, *tracks)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack("!I4s", 8 + len(body), kind) + body


def _full(kind: bytes, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack("!I", flags), *parts)


def _avc1(parameters: ParameterSets, width: int, height: int) -> bytes:
    picture = struct.pack("!6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1)
    return _box(b"avc1", picture, _box(b"avcC", parameters.avcc))


def _opus() -> bytes:
    """Return the sample entry of Opus: two channels, no pre-skip, because a live stream has no beginning to skip."""
    specific = _box(b"dOps", struct.pack("!BBHIhB", 0, 2, 0, AUDIO_RATE, 0, 0))
    return _box(b"Opus", struct.pack("!6xH8xHHHHI", 1, 2, 16, 0, 0, AUDIO_RATE << 16), specific)


def _track(number: int, handler: bytes, rate: int, entry: bytes, width: int, height: int) -> bytes:
    place = struct.pack("!IIIII8xHHHH", 0, 0, number, 0, 0, 0, 0, 0x100 if handler == b"soun" else 0, 0)
    head = _full(b"tkhd", 3, place, _MATRIX, struct.pack("!II", width << 16, height << 16))
    clock = _full(b"mdhd", 0, struct.pack("!IIIIHH", 0, 0, rate, 0, 0x55C4, 0))
    kind = _full(b"hdlr", 0, bytes(4), handler, bytes(13))
    return _box(
        b"trak", head, _box(b"mdia", clock, kind, _box(b"minf", _media_head(handler), _data_reference(), _table(entry)))
    )


def _media_head(handler: bytes) -> bytes:
    return _full(b"vmhd", 1, bytes(8)) if handler == b"vide" else _full(b"smhd", 0, bytes(4))


def _data_reference() -> bytes:
    return _box(b"dinf", _full(b"dref", 0, struct.pack("!I", 1), _full(b"url ", 1)))


def _table(entry: bytes) -> bytes:
    description = _full(b"stsd", 0, struct.pack("!I", 1), entry)
    empty = [_full(kind, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco")]
    return _box(b"stbl", description, *empty, _full(b"stsz", 0, bytes(8)))
