"""What an MP4 has to know of H.264: the kinds of NAL units, the size of the picture, and the avcC record.
ISO/IEC 14496-15 5.3.3 describes avcC. Pure."""

import struct
from dataclasses import dataclass

from broker.media.h264 import has_chroma, picture_size

SLICE, IDR, SEI, SPS, PPS, FILLER = 1, 5, 6, 7, 8, 12


@dataclass(frozen=True, slots=True)
class Parameters:
    """One sequence and one picture parameter set, as NAL units without start code."""

    sps: bytes
    pps: bytes

    @property
    def avcc(self) -> bytes:
        """The AVCDecoderConfigurationRecord with 4-byte lengths."""
        head = bytes((1, self.sps[1], self.sps[2], self.sps[3], 0xFF, 0xE1))
        tail = b"\xfd\xf8\xf8\x00" if has_chroma(self.sps[1]) else b""  # 4:2:0, 8 bits
        return b"".join((head, _u16(len(self.sps)), self.sps, b"\x01", _u16(len(self.pps)), self.pps, tail))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels. Raises Malformed."""
        return picture_size(self.sps)


def join(nals: list[bytes]) -> bytes:
    """The units as one MP4 sample: each after its length in 4 bytes (14496-15 5.3.4.2)."""
    return b"".join([part for nal in nals for part in (struct.pack("!I", len(nal)), nal)])


def whole(sample: bytes) -> bool:
    """Whether the units of an MP4 sample fill it exactly and none is empty. Blocks of zeros, which a power cut leaves
    where the size of a file came to the disk and its content did not, are not whole."""
    at = 0
    while at + 4 < len(sample):
        size = int.from_bytes(sample[at : at + 4])
        if size == 0:
            return False
        at += 4 + size
    return at == len(sample)


def _u16(value: int) -> bytes:
    return struct.pack("!H", value)
