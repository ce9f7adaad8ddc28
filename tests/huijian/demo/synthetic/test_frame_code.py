"""Tests of the frame codes in pictures, which survive the kiosk's H.264 and scaling."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.ids import Side
from huijian.demo.synthetic.frame_code import NUMBERS, FrameCode, code_in, draw
from huijian.demo.synthetic.sources import GeneratedVideo
from kiosk_agent.media.frames import luma
from kiosk_agent.media.source import SourceClock
from kiosk_agent.webrtc import aiortc_adapter


class TestFrameCode:
    """The frame code in pictures, as drawn and as read."""

    @given(st.sampled_from(list(Side)), st.integers(0, NUMBERS - 1))
    def test_a_drawn_code_is_read(self, side: Side, number: int) -> None:
        picture = np.full((180, 320), 90, np.uint8)
        draw(picture, FrameCode(side, number))
        assert code_in(picture) == FrameCode(side, number)
        assert code_in(np.repeat(picture[:, :, None], 3, axis=2)) == FrameCode(side, number)

    @given(st.integers(0, NUMBERS - 1), st.integers(0, 31), st.integers(1, 6))
    def test_damaged_blocks_are_never_read_as_another_number(self, number: int, first: int, count: int) -> None:
        picture = np.zeros((180, 320), np.uint8)
        draw(picture, FrameCode(Side.PRISON, number))
        picture[:, first * 10 : (first + count) * 10] = 255 - picture[:, first * 10 : (first + count) * 10]
        assert code_in(picture) is None

    @pytest.mark.parametrize("level", [0, 16, 128, 255])
    def test_a_plain_picture_has_none(self, level: int) -> None:
        assert code_in(np.full((360, 640), level, np.uint8)) is None

    def test_noise_and_tiny_pictures_have_none(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (360, 640), dtype=np.uint8)
        assert code_in(noise) is None
        assert code_in(noise[:8, :16]) is None

    @pytest.mark.parametrize("rate", [aiortc_adapter.FLOOR, aiortc_adapter.CEILING])
    def test_every_frame_is_recognised_after_the_kiosks_encoder(self, rate: int) -> None:
        room, encoder = GeneratedVideo(Side.PRISON, SourceClock()), aiortc_adapter.KioskH264Encoder()
        encoder.target_bitrate = rate
        decoder = av.CodecContext.create("h264", "r")
        read: list[FrameCode | None] = []
        for number in range(60):
            units = encoder._encode_frame(_timed(room, number), force_keyframe=number == 30)
            packet = av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units))
            read += [code_in(luma(each)) for each in decoder.decode(packet)]
        read += [code_in(luma(each)) for each in decoder.decode(None)]
        assert read == [FrameCode(Side.PRISON, number) for number in range(60)]

    def test_it_is_read_from_a_smaller_copy(self) -> None:
        frame = _timed(GeneratedVideo(Side.VISITOR, SourceClock()), 4711)
        assert code_in(luma(frame.reformat(width=320, height=180))) == FrameCode(Side.VISITOR, 4711)


def _timed(room: GeneratedVideo, number: int) -> VideoFrame:
    frame = VideoFrame.from_ndarray(room.picture(number), format="yuv420p")
    frame.pts, frame.time_base = number * 3600, Fraction(1, 90_000)
    return frame
