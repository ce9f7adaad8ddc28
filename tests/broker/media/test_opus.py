"""Opus packets: their duration (RFC 6716, section 3.1), and silence of a given length."""

import sys

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media import opus
from tests.support import clips


class TestDuration:
    @pytest.mark.parametrize(
        ("packet", "samples"),
        [
            (bytes([0 << 3]), 480),  # SILK, 10 ms
            (bytes([3 << 3]), 2880),  # SILK, 60 ms
            (bytes([12 << 3]), 480),  # hybrid, 10 ms
            (bytes([15 << 3]), 960),  # hybrid, 20 ms
            (bytes([16 << 3]), 120),  # CELT, 2.5 ms
            (bytes([31 << 3]), 960),  # CELT, 20 ms
            (bytes([31 << 3 | 1]), 1920),  # two frames
            (bytes([31 << 3 | 3, 6]), 5760),  # six frames, the longest packet there is
        ],
    )
    def test_follows_the_toc_byte(self, packet: bytes, samples: int) -> None:
        assert opus.duration(packet) == samples

    @pytest.mark.parametrize("packet", [b"", bytes([31 << 3 | 3]), bytes([31 << 3 | 3, 0]), bytes([31 << 3 | 3, 7])])
    def test_bytes_that_are_no_packet_have_none(self, packet: bytes) -> None:
        assert opus.duration(packet) is None

    def test_agrees_with_an_encoder(self) -> None:
        assert {opus.duration(packet) for packet in clips.sound(10)} == {960}

    @given(st.binary(max_size=10))
    def test_arbitrary_bytes_never_raise(self, data: bytes) -> None:
        samples = opus.duration(data)
        assert samples is None or 0 < samples <= opus.LONGEST


class TestSilence:
    @given(st.integers(0, 200_000))
    def test_lasts_as_long_as_asked_for_within_two_and_a_half_milliseconds(self, samples: int) -> None:
        packets = list(opus.silence(samples))
        assert all(opus.duration(data) == size for size, data in packets)
        assert 0 <= samples - sum(size for size, _ in packets) < 120

    def test_of_any_length_takes_no_memory(self) -> None:
        assert sys.getsizeof(opus.silence(10**15)) < 500

    def test_is_silent(self) -> None:
        decoder = av.CodecContext.create("libopus", "r")
        for size, data in opus.silence(960 + 480 + 240 + 120):
            for frame in decoder.decode(av.Packet(data)):
                assert frame.samples == size
                assert not np.any(frame.to_ndarray())
