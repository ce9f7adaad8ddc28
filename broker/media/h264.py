"""The size of the picture in an H.264 sequence parameter set (ITU-T H.264 7.3.2.1.1; Annex E stays outside), pure. Both
the relay, which has to know the largest of several encodings, and the recorder, which writes it into the file, ask."""

_CHROMA_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_LARGEST = 16_384  # pixels; more than any camera: a damaged set, not a picture


class Malformed(ValueError):
    """The parameter set cannot be read."""


def has_chroma(profile: int) -> bool:
    """Whether sets of this profile say how colours are kept."""
    return profile in _CHROMA_PROFILES


def picture_size(sps: bytes) -> tuple[int, int]:
    """(width, height) of a sequence parameter set after cropping. Raises Malformed."""
    try:
        bits = _Bits(sps[4:].replace(b"\0\0\3", b"\0\0"))
        width, height = _read_size(sps[1], bits)
    except IndexError as error:
        raise Malformed("the parameter set is cut off") from error
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise Malformed(f"a picture of {width} x {height}")
    return width, height


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
    """Reads bits and Exp-Golomb codes (H.264 9.1). IndexError at the end."""

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
            raise IndexError("no such code")
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)
