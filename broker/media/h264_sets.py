"""Parameter sets of H.264: what they say (ITU-T H.264 7.3.2.1.1 and 7.3.2.2; Annex E stays outside), and how an MP4
keeps them (avcC, ISO/IEC 14496-15 5.3.3). Pure."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from broker.media.bits import Bits, unescaped

LONGEST_SET = 1024
"""Bytes of the longest parameter set that is kept. A publisher's set is written again with each keyframe that needs it,
so what it may choose to multiply is small; real ones have 10 to 60 bytes."""
MOST_SPS, MOST_PPS = 32, 256
"""Numbers of the ids that there are (7.4.2.1.1, 7.4.2.2)."""
MOST_IN_HEAD = (31, 255)
"""Sets of each kind that an avcC can count."""

_CHROMA_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_PLAYED_PROFILES = {66, 77, 100}  # baseline, main and high: what browsers, terminals and officers' players decode
_LARGEST = 16_384  # pixels; more than any camera has, so a larger size is a damaged parameter set
_MOST_MACROBLOCKS = 36_864  # of one picture: level 5.2 (table A-1)


class Malformed(ValueError):
    """The parameter set, or the head of a slice, cannot be read."""


class SequenceParameters(NamedTuple):
    """What a sequence parameter set says, as far as it matters here. `supported`: 4:2:0, 8 bits, whole frames, of a
    size and a profile that players have. `gaps`: frame numbers may be left out."""

    id: int
    width: int
    height: int
    supported: bool
    macroblocks: int
    frame_bits: int
    order_kind: int
    order_bits: int
    gaps: bool


class PictureParameters(NamedTuple):
    """What a picture parameter set says, as far as it matters here. `groups`: it divides pictures into slice groups,
    which players do not decode. `order_delta` and `redundant`: fields that the heads of its slices then have."""

    id: int
    sequence: int
    order_delta: bool
    groups: bool
    redundant: bool


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """Sequence and picture parameter sets as NAL units without start code. The first sequence parameter set is that of
    the first picture."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @property
    def avcc(self) -> bytes:
        """The AVCDecoderConfigurationRecord with 4-byte lengths."""
        first, counts = self.sps[0], MOST_IN_HEAD
        head = bytes((1, first[1], first[2], first[3], 0xFF))
        tail = b"\xfd\xf8\xf8\x00" if first[1] in _CHROMA_PROFILES else b""  # 4:2:0, 8 bits
        return head + _counted(self.sps[: counts[0]], 0xE0) + _counted(self.pps[: counts[1]], 0) + tail

    @property
    def size(self) -> tuple[int, int]:
        """The picture's (width, height) in pixels. Raises Malformed."""
        return picture_size(self.sps[0])


def sets_in(record: bytes) -> ParameterSets | None:
    """Return the parameter sets of an AVCDecoderConfigurationRecord, None where it has not both kinds."""
    sps, at = _uncounted(record, 5, 0x1F)
    pps, _ = _uncounted(record, at, 0xFF)
    return ParameterSets(sps, pps) if sps and pps else None


def picture_size(sps: bytes) -> tuple[int, int]:
    """Return (width, height) of a sequence parameter set in pixels, after cropping. Raises Malformed."""
    found = sequence_parameters(sps)
    return found.width, found.height


def sequence_parameters(sps: bytes) -> SequenceParameters:
    """Return what a sequence parameter set says. Raises Malformed."""
    try:
        found = _sequence(sps)
    except IndexError as error:
        raise Malformed("the parameter set is cut off") from error
    if not (0 < found.width <= _LARGEST and 0 < found.height <= _LARGEST):
        raise Malformed(f"a picture of {found.width} x {found.height} pixels")
    if found.id >= MOST_SPS or found.frame_bits > 16 or found.order_bits > 16 or found.order_kind > 2:
        raise Malformed("a field out of range")
    return found


def picture_parameters(pps: bytes) -> PictureParameters:
    """Return what a picture parameter set says. Raises Malformed."""
    bits = Bits(unescaped(pps[1:]))
    try:
        id, sequence = bits.ue(), bits.ue()
        bits.take(1)  # entropy_coding_mode_flag
        order_delta, groups = bits.flag(), bits.ue()
        redundant = 0 if groups else _redundant(bits)
    except IndexError as error:
        raise Malformed("the parameter set is cut off") from error
    if id >= MOST_PPS or sequence >= MOST_SPS:
        raise Malformed("a field out of range")
    return PictureParameters(id, sequence, bool(order_delta), groups > 0, bool(redundant))


def _counted(sets: tuple[bytes, ...], mask: int) -> bytes:
    return bytes((mask | len(sets),)) + b"".join(struct.pack("!H", len(nal)) + nal for nal in sets)


def _uncounted(record: bytes, at: int, mask: int) -> tuple[tuple[bytes, ...], int]:
    sets: list[bytes] = []
    count = record[at] & mask if at < len(record) else 0
    at += 1
    for _ in range(count):
        size = int.from_bytes(record[at : at + 2])
        sets.append(record[at + 2 : at + 2 + size])
        at += 2 + size
    return (tuple(sets), at) if at <= len(record) and all(sets) else ((), at)


def _sequence(sps: bytes) -> SequenceParameters:
    profile, bits = sps[1], Bits(unescaped(sps[4:]))
    id = bits.ue()
    chroma, depth = _chroma(bits) if profile in _CHROMA_PROFILES else (1, 0)
    frame_bits = bits.ue() + 4
    order_kind = bits.ue()
    order_bits = _order(bits, order_kind)
    bits.ue()  # max_num_ref_frames
    gaps = bits.flag()
    wide, high = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.take(1)
    bits.take(1)  # direct_8x8_inference_flag
    left, right, top, bottom = (bits.ue(), bits.ue(), bits.ue(), bits.ue()) if bits.take(1) else (0, 0, 0, 0)
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (2 - frames_only)
    width, height = wide * 16 - (left + right) * unit_x, high * 16 * (2 - frames_only) - (top + bottom) * unit_y
    plain = chroma == 1 and depth == 0 and bool(frames_only) and profile in _PLAYED_PROFILES
    supported = plain and wide * high <= _MOST_MACROBLOCKS
    return SequenceParameters(id, width, height, supported, wide * high, frame_bits, order_kind, order_bits, bool(gaps))


def _chroma(bits: Bits) -> tuple[int, int]:
    """Return the chroma format, and the bits by which a sample is longer than 8."""
    chroma = bits.ue()
    if chroma == 3:
        bits.take(1)
    depth = bits.ue() + bits.ue()
    bits.flag()  # qpprime_y_zero_transform_bypass_flag
    if bits.take(1):
        for index in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if index < 6 else 64)
    return chroma, depth


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _order(bits: Bits, kind: int) -> int:
    """Read what follows pic_order_cnt_type; return the bits of the order in a slice's head, for type 1 whether it has
    none (0) or one number (1)."""
    if kind == 0:
        return bits.ue() + 4
    if kind != 1:
        return 0
    always_zero = bits.flag()
    for _ in range(2):
        bits.se()
    for _ in range(min(bits.ue(), 255)):
        bits.se()
    return 1 - always_zero


def _redundant(bits: Bits) -> int:
    for _ in range(2):
        bits.ue()  # num_ref_idx_default_active_minus1
    bits.take(3)  # weighted_pred_flag, weighted_bipred_idc
    for _ in range(3):
        bits.se()  # pic_init_qp, pic_init_qs, chroma_qp_index_offset
    bits.take(2)  # deblocking_filter_control_present_flag, constrained_intra_pred_flag
    return bits.flag()
