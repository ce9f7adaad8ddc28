"""Opus as far as the recorder needs it: the duration of a packet (RFC 6716 3.1) and packets of silence. Pure."""

from collections.abc import Iterator
from itertools import repeat

RATE = 48_000
PACKET = 960  # samples of 20 ms, the length that browsers and aiortc send
LONGEST = 5_760  # RFC 6716 3.2.5: 120 ms in one packet
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
    if not packet:
        return None
    samples = _frames(packet) * _frame_samples(packet[0] >> 3)
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
    code = packet[0] & 3
    if code == 0:
        return 1
    if code < 3:
        return 2
    return packet[1] & 0x3F if len(packet) > 1 else 0
