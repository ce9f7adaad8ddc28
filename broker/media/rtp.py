"""The two heads an outgoing RTP packet can have: the plain twelve bytes (RFC 3550 5.1), and the same with one extension
word for the stamp (RFC 8285 4.2). The hot loop writes them in place, repairs as bytes."""

import struct

from broker.media.rtcp import RTP_HEADER

STAMPED = struct.Struct("!BBHIII")
WORD = struct.Struct("!I")
ROOM = STAMPED.size + WORD.size - RTP_HEADER.size  # bytes by which a stamped head is longer
WORD_AT = STAMPED.size  # where in a stamped head the word stands
EXTENSION = 0xBEDE0001  # one-byte elements, one word of them


def plain(first: int, second: int, seq: int, ts: int, ssrc: int) -> bytes:
    """A head without extension; `first` and `second` are the first two bytes."""
    return RTP_HEADER.pack(first, second, seq, ts, ssrc)


def stamped(first: int, second: int, seq: int, ts: int, ssrc: int, word: int) -> bytes:
    """A head with the extension `word`."""
    return STAMPED.pack(first | 0x10, second, seq, ts, ssrc, EXTENSION) + WORD.pack(word)
