"""The media of the load: 720p H.264 of about 1.57 Mbit/s in some 185 packets a second, and Opus in 50. They are encoded
once on a machine and kept in a cache folder.

At an even pace, packets leave at 2.5 times the mean rate. In bursts, those of a picture leave GAP after each other, as
Chromium sends them (`tests.bench.senders` records it); its fragments are of one size, or some are a byte longer."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FPS, KEYFRAME_EVERY, SECONDS = 1280, 720, 30, 60, 10
BITRATE, PACE = 1_570_000, 2.5
MAX_PAYLOAD = 1172  # bytes; packets of about 1.1 kB, as browsers send them
GAP = 0.00006  # seconds between packets of a picture, of which six leave in 0.3 ms (median)
HEADERS = 50  # bytes that a pacer counts on top of each payload
OPUS_BYTES = 100  # payload of one packet of 20 ms at 40 kbit/s
START_CODE = re.compile(rb"\x00\x00\x00?\x01")
FU_A, DELIMITER, SEI = 28, 9, 6
VERSION = 3  # of the clips; a new number has them encoded again


class Pace(StrEnum):
    """How the packets of a picture are spread."""

    EVEN = "even"
    BURSTS = "bursts"


@dataclass(frozen=True, slots=True)
class Clip:
    """Packets to send in a loop: payloads back to back, and for each its offset, moment (ns), RTP timestamp, marker.
    `frame` and `keyframe` are the ticks between two of them, 0 for sound."""

    data: bytes
    offset: np.ndarray
    length: np.ndarray
    at: np.ndarray
    timestamp: np.ndarray
    marker: np.ndarray
    duration: int
    ticks: int
    frame: int = 0
    keyframe: int = 0


def clips(pace: Pace) -> tuple[Clip, Clip]:
    """Return video and audio, from the cache where it has them."""
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "huijian-bench"
    folder.mkdir(parents=True, exist_ok=True)
    video = _cached(folder / f"video-{pace}-{VERSION}.npz", partial(_video, pace))
    video = replace(video, frame=90_000 // FPS, keyframe=KEYFRAME_EVERY * 90_000 // FPS)
    return video, _cached(folder / f"audio-{VERSION}.npz", _audio)


Packet = tuple[float, int, bool, bytes]  # seconds from the beginning, RTP time, marker, payload


def _cached(path: Path, make: Callable[[], tuple[list[Packet], float, int]]) -> Clip:
    if not path.exists():
        packets, seconds, ticks = make()
        half_done = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(
            half_done,
            data=np.frombuffer(b"".join(packet[3] for packet in packets), np.uint8),
            length=np.array([len(packet[3]) for packet in packets], np.int32),
            at=np.array([packet[0] * 1e9 for packet in packets], np.int64),
            timestamp=np.array([packet[1] for packet in packets], np.uint32),
            marker=np.array([packet[2] for packet in packets], np.uint8),
            whole=np.array([seconds * 1e9, ticks], np.int64),
        )
        half_done.rename(path)
    with np.load(path) as kept:
        length = kept["length"]
        offset = np.concatenate(([0], np.cumsum(length)[:-1])).astype(np.int32)
        duration, ticks = (int(value) for value in kept["whole"])
        return Clip(
            kept["data"].tobytes(), offset, length, kept["at"], kept["timestamp"], kept["marker"], duration, ticks
        )


def _video(pace: Pace) -> tuple[list[Packet], float, int]:
    return planned(_pictures(), pace), SECONDS, SECONDS * 90_000


def planned(pictures: Iterable[list[bytes]], pace: Pace) -> list[Packet]:
    """Return the packets of pictures, each given as its NAL units, and when they leave."""
    packets: list[Packet] = []
    rate, free = PACE * BITRATE / 8, 0.0
    for index, nals in enumerate(pictures):
        payloads = [payload for nal in nals for payload in _fragments(nal)]
        moment = max(index / FPS, free)
        for payload in payloads:
            packets.append((moment, index * 90_000 // FPS, payload is payloads[-1], payload))
            moment += GAP if pace is Pace.BURSTS else (len(payload) + HEADERS) / rate
        free = moment
    return packets


def _pictures() -> Iterator[list[bytes]]:
    """Yield the NAL units of each picture: moving bars under noise, which need the whole bitrate."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate = BITRATE
    rate = f"vbv-maxrate={BITRATE // 1000}:vbv-bufsize={BITRATE // 1000}"
    params = f"keyint={KEYFRAME_EVERY}:scenecut=0:repeat-headers=1:sliced-threads=0:{rate}"
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "profile": "baseline", "x264-params": params}
    random = np.random.default_rng(1)
    bars = np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))
    for index in range(SECONDS * FPS):
        image = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        noise = random.integers(0, 24, (HEIGHT, WIDTH), dtype=np.uint8)
        image[:HEIGHT] = np.roll(bars, index * 4, axis=1) // 2 + noise + 40
        frame = av.VideoFrame.from_ndarray(image, format="yuv420p")
        frame.pts = index
        for packet in encoder.encode(frame):
            nals = [nal for nal in START_CODE.split(bytes(packet)) if nal]
            yield [nal for nal in nals if nal[0] & 31 not in (DELIMITER, SEI)]


def _fragments(nal: bytes) -> list[bytes]:
    """Return a NAL unit as RTP payloads (RFC 6184, packetization-mode 1), split like Chromium does it."""
    if len(nal) <= MAX_PAYLOAD:
        return [nal]
    head, body = nal[0], nal[1:]
    count = -(-len(body) // (MAX_PAYLOAD - 2))
    size, longer = divmod(len(body), count)
    ends = [size * (index + 1) + max(0, index + 1 + longer - count) for index in range(count)]
    parts = [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    marks = [0x80, *[0] * (len(parts) - 2), 0x40]
    return [bytes([head & 0x60 | FU_A, head & 31 | mark]) + part for mark, part in zip(marks, parts, strict=True)]


def _audio() -> tuple[list[Packet], float, int]:
    """Return packets that look like Opus: a valid first byte (CELT, 20 ms, stereo), then random bytes to compare."""
    random = np.random.default_rng(2)
    packets: list[Packet] = []
    for index in range(SECONDS * 50):
        payload = b"\xfc" + random.bytes(OPUS_BYTES - 1)
        packets.append((index / 50, index * 960, index == 0, payload))
    return packets, SECONDS, SECONDS * 48_000
