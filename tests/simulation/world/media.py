"""What rooms send: tiny real pictures, and sound whose packets carry a number by which they are found again in any
file, whatever its format."""

import re
import struct
from fractions import Fraction
from functools import cache

import av
import numpy as np

from tests.support.rtp import packetise

PICTURE_TYPE, SOUND_TYPE = 96, 111
STEP = 0.12
"""Seconds of sound in a packet (RFC 6716: 120 ms are two frames of 60 ms), and between two looks of a room."""
PICTURES = 2
"""A picture goes with each so-manieth packet of sound: about four a second."""
KEYFRAMES = 4
"""Every so-manieth picture is a keyframe."""
ORPHAN = b"\x41\x98\x40\xff\xff\xff"
"""A slice (H.264 7.3.3: first macroblock 0, type 5) under the picture parameter set 7, which was never sent."""
_TWO_FRAMES_OF_60_MS = 0x19
_MAGIC = b"\xa5HJ\x5a"
_SOUND = struct.Struct("!B4sHBIB")
_FOUND = re.compile(re.escape(_MAGIC) + rb"(..)(.)(....)", re.DOTALL)


@cache
def pictures() -> tuple[list[bytes], list[list[bytes]]]:
    """Return the RTP payloads of a keyframe, with its parameter sets, and those of the pictures that may follow it."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 160, 96, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 4), Fraction(4)
    params = f"keyint={KEYFRAMES}:min-keyint={KEYFRAMES}:scenecut=0:repeat-headers=1:threads=1"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "x264-params": params}
    units: list[list[bytes]] = []
    for index in range(KEYFRAMES):
        frame = av.VideoFrame.from_ndarray(np.full((144, 160), 100 + index, dtype=np.uint8), format="yuv420p")
        frame.pts = index
        for packet in encoder.encode(frame):
            nals = [nal for nal in re.split(rb"\x00\x00\x00?\x01", bytes(packet)) if nal]
            units.append(packetise([nal for nal in nals if nal[0] & 31 != 6]))
    return units[0], units[1:]


def sound(visit: int, side: int, number: int) -> bytes:
    """Return an Opus packet that names its visit, side (0, 1) and number."""
    return _SOUND.pack(_TWO_FRAMES_OF_60_MS, _MAGIC, visit, side, number, 0)


def sounds_in(data: bytes) -> set[tuple[int, int, int]]:
    """Return (visit, side, number) of all sound packets in a file's bytes."""
    return {
        (int.from_bytes(visit), int.from_bytes(side), int.from_bytes(number))
        for visit, side, number in _FOUND.findall(data)
    }


def sound_of(datagram: bytes) -> tuple[int, int, int] | None:
    """Return (visit, side, number) of a sound packet as it reached the far room; None for a picture."""
    if datagram[1] & 127 != SOUND_TYPE:
        return None
    found = _FOUND.search(datagram)
    assert found is not None
    return int.from_bytes(found[1]), int.from_bytes(found[2]), int.from_bytes(found[3])


class Source:
    """The streams of one room: sequence numbers and stamps go on as long as the connection does."""

    def __init__(self, visit: int, side: int, ssrc: int) -> None:
        self._visit, self._side, self._ssrc = visit, side, ssrc
        self._sequence = [1000, 2000]
        self._pictures = 0
        self.number = 0
        self.garbled = False
        """Whether pictures come whose parameter set was never sent: no player can show them."""

    def next(self, now: float, start: float) -> list[bytes]:
        """Return the datagrams of this step."""
        self.number += 1
        found = [self._packet(1, sound(self._visit, self._side, self.number), int((now - start) * 48_000), False)]
        if self.number % PICTURES == 0:
            key, others = pictures()
            payloads = (
                [ORPHAN]
                if self.garbled
                else key
                if self._pictures % KEYFRAMES == 0
                else others[self._pictures % KEYFRAMES - 1]
            )
            self._pictures += 1
            stamp = int((now - start) * 90_000)
            found += [self._packet(0, data, stamp, data is payloads[-1]) for data in payloads]
        return found

    def reconnect(self, ssrc: int) -> None:
        """Begin anew: new streams, with a keyframe first."""
        self._ssrc, self._pictures = ssrc, 0

    def _packet(self, kind: int, payload: bytes, stamp: int, marker: bool) -> bytes:
        number = self._sequence[kind] = (self._sequence[kind] + 1) & 0xFFFF
        second = (SOUND_TYPE if kind else PICTURE_TYPE) | (0x80 if marker else 0)
        return struct.pack("!BBHII", 0x80, second, number, stamp & 0xFFFFFFFF, self._ssrc + kind) + payload
