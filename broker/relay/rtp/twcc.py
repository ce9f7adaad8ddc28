"""Transport-wide feedback of a subscriber (draft-holmer-rmcat-transport-wide-cc-extensions-01, 3.1): which packets of
all its streams have arrived, and when. Pure. Malformed feedback is None; sizes are limited."""

import struct
from collections.abc import Callable
from itertools import accumulate, islice
from typing import NamedTuple

TICKS = 4000  # a second in units of 250 microseconds
MAX_PACKETS = 2048  # in one report: five seconds of one subscriber; browsers send twenty reports a second
_HEAD = struct.Struct("!IIHH3sB")
_CHUNK = struct.Struct("!H")
_LOST, _NEAR, _FAR = 0, 1, 2


class Feedback(NamedTuple):
    """Report on the packets `base` to `base + span - 1` (modulo 2^16). `arrived` has (offset from base, ticks of the
    subscriber's own clock) of each that came."""

    base: int
    span: int
    arrived: list[tuple[int, int]]


Admits = Callable[[int, int], bool]
"""Whether a report on `count` packets from `base` on is to be read."""


def parse(body: bytes, admits: Admits = lambda base, count: True) -> Feedback | None:
    """Return the feedback in an RTPFB packet of format 15, given without its first four bytes, or None. It is walked
    only if `admits` says so: its writer chooses how much there is to walk."""
    if len(body) < _HEAD.size:
        return None
    _, _, base, count, reference, _ = _HEAD.unpack_from(body)
    if not 0 < count <= MAX_PACKETS or not admits(base, count):
        return None
    at = int.from_bytes(reference, "big", signed=True) * 256
    deltas = _HEAD.size + _CHUNK.size
    if body[_HEAD.size : deltas] == _CHUNK.pack(_NEAR << 13 | count) and deltas + count <= len(body):
        # the usual case, all packets came soon: one run of the same status
        times = accumulate(body[deltas : deltas + count], initial=at)
        return Feedback(base, count, list(enumerate(islice(times, 1, None))))
    statuses, offset = _statuses(body, count)
    if len(statuses) < count:
        return None
    arrived: list[tuple[int, int]] = []
    for index, status in enumerate(statuses[:count]):
        if status not in (_NEAR, _FAR):
            continue
        size = 1 if status == _NEAR else 2
        if offset + size > len(body):
            return None
        at += int.from_bytes(body[offset : offset + size], "big", signed=status == _FAR)
        offset += size
        arrived.append((index, at))
    return Feedback(base, count, arrived)


def _statuses(body: bytes, count: int) -> tuple[bytes, int]:
    """Return one status byte a packet, too few when the chunks end early, and where the arrival times begin."""
    statuses, offset = bytearray(), _HEAD.size
    while len(statuses) < count and offset + 2 <= len(body):
        chunk = body[offset] << 8 | body[offset + 1]
        offset += 2
        if not chunk & 0x8000:
            statuses += bytes((chunk >> 13,)) * min(chunk & 0x1FFF, count - len(statuses))
        elif chunk & 0x4000:
            statuses += bytes(chunk >> shift & 3 for shift in range(12, -1, -2))
        else:
            statuses += bytes(chunk >> shift & 1 for shift in range(13, -1, -1))
    return bytes(statuses), offset
