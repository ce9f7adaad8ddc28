"""The head of an H.264 slice (ITU-T H.264 7.3.3): which picture it belongs to, and where it lies in it. Only the first
bytes of a slice are read, so that it costs microseconds. Pure."""

from typing import NamedTuple

from broker.media.bits import Bits, unescaped
from broker.media.h264 import IDR
from broker.media.h264_sets import Malformed, PictureParameters, SequenceParameters

P, B, I = range(3)  # noqa: E741
"""Types of slices (table 7-6); above them are the switching slices of the extended profile."""
_HEAD = 40  # bytes of a slice that hold every field that is read
_new = tuple.__new__  # the constructor of a named tuple takes three times as long


class SliceStart(NamedTuple):
    """The fields of a slice that can be read without any parameter set."""

    first_mb: int
    kind: int
    pps: int
    rest: Bits


class PictureKey(NamedTuple):
    """What all slices of one picture have in common (7.4.1.2.4)."""

    idr: bool
    frame: int
    idr_id: int
    order: int
    redundant: int


def is_first(nal: bytes) -> bool:
    """Whether a slice is the first one of a picture: it begins with macroblock 0."""
    return len(nal) > 1 and nal[1] & 0x80 != 0


def slice_start(nal: bytes) -> SliceStart:
    """Return the first fields of a slice. Raises Malformed."""
    bits = Bits(unescaped(nal[1:_HEAD]))
    try:
        first_mb, kind, pps = bits.ues(3)
    except IndexError as error:
        raise Malformed("the slice is cut off") from error
    if kind > 9:
        raise Malformed("a slice of no type")
    return _new(SliceStart, (first_mb, kind % 5, pps, bits))


def picture_key(nal: bytes, start: SliceStart, pps: PictureParameters, sps: SequenceParameters) -> PictureKey:
    """Return what a slice says of its picture, read with its parameter sets, which have to be supported ones: whole
    frames, one colour plane. Raises Malformed."""
    bits, idr = start.rest, nal[0] & 31 == IDR
    try:
        frame = bits.take(sps.frame_bits)
        idr_id = bits.ue() if idr else 0
        order = _order(bits, pps, sps) if sps.order_bits else 0
        redundant = bits.ue() if pps.redundant else 0
        bits.take(1)  # something has to follow
    except IndexError as error:
        raise Malformed("the slice is cut off") from error
    return _new(PictureKey, (idr, frame, idr_id, order, redundant))


def _order(bits: Bits, pps: PictureParameters, sps: SequenceParameters) -> int:
    if sps.order_kind == 0:
        order = bits.take(sps.order_bits)
        if pps.order_delta:
            bits.se()
        return order
    order = bits.se()
    if pps.order_delta:
        bits.se()
    return order
