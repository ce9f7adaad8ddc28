"""Pictures and sound that carry their identity: each picture its number (huijian.demo.synthetic.frame_code), each
second of sound its own (huijian.demo.synthetic.voice). They are encoded once in a process, and small: half an hour
takes a second."""

import re
from fractions import Fraction
from functools import cache

import av
import numpy as np

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import FrameCode, draw
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.media.frames import RATE

PICTURES = 4
"""Pictures a second; every one is a keyframe and fits into one RTP packet."""
PACKET = 2880
"""Samples of one Opus packet: 60 ms, the longest that is one frame of the codec's speech mode (RFC 6716 2.1.4)."""
LOOP = 48
"""Seconds after which the sound begins again, a divisor of the pilot's 256 and a multiple of a packet's length."""

_START_CODE = re.compile(rb"\x00\x00\x00?\x01")


@cache
def pictures(
    side: Side, count: int, size: tuple[int, int] = (128, 96), first: int = 0
) -> tuple[tuple[bytes, ...], ...]:
    """Return the pictures `first` to `first + count - 1`, each a tuple of NAL units."""
    width, height = size
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, PICTURES), Fraction(PICTURES)
    params = "keyint=1:scenecut=0:repeat-headers=1:threads=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "x264-params": params}
    frame = np.full((height * 3 // 2, width), 128, np.uint8)
    units: list[tuple[bytes, ...]] = []
    for index in range(count):
        draw(frame[:height], FrameCode(side, first + index))
        picture = av.VideoFrame.from_ndarray(frame, format="yuv420p")
        picture.pts = index
        units += [tuple(nal for nal in _START_CODE.split(bytes(packet)) if nal) for packet in encoder.encode(picture)]
    return tuple(units)


@cache
def sound(side: Side, packet: int = PACKET) -> tuple[bytes, ...]:
    """Return LOOP seconds of the side's voice as Opus packets of `packet` samples."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE, "mono", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, RATE), 48_000
    encoder.options = {"frame_duration": str(packet * 1000 // RATE), "compression_level": "1", "vbr": "on"}
    voice, packets = SyntheticVoice(side), []
    for start in range(0, LOOP * RATE, packet):
        frame = av.AudioFrame.from_ndarray(voice.samples(start, packet)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        packets += [bytes(encoded) for encoded in encoder.encode(frame)]
    return tuple(packets)
