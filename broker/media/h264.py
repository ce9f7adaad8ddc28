"""H.264 as bytes, in three places where it occurs: in a sequence parameter set (ITU-T H.264 7.3.2.1.1; Annex E stays
outside), in RTP payloads (RFC 6184), and in MP4 samples and the avcC record (ISO/IEC 14496-15 5.3.3). The relay asks
where a keyframe begins and how large it is; the recorder writes samples and parameter sets into the film."""

import struct
from dataclasses import dataclass

from broker.media.rtp import payload_start

SLICE, IDR, SEI, SPS, PPS, AUD, FILLER = 1, 5, 6, 7, 8, 9, 12
"""Types of NAL units (H.264 table 7-1)."""
STAP_A, FU_A = 24, 28
"""Types of RTP payloads beside single NAL units (RFC 6184 5.2): several units, and a fragment of one."""

_CHROMA_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_LARGEST = 16_384  # pixels; more than any camera has, so a larger size is a damaged parameter set


class Malformed(ValueError):
    """The parameter set cannot be read."""


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """One sequence and one picture parameter set, as NAL units without start code."""

    sps: bytes
    pps: bytes

    @property
    def avcc(self) -> bytes:
        """The AVCDecoderConfigurationRecord with 4-byte lengths."""
        head = bytes((1, self.sps[1], self.sps[2], self.sps[3], 0xFF, 0xE1))
        tail = b"\xfd\xf8\xf8\x00" if self.sps[1] in _CHROMA_PROFILES else b""  # 4:2:0, 8 bits
        return b"".join((head, _u16(len(self.sps)), self.sps, b"\x01", _u16(len(self.pps)), self.pps, tail))

    @property
    def size(self) -> tuple[int, int]:
        """The picture's (width, height) in pixels. Raises Malformed."""
        return picture_size(self.sps)


def sample_of(nals: list[bytes]) -> bytes:
    """Return the units as one MP4 sample: each after its length in 4 bytes (14496-15 5.3.4.2)."""
    return b"".join([part for nal in nals for part in (struct.pack("!I", len(nal)), nal)])


def is_whole_sample(sample: bytes) -> bool:
    """Whether the units of an MP4 sample fill it exactly and none is empty. Blocks of zeros, which a power cut leaves
    where the size of a file came to the disk and its content did not, are not whole."""
    at = 0
    while at + 4 < len(sample):
        size = int.from_bytes(sample[at : at + 4])
        if size == 0:
            return False
        at += 4 + size
    return at == len(sample)


def split_aggregate(payload: bytes) -> tuple[list[bytes], bool]:
    """Return the whole NAL units of a STAP-A payload (RFC 6184 5.7.1), and whether they fill it exactly."""
    nals: list[bytes] = []
    offset, end = 1, len(payload)
    while offset + 2 < end:
        size = (payload[offset] << 8) | payload[offset + 1]
        offset += 2
        if size == 0 or offset + size > end:
            break
        nals.append(payload[offset : offset + size])
        offset += size
    return nals, offset == end and end > 1


def keyframe_start(packet: bytes) -> int:
    """Return SPS when an RTP packet begins a keyframe with its parameter sets, IDR when it begins one without, else 0.

    It copies nothing: the relay asks it of every packet while a subscriber waits for a keyframe.
    """
    start = payload_start(packet)
    if start + 2 > len(packet):
        return 0
    kind = packet[start] & 31
    if kind == STAP_A:
        return _aggregated(packet, start + 1)
    if kind == FU_A:
        header = packet[start + 1]
        kind = header & 31 if header & 0x80 else 0
    return kind if kind in (IDR, SPS) else 0


def pixels(packet: bytes) -> int:
    """Return width times height of the picture whose sequence parameter set is in an RTP packet; 0 without a valid set.

    The set may stand alone or among other units in a STAP-A.
    """
    payload = packet[payload_start(packet) :]
    kind = payload[0] & 31 if payload else 0
    nals = split_aggregate(payload)[0] if kind == STAP_A else [payload]
    sets = [nal for nal in nals if nal and nal[0] & 31 == SPS]
    try:
        width, height = picture_size(sets[0]) if sets else (0, 0)
    except Malformed:
        return 0
    return width * height


def picture_size(sps: bytes) -> tuple[int, int]:
    """Return (width, height) of a sequence parameter set in pixels, after cropping. Raises Malformed."""
    try:
        bits = _Bits(sps[4:].replace(b"\0\0\3", b"\0\0"))
        width, height = _read_size(sps[1], bits)
    except IndexError as error:
        raise Malformed("the parameter set is cut off") from error
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise Malformed(f"a picture of {width} x {height} pixels")
    return width, height


def _aggregated(packet: bytes, offset: int) -> int:
    """Return SPS or IDR when units of these types are in a STAP-A, SPS before IDR, else 0."""
    found = 0
    while offset + 3 <= len(packet):
        kind = packet[offset + 2] & 31
        if kind == SPS:
            return SPS
        found = IDR if kind == IDR else found
        offset += 2 + int.from_bytes(packet[offset : offset + 2], "big")
    return found


def _u16(value: int) -> bytes:
    return struct.pack("!H", value)


def _read_size(profile: int, bits: "_Bits") -> tuple[int, int]:
    bits.ue()  # seq_parameter_set_id
    chroma = _skip_chroma(bits) if profile in _CHROMA_PROFILES else 1
    bits.ue()  # log2_max_frame_num_minus4
    _skip_order(bits)
    bits.ue()  # max_num_ref_frames
    bits.take(1)
    wide, high = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference_flag
    left, right, top, bottom = (bits.ue(), bits.ue(), bits.ue(), bits.ue()) if bits.take(1) else (0, 0, 0, 0)
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    return wide * 16 - (left + right) * unit_x, high * 16 * (2 - frames_only) - (top + bottom) * unit_y


def _skip_chroma(bits: "_Bits") -> int:
    chroma = bits.ue()
    if chroma == 3:
        bits.take(1)
    for read in (bits.ue, bits.ue, bits.flag):  # two depths, the bypass flag
        read()
    if bits.take(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if index < 6 else 64)
    return chroma


def _skip_scaling(bits: "_Bits", size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _skip_order(bits: "_Bits") -> None:
    kind = bits.ue()
    if kind == 0:
        bits.ue()
    elif kind == 1:
        bits.take(1)
        for _ in range(2):
            bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()


class _Bits:
    """Reads bits and Exp-Golomb codes (H.264 9.1). Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), len(data) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise IndexError("out of bits")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> int:
        return self.take(1)

    def ue(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        if zeros > 31:
            raise IndexError("an Exp-Golomb code longer than 32 bits")
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
