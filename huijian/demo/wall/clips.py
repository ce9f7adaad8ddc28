"""Clips: the picture and the sound of a simulated room, encoded once and sent in a loop. A machine of two cores cannot
encode eighteen rooms while it shows them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import av
import cv2
import numpy as np
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from broker.kernel.ids import Side
from huijian.demo.synthetic.voice import SyntheticVoice
from kiosk_agent.media.frames import AUDIO_BASE, RATE, VIDEO_BASE, Frame, sound_frame
from kiosk_agent.media.source import FramePacer, RoomSources, Source, SourceClock

SIZE, FPS, SECONDS = (480, 270), 6, 4
SOUND = 5760
"""Samples of one packet of sound: 120 ms (RFC 6716 3.2.5), so that a room's sound takes eight packets a second."""
_BITS = 16_000  # bit/s of the sound
_WALLS = [(196, 187, 174), (181, 189, 180), (200, 188, 185), (190, 185, 169)]  # blue, green, red
_CLOTHES = {
    Side.PRISON: [(143, 106, 77), (127, 97, 72)],
    Side.VISITOR: [(84, 75, 138), (90, 122, 93), (70, 116, 140)],
}
_SKIN, _HAIR, _TABLE = (140, 176, 217), (34, 38, 43), (69, 90, 111)
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Clip:
    """Encoded packets that are repeated for ever, each `ticks` of `base` long."""

    packets: tuple[bytes, ...]
    ticks: int
    base: Fraction

    def packet(self, number: int) -> "av.Packet[Any]":
        """Return packet `number` of the endless repetition."""
        packet = av.Packet(self.packets[number % len(self.packets)])
        packet.pts, packet.time_base = number * self.ticks, self.base
        return packet


class ClipSource(Source):
    """Source of a clip's packets, at the clip's own pace."""

    def __init__(self, kind: str, clip: Clip, clock: SourceClock) -> None:
        self.kind, self._clip = kind, clip
        self._pacer = FramePacer(clock, float(clip.ticks * clip.base), patience=0.5)

    async def _next(self) -> Frame:
        packet = self._clip.packet(await self._pacer.next())
        return cast(Frame, packet)  # a sender takes packets as well, and does not encode them again


def clip_sources(picture: Clip, sound: Clip) -> RoomSources:
    """Return the sources of a room that sends these clips."""
    clock = SourceClock()
    return RoomSources(ClipSource("video", picture, clock), ClipSource("audio", sound, clock), clock)


def picture_clip(side: Side, number: int, people: int) -> Clip:
    """Return the picture of a room: `number` chooses its colours, `people` sit in it."""
    codec = cast(Any, av.CodecContext.create("libx264", "w"))
    codec.width, codec.height = SIZE
    codec.pix_fmt, codec.profile, codec.thread_count = "yuv420p", "Baseline", 1
    codec.framerate, codec.time_base = Fraction(FPS), Fraction(1, FPS)
    # A key frame each second: a viewer who begins to watch waits for no longer.
    codec.options = {"preset": "veryfast", "tune": "zerolatency", "crf": "30", "g": str(FPS), "sc_threshold": "0"}
    codec.open()
    packets = []
    for at in range(FPS * SECONDS):
        planes = cast(Image, cv2.cvtColor(_drawn(side, number, people, at), cv2.COLOR_BGR2YUV_I420))
        frame = VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = at, Fraction(1, FPS)
        packets += [bytes(packet) for packet in codec.encode(frame)]
    packets += [bytes(packet) for packet in codec.encode(None)]
    return Clip(tuple(packets), VIDEO_BASE.denominator // FPS, VIDEO_BASE)


def sound_clip(side: Side) -> Clip:
    """Return the voice of a side."""
    codec = cast(Any, av.CodecContext.create("libopus", "w"))
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = RATE, "mono", "s16", _BITS
    codec.options = {"frame_duration": str(SOUND * 1000 // RATE), "application": "voip"}
    codec.open()
    voice, packets = SyntheticVoice(side), []
    for first in range(0, RATE * 12, SOUND):  # twelve seconds are whole packets and whole sentences of the voice
        packets += [bytes(packet) for packet in codec.encode(_spoken(voice, first))]
    return Clip(tuple(packets), SOUND, AUDIO_BASE)


def _spoken(voice: SyntheticVoice, first: int) -> AudioFrame:
    return sound_frame(voice.samples(first, SOUND), first)


def _drawn(side: Side, number: int, people: int, at: int) -> Image:
    """Return one picture of a room as BGR: a wall, a notice on it, people who breathe and talk behind a table, and a
    bar that walks along the edge, by which a person sees that the picture moves."""
    width, height = SIZE
    image: Image = np.full((height, width, 3), _WALLS[number % len(_WALLS)], np.uint8)
    left = width // 12 if side is Side.PRISON else width * 3 // 4
    cv2.rectangle(image, (left, height // 8), (left + width // 6, height // 3), (232, 241, 244), -1)
    cv2.rectangle(image, (0, height * 2 // 3), (width, height), (150, 150, 150), -1)
    for seat in range(people):
        turn = 2 * np.pi * (at / (FPS * SECONDS) + seat / 3)
        _sit(image, width * (seat + 1) // (people + 1), side, number + seat, float(turn))
    cv2.rectangle(image, (0, height * 7 // 8), (width, height), _TABLE, -1)
    walked = width * at // (FPS * SECONDS)
    cv2.rectangle(image, (walked, height - 6), (walked + width // 16, height), (230, 230, 230), -1)
    return image


def _sit(image: Image, middle: int, side: Side, kind: int, turn: float) -> None:
    """Draw a person: shoulders, neck, head with hair, eyes, and a mouth that opens and shuts."""
    unit = SIZE[1] // 18
    x, y = middle + round(3 * np.sin(turn)), SIZE[1] // 2 + round(2 * np.cos(turn))
    clothes = _CLOTHES[side][kind % len(_CLOTHES[side])]
    cv2.ellipse(image, (x, y + 7 * unit), (5 * unit, 5 * unit), 0, 180, 360, clothes, -1)
    cv2.rectangle(image, (x - unit, y + unit), (x + unit, y + 3 * unit), _SKIN, -1)
    cv2.ellipse(image, (x, y - unit // 2), (round(2.6 * unit), 3 * unit), 0, 0, 360, _HAIR, -1)
    cv2.ellipse(image, (x, y), (2 * unit, round(2.6 * unit)), 0, 0, 360, _SKIN, -1)
    for eye in (-1, 1):
        cv2.circle(image, (x + eye * unit * 4 // 5, y - unit // 3), 2, (40, 40, 40), -1)
    opened = 1 + round(3 * abs(np.sin(4 * turn)))
    cv2.ellipse(image, (x, y + round(1.3 * unit)), (unit // 2, opened), 0, 0, 360, (70, 70, 120), -1)
