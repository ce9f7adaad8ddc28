"""Short encoded clips for tests, made once in a process: H.264 pictures as NAL units, Opus packets of 20 ms. The sides
differ in the brightness of the picture and in the pitch of the sound."""

import re
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import av
import numpy as np

KEYINT = "keyint={0}:min-keyint={0}:scenecut=0:repeat-headers=1"
_START_CODE = re.compile(rb"\x00\x00\x00?\x01")


class Coded(NamedTuple):
    """One coded picture: its place in the order of presentation, and its NAL units."""

    number: int
    nals: tuple[bytes, ...]


@cache
def pictures(
    count: int = 90, rate: int = 30, width: int = 320, height: int = 240, shade: int = 90, keyint: int = 30
) -> tuple[tuple[bytes, ...], ...]:
    """Return `count` pictures, each a tuple of NAL units; every `keyint`-th is a keyframe with its parameter sets."""
    return tuple(coded.nals for coded in coded_pictures(KEYINT.format(keyint), count, rate, width, height, shade))


@cache
def coded_pictures(
    params: str,
    count: int = 90,
    rate: int = 30,
    width: int = 320,
    height: int = 240,
    shade: int = 90,
    profile: str = "baseline",
    tune: str = "zerolatency",
) -> tuple[Coded, ...]:
    """Return `count` pictures in the order in which an encoder with these parameters of x264 gives them out."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, rate), Fraction(rate)
    encoder.options = {"preset": "ultrafast", "tune": tune, "profile": profile, "x264-params": params}
    noise = np.random.default_rng(shade).integers(0, 40, (height * 3 // 2, width), dtype=np.uint8)
    packets: list[av.Packet[av.VideoStream]] = []
    for index in range(count):
        image = np.roll(noise, index * 3, axis=1) + np.uint8(shade)
        image[height:] = 128
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return tuple(Coded(packet.pts or 0, _nals(bytes(packet))) for packet in packets)


@cache
def sound(count: int = 150, pitch: int = 440) -> tuple[bytes, ...]:
    """Return `count` Opus packets of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.time_base = Fraction(1, 48_000)
    packets: list[bytes] = []
    for index in range(count):
        time = (np.arange(960) + index * 960) / 48_000
        wave = (np.sin(2 * np.pi * pitch * time) * 8000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, index * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


def _nals(annex_b: bytes) -> tuple[bytes, ...]:
    return tuple(nal for nal in _START_CODE.split(annex_b) if nal)
