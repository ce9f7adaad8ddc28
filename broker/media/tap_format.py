"""The tap format, in which the relay hands packets to the recorder: records back to back in a SOCK_SEQPACKET message.
One message carries what one pass of the hot loop has collected, so that a busy relay makes few system calls."""

import struct
from typing import NamedTuple

RECORD = struct.Struct("!IBBHQ")
"""tap (u32), track (u8), kind (u8), length (u16), arrival (u64, CLOCK_MONOTONIC ns); then `length` bytes."""

RTP, SENDER_REPORT, ANEW, PARAMETER_SET = 0, 1, 2, 3
"""Kinds of records. ANEW has no bytes: the packets that follow on its track do not continue those before it, and none
is missing in between. PARAMETER_SET is one H.264 parameter set (a NAL unit) that the packets that follow need and may
not bring: the publisher sent it before the recorder listened, or in its offer."""
PRISON_VIDEO, PRISON_AUDIO, VISITOR_VIDEO, VISITOR_AUDIO, TALKBACK = range(5)
TRACK_TITLES = ("prison video", "prison audio", "visitor video", "visitor audio", "supervisors")
"""Tracks and their titles in a film. TALKBACK is the audio of officers to the rooms (插话): one officer at a time,
silence otherwise."""
MAX_MESSAGE = 60_000
"""Bytes past which a message does not grow, so that a reader's buffer of 64 KiB always holds it."""


def is_sound(track: int) -> bool:
    """Whether a track is sound; other tracks are pictures."""
    return track in (PRISON_AUDIO, VISITOR_AUDIO, TALKBACK)


class TapRecord(NamedTuple):
    """One record of a track: an RTP packet, a sender report, or the note that the track begins anew."""

    tap: int
    track: int
    kind: int
    arrival_ns: int
    data: bytes


def pack(tap: int, track: int, kind: int, arrival_ns: int, data: bytes) -> bytes:
    """Return one record as bytes; `arrival_ns` is CLOCK_MONOTONIC."""
    return RECORD.pack(tap, track, kind, len(data), arrival_ns) + data


def unpack(message: bytes) -> list[TapRecord]:
    """Return the records of one message. A record that is longer than the rest of the message ends it."""
    records: list[TapRecord] = []
    new, read = tuple.__new__, RECORD.unpack_from  # the constructor of a named tuple takes three times as long
    at, end = RECORD.size, len(message)
    while at <= end:
        tap, track, kind, length, arrival = read(message, at - RECORD.size)
        after = at + length
        if after > end:
            break
        records.append(new(TapRecord, (tap, track, kind, arrival, message[at:after])))
        at = after + RECORD.size
    return records
