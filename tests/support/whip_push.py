"""`python -m tests.support.whip_push URL TOKEN SECONDS [encode|damaged]`: WHIP client of another project. FFmpeg's
`whip` muxer, by PyAV, publishes a small film in real time. It is a process of its own, as the muxer blocks the
interpreter while it waits.

Its only option is the token, so it makes its own certificate, with GnuTLS (PyAV's wheels) on curve P-224. By default
the film is encoded first and then copied packet by packet, so that the offer describes what an ordinary file holds
(profile-level-id 4240xx). With `encode` it is encoded on the way, and the offer repeats the "Baseline" of the encoder's
options (4200xx). With `damaged` every slice is noise behind its head, as of a faulty encoder."""

import io
import random
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

RATE, SIZE, PITCH = 25, (320, 240), 440


def clip(seconds: float, keyint: int = RATE) -> io.BytesIO:
    """Return H.264 constrained baseline and Opus in Matroska: a gradient that moves, and one tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        for packet in _encoded(container, seconds, keyint):
            container.mux(packet)
    buffer.seek(0)
    return buffer


def _encoded(container: OutputContainer, seconds: float, keyint: int) -> Iterator["av.Packet[Any]"]:
    video = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "tune": "zerolatency"})
    video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
    video.codec_context.profile = "Baseline"
    video.codec_context.gop_size = keyint
    audio = container.add_stream("libopus", rate=48_000)
    gradient = np.tile(np.arange(SIZE[0], dtype=np.uint8), (SIZE[1] * 3 // 2, 1))
    for number in range(int(seconds * RATE)):
        picture = av.VideoFrame.from_ndarray(np.roll(gradient, number * 2, axis=1), format="yuv420p")
        picture.pts, picture.time_base = number, Fraction(1, RATE)
        yield from video.encode(picture)
        for part in range(number * 2, number * 2 + 2):
            yield from audio.encode(_tone(part))
    yield from video.encode(None)
    yield from audio.encode(None)


def _tone(part: int) -> av.AudioFrame:
    at = np.arange(part * 960, part * 960 + 960) * (2 * np.pi * PITCH / 48_000)
    frame = av.AudioFrame.from_ndarray((np.sin(at) * 8000).astype(np.int16)[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, part * 960, Fraction(1, 48_000)
    return frame


def push(url: str, token: str, seconds: float, encode: bool, damaged: bool = False) -> None:
    """Publish for `seconds`, at the speed of the clip's own time."""
    with av.open(url, "w", format="whip", options={"authorization": token}) as whip:
        started = time.monotonic()
        for packet in _encoded(whip, seconds, RATE) if encode else _copied(whip, clip(seconds), damaged):
            if packet.dts is not None and packet.time_base is not None:
                time.sleep(max(0.0, started + float(packet.dts * packet.time_base) - time.monotonic()))
                whip.mux(packet)


def _copied(whip: OutputContainer, file: io.BytesIO, damaged: bool) -> Iterator["av.Packet[Any]"]:
    with av.open(file, "r") as source:
        ways = {stream.index: whip.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            copied = _noisy(packet) if damaged and packet.size and packet.stream.type == "video" else packet
            copied.stream = ways[packet.stream.index]
            yield copied


def _noisy(packet: "av.Packet[Any]") -> "av.Packet[Any]":
    data, at, units = bytes(packet), 0, b""
    while at + 4 < len(data):  # each unit stands after its length in four bytes
        end = at + 4 + int.from_bytes(data[at : at + 4])
        head = end if data[at + 4] & 31 > 5 else min(at + 24, end)
        units += data[at:head] + random.Random(at).randbytes(end - head)
        at = end
    noisy: av.Packet[Any] = av.Packet(units)
    noisy.pts, noisy.dts, noisy.duration, noisy.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    noisy.is_keyframe = packet.is_keyframe
    return noisy


if __name__ == "__main__":
    push(sys.argv[1], sys.argv[2], float(sys.argv[3]), "encode" in sys.argv[4:], "damaged" in sys.argv[4:])
