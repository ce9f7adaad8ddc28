"""The form in which the relay hands packets to the recorder: records back to back in one SOCK_SEQPACKET message.
One message carries what one pass of the hot loop collected, so a busy relay makes few system calls."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

RECORD = struct.Struct("!IBBHQ")
"""tap (u32), track (u8), kind (u8), length (u16), arrival (u64, CLOCK_MONOTONIC ns); then `length` bytes."""

RTP, SENDER_REPORT, ANEW = 0, 1, 2
"""ANEW has no bytes: what follows on its track does not continue what was before, and nothing is missing in between."""
PRISON_VIDEO, PRISON_AUDIO, VISITOR_VIDEO, VISITOR_AUDIO, TALKBACK = range(5)
TRACK_TITLES = ("prison video", "prison audio", "visitor video", "visitor audio", "supervisors")
"""TALKBACK is what officers say to the rooms (插话): one officer at a time, with silence between talkbacks."""
MAX_MESSAGE = 60_000
"""A message is sent before it grows past this many bytes; a reader's buffer of 64 KiB always holds one."""


def is_sound(track: int) -> bool:
    """Whether a track is sound; the others are pictures."""
    return track in (PRISON_AUDIO, VISITOR_AUDIO, TALKBACK)


class TapRecord(NamedTuple):
    """One RTP packet, one sender report, or the word that it begins anew, of one track."""

    tap: int
    track: int
    kind: int
    arrival_ns: int
    data: bytes


def pack(tap: int, track: int, kind: int, arrival_ns: int, data: bytes) -> bytes:
    """One record as bytes."""
    return RECORD.pack(tap, track, kind, len(data), arrival_ns) + data


def unpack(message: bytes) -> Iterator[TapRecord]:
    """The records of one message. A cut-off tail is dropped: the header says more than there is."""
    offset, end = 0, len(message)
    while offset + RECORD.size <= end:
        tap, track, kind, length, arrival = RECORD.unpack_from(message, offset)
        offset += RECORD.size
        if offset + length > end:
            return
        yield TapRecord(tap, track, kind, arrival, message[offset : offset + length])
        offset += length
