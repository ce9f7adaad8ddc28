"""Reads the codes in a film: which picture is shown when, and which second of the voice sounds when."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from broker.kernel.ids import Side
from broker.media.tap_format import TRACK_TITLES
from huijian.demo.synthetic.frame_code import code_in
from huijian.demo.synthetic.voice import SECONDS, SyntheticVoice
from huijian.demo.synthetic.voice_detector import marks_in
from kiosk_agent.media.frames import RATE

Sound = NDArray[np.float32]


class Shown(NamedTuple):
    """A picture: film second, number, side and size."""

    at: float
    number: int | None
    side: Side | None
    size: tuple[int, int]


class Film:
    """The packets of a film, read once and decoded on demand."""

    def __init__(self, path: Path) -> None:
        self._packets: list[list[tuple[float, bytes]]] = [[] for _ in TRACK_TITLES]
        with av.open(str(path)) as container:
            self._heads = [stream.codec_context.extradata for stream in container.streams]
            for packet in container.demux():
                if packet.pts is not None and packet.size:
                    found = (float(packet.pts * packet.time_base), bytes(packet))
                    self._packets[packet.stream_index].append(found)

    def pictures(self, side: Side) -> list[Shown]:
        """Return every picture of a side."""
        track = TRACK_TITLES.index(f"{side.value} video")
        decoder = av.CodecContext.create("h264", "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata, decoder.thread_count = self._heads[track], 1
        shown: list[Shown] = []
        for number, (_, data) in enumerate(self._packets[track]):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            shown += [self._shown(track, frame) for frame in decoder.decode(packet)]
        return shown + [self._shown(track, frame) for frame in decoder.decode(None)]

    def _shown(self, track: int, frame: av.VideoFrame) -> Shown:
        luma = luma_of(frame)
        code = code_in(luma)
        at, size = self._packets[track][frame.pts or 0][0], (frame.width, frame.height)
        return Shown(at, code and code.number, code and code.side, size)

    def sound(self, side: Side, start: float, end: float) -> tuple[float, Sound]:
        """Return the exact beginning and the mono samples of a side from about `start` to `end`."""
        track = TRACK_TITLES.index(f"{side.value} audio")
        decoder = av.CodecContext.create("opus", "r")
        assert isinstance(decoder, av.AudioCodecContext)
        decoder.extradata = self._heads[track]
        pieces: list[Sound] = []
        chosen = [(at, data) for at, data in self._packets[track] if start <= at < end]
        for _, data in chosen:
            pieces += [frame.to_ndarray()[0].astype(np.float32) for frame in decoder.decode(av.Packet(data))]
        return chosen[0][0], np.concatenate(pieces)

    def marks(self, side: Side, start: float, end: float) -> list[tuple[float, int]]:
        """Return film second and spoken second of a side's marks between `start` and `end`."""
        begin, samples = self.sound(side, start, end)
        return [(begin + mark.at, mark.second) for mark in marks_in(samples) if mark.side is side]


def luma_of(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the luma plane of a decoded yuv420p picture, without a conversion."""
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def nearest(number: int, about: float, wrap: int = SECONDS) -> int:
    """Return the number that is `number` modulo `wrap` and nearest to `about`."""
    return number + wrap * round((about - number) / wrap)


def likeness(heard: Sound, side: Side, begin: float, reach: float = 0.5) -> tuple[float, float]:
    """Return how much `heard` is like the side's voice (0 to 1), and how many seconds (within `reach`) it is later than
    the voice from second `begin`, by normalised cross-correlation."""
    pad = int(reach * RATE)
    start = round(begin * RATE) - pad
    spoken = SyntheticVoice(side).samples(start, len(heard) + 2 * pad).astype(np.float64) / 32768
    size = 1 << (len(spoken) + len(heard)).bit_length()
    both = np.fft.irfft(np.fft.rfft(spoken, size) * np.conj(np.fft.rfft(heard, size)), size)[: 2 * pad + 1]
    power = np.concatenate(([0.0], np.cumsum(spoken**2)))
    norms = np.sqrt((power[len(heard) :] - power[: -len(heard)])[: 2 * pad + 1] * float(np.sum(heard**2)))
    found = both / np.maximum(norms, 1e-9)
    best = int(np.argmax(found))
    return float(found[best]), (pad - best) / RATE


def middle(values: Sequence[float]) -> float:
    """Return the median of the values."""
    return float(np.median(values))
