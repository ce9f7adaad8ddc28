"""The placeholder frame, which stands where a side has no picture: black, 640 x 480, one keyframe with its own
parameter sets. It is encoded once in each process; everything else in a recording is what the publishers sent."""

import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import av
import numpy as np

from broker.media.h264 import PPS, SEI, SPS, sample_of
from broker.media.h264_sets import ParameterSets

WIDTH, HEIGHT = 640, 480
_START_CODE = re.compile(rb"\x00\x00\x00?\x01")


class PlaceholderFrame(NamedTuple):
    """The placeholder as one MP4 sample, with its parameter sets."""

    data: bytes
    parameters: ParameterSets


@cache
def placeholder_frame() -> PlaceholderFrame:
    """Return the placeholder frame, which the first call encodes (some milliseconds)."""
    nals = [nal for nal in _START_CODE.split(_encode()) if nal and nal[0] & 0x1F != SEI]
    sets = {nal[0] & 0x1F: nal for nal in nals}
    return PlaceholderFrame(sample_of(nals), ParameterSets((sets[SPS],), (sets[PPS],)))


def _encode() -> bytes:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "threads": "1"}
    black = np.full((HEIGHT * 3 // 2, WIDTH), 16, np.uint8)
    black[HEIGHT:] = 128
    packets = encoder.encode(av.VideoFrame.from_ndarray(black, format="yuv420p")) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)
