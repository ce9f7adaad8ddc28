"""RTP packets as bytes (RFC 3550 5.1): where the payload begins, whole packets for the recorder, and the headers of
packets that the relay sends. Such a header is plain (twelve bytes) or stamped, which means that one extension word with
the packet's transport-wide number or send time follows (RFC 8285 4.2)."""

import struct
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

RTP_HEADER = struct.Struct("!BBHII")
"""Version, padding, extension and CSRC count; marker and payload type; sequence number; timestamp; SSRC."""

RTP_BEGINNING = struct.Struct("!BBHIIB")
"""The same, and the byte that follows: of most packets the first one of the payload."""
STAMPED = struct.Struct("!BBHIII")
WORD = struct.Struct("!I")
STAMP_SIZE = STAMPED.size + WORD.size - RTP_HEADER.size  # bytes by which a stamped header is longer than a plain one
EXTENSION = 0xBEDE0001  # one-byte elements, one word of them


class RtpPacket(NamedTuple):
    """One RTP packet as it was received.

    `payload` is without CSRCs, extension and padding, `arrival` in ns. `lost` packets are missing before it; only a
    buffer that puts packets in order knows that.
    """

    seq: int
    timestamp: int
    marker: bool
    ssrc: int
    payload: bytes
    arrival: int
    lost: int = 0


def parse(data: bytes, arrival: int) -> RtpPacket | None:
    """Return the packet in `data` (RFC 3550 5.1, extension 5.3.1), or None where the bytes are not one."""
    size = len(data)
    if size < 12:
        return None
    first, second, seq, timestamp, ssrc = RTP_HEADER.unpack_from(data)
    if first & 0xC0 != 0x80:
        return None
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if start + 4 > size:
            return None
        start += 4 + 4 * ((data[start + 2] << 8) | data[start + 3])
    if start > size:
        return None
    if first & 0x20 and size > start:
        padding = data[-1]
        if not 0 < padding <= size - start:
            return _oddly_padded(RtpPacket(seq, timestamp, second & 0x80 != 0, ssrc, data[start:], arrival))
        size -= padding
    # The constructor of a named tuple takes three times as long.
    return tuple.__new__(RtpPacket, (seq, timestamp, second > 127, ssrc, data[start:size], arrival, 0))


def _oddly_padded(packet: RtpPacket) -> RtpPacket | None:
    """Return a packet whose last byte, which says how much of it is padding, makes no sense. Where only padding was
    sent its number is still used up; where media may be in it there is no telling how much, and it is damaged."""
    body, padding = packet.payload[:-1], packet.payload[-1]
    if not any(body):
        return packet._replace(payload=b"")
    return packet if padding == 0 else None


def payload_start(packet: bytes | memoryview) -> int:
    """Return where the payload begins, after CSRCs and header extension; the length of a packet that is cut off.

    The hot loop calls this for each packet. Hence it stands alone, although `parse` walks the same fields: that has to
    tell a cut-off header from an empty payload.
    """
    offset = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        if offset + 4 > len(packet):
            return len(packet)
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return min(offset, len(packet))


def plain_header(first: int, second: int, seq: int, ts: int, ssrc: int) -> bytes:
    """Return a header without extension; `first` and `second` are its first two bytes."""
    return RTP_HEADER.pack(first, second, seq, ts, ssrc)


def stamped_header(first: int, second: int, seq: int, ts: int, ssrc: int, word: int) -> bytes:
    """Return a header with the extension `word`."""
    return STAMPED.pack(first | 0x10, second, seq, ts, ssrc, EXTENSION) + WORD.pack(word)


@cache
def writers(size: int) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return two functions that write a packet with a payload of `size` bytes into a buffer from an offset on: a plain
    one of (header and payload), and a stamped one of (STAMPED, extension word, payload).

    Each copies the whole packet in one call of C, in half the time of packing a word and cffi's `memmove`."""
    return struct.Struct(f"{RTP_HEADER.size + size}s").pack_into, struct.Struct(f"!{STAMPED.size}sI{size}s").pack_into
