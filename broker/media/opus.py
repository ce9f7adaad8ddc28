"""Opus as far as the recorder needs it: the duration of a packet and whether it is one (RFC 6716 3.1 to 3.4), and
packets of silence. Pure."""

from collections.abc import Iterator
from itertools import repeat

RATE = 48_000
PACKET = 960  # samples of 20 ms, the length that browsers and aiortc send
LONGEST = 5_760  # RFC 6716 3.2.5: 120 ms in one packet
_LARGEST = 1275  # bytes of one frame (RFC 6716 3.4)
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
# Full-band CELT frames whose first coded bit says "silence"; what follows is never read (RFC 6716 4.3).
_SILENCE = {120: b"\xe0\xff\xfe", 240: b"\xe8\xff\xfe", 480: b"\xf0\xff\xfe", 960: b"\xf8\xff\xfe"}

LEADING = _SILENCE[PACKET] + b"\xfe"
"""A packet of silence that is one byte longer than the others. A track whose samples all have one size is marked so in
the index, and GStreamer takes such a track for raw sound that may be cut and joined anywhere."""


def duration(packet: bytes) -> int | None:
    """Return the samples (at 48 kHz) that a packet lasts, or None where the bytes are no Opus packet."""
    if packet and len(packet) <= 1 + _LARGEST and (single := _SINGLE[packet[0]]):
        return single
    frames = _frames(packet) if packet else 0
    samples = frames * _frame_samples(packet[0] >> 3) if frames else 0
    return samples if 0 < samples <= LONGEST else None


def silence(samples: int) -> Iterator[tuple[int, bytes]]:
    """Yield (samples, packet) pairs of silence for `samples`; a rest of less than 2.5 ms is left out."""
    for size in (960, 480, 240, 120):
        count, samples = divmod(samples, size)
        yield from repeat((size, _SILENCE[size]), count)


def _frame_samples(config: int) -> int:
    if config < 12:
        return _SILK[config & 3]
    if config < 16:
        return _HYBRID[config & 1]
    return _CELT[config & 3]


def _frames(packet: bytes) -> int:
    """Return the number of frames in a packet; 0 where their sizes do not fit its own (RFC 6716 3.4)."""
    code, size = packet[0] & 3, len(packet)
    if code == 0:
        return 1 if size - 1 <= _LARGEST else 0
    if code == 1:
        return 2 if size % 2 == 1 and size // 2 <= _LARGEST else 0
    if code == 2:
        return 2 if _fit(packet, 1, 1, size) else 0
    if size < 2:
        return 0
    count, at, end = packet[1] & 0x3F, 2, size
    if packet[1] & 0x40:
        at, end = _without_padding(packet)
    if at > end or not count:
        return 0
    if packet[1] & 0x80:
        return count if _fit(packet, at, count - 1, end) else 0
    return count if (end - at) % count == 0 and (end - at) // count <= _LARGEST else 0


def _fit(packet: bytes, at: int, sized: int, end: int) -> bool:
    """Whether `sized` frames with their sizes from `at` on, and one more that takes the rest, fit before `end`."""
    total = 0
    for _ in range(sized):
        if at >= end:
            return False
        size = packet[at]
        at += 1
        if size >= 252:
            if at >= end:
                return False
            size += 4 * packet[at]
            at += 1
        total += size
    return 0 <= end - at - total <= _LARGEST


def _without_padding(packet: bytes) -> tuple[int, int]:
    """Return where the frames of a padded packet begin and end; the begin lies behind the end where they do not fit."""
    at, padding = 2, 0
    while at < len(packet):
        byte = packet[at]
        at += 1
        padding += min(byte, 254)
        if byte < 255:
            return at, len(packet) - padding
    return 1, 0


_SINGLE = tuple(0 if toc & 3 else _frame_samples(toc >> 3) for toc in range(256))
"""By the first byte: the samples of a packet that holds one frame, as most do; 0 where it holds more."""
