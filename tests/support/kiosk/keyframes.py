"""Officers and terminals of tests that decode keyframes alone, for stories about large pictures: six receivers that
decode 1280×720 pixels need more than a machine of tests has, and would count as officers who see nothing."""

from typing import Any

import pytest
from aiortc.codecs import get_decoder
from aiortc.codecs.h264 import H264Decoder
from av import VideoFrame

_BEGINS, _KINDS = b"\x00\x00\x01", (5, 7)
"""Start code before a NAL unit, and the types of those that a keyframe has: its slices, and its size."""


class KeyframeDecoder(H264Decoder):  # type: ignore[misc]
    """Decoder of H.264 that returns the newest keyframe for each picture. Its size is that of the pictures: where that
    changes, a keyframe comes."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: VideoFrame | None = None

    def decode(self, encoded_frame: Any) -> list[VideoFrame]:
        """Return one picture with the stamp of what came; none before the first keyframe."""
        if _is_keyframe(encoded_frame.data):
            self._newest = next(iter(super().decode(encoded_frame)), self._newest)
        if self._newest is None:
            return []
        self._newest.pts = encoded_frame.timestamp
        return [self._newest]


def _is_keyframe(data: bytes) -> bool:
    at = data.find(_BEGINS)
    while at >= 0 and at + 3 < len(data):
        if data[at + 3] & 31 in _KINDS:
            return True
        at = data.find(_BEGINS, at + 3)
    return False


def decode_keyframes(patch: pytest.MonkeyPatch) -> None:
    """Have all receivers of this process decode keyframes alone from now on."""

    def decoder(codec: Any) -> Any:
        return KeyframeDecoder() if codec.mimeType.lower() == "video/h264" else get_decoder(codec)

    patch.setattr("aiortc.rtcrtpreceiver.get_decoder", decoder)
