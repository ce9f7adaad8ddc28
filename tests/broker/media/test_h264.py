"""H.264 as bytes: parameter sets, keyframes in RTP payloads, samples of an MP4."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.h264 import (
    IDR,
    MAX_UNITS,
    PPS,
    SPS,
    has_keyframe,
    is_whole_sample,
    keyframe_start,
    parameter_sets,
    pixels,
    sample_of,
    split_aggregate,
)
from tests.support.clips import pictures
from tests.support.rtp import Stream, packetise, sequence_parameter_set

HEAD = struct.pack("!BBHII", 0x80, 96, 1, 2, 3)


def stap_a(*kinds: int) -> bytes:
    """Return an RTP packet with a STAP-A of units of these types."""
    return HEAD + bytes([24]) + b"".join(struct.pack("!HB", 3, 0x60 | kind) + b"xx" for kind in kinds)


class TestPixels:
    """The size of the picture is read from the packet that its keyframe begins with."""

    @pytest.mark.parametrize("size", [(16, 16), (320, 192), (1280, 720), (1920, 1088)])
    def test_is_read_from_its_keyframe(self, size: tuple[int, int]) -> None:
        head, alone = bytes(12), sequence_parameter_set(*size)
        together = b"\x78" + b"".join(len(nal).to_bytes(2) + nal for nal in (b"\x09\x10", alone, b"\x68\xce"))
        for payload in (alone, together):
            assert pixels(b"\x80" + head[1:] + payload) == size[0] * size[1]

    @pytest.mark.parametrize(
        "payload", [b"", b"\x67", b"\x67\x42\xe0\x1f\xff", b"\x78", b"\x78\x00\x09\x67", b"\x65\x88"]
    )
    def test_is_zero_without_a_valid_set(self, payload: bytes) -> None:
        assert pixels(b"\x80" + bytes(11) + payload) == 0


class TestKeyframeStart:
    """A keyframe is seen in the packet that it begins with (RFC 6184), and in no other one."""

    def test_with_its_parameter_sets_alone_in_a_packet(self) -> None:
        assert keyframe_start(HEAD + b"\x67xyz") == SPS

    def test_with_a_bare_slice(self) -> None:
        assert keyframe_start(HEAD + b"\x65xyz") == IDR

    def test_with_parameter_sets_and_slice_aggregated(self) -> None:
        assert keyframe_start(stap_a(7, 8, 5)) == SPS
        assert keyframe_start(stap_a(9, 7, 8)) == SPS
        assert keyframe_start(stap_a(6, 5)) == IDR

    def test_with_the_first_fragment_of_a_large_slice(self) -> None:
        assert keyframe_start(HEAD + bytes([0x7C, 0x80 | 5]) + b"xyz") == IDR

    def test_not_with_a_later_fragment_of_it(self) -> None:
        assert keyframe_start(HEAD + bytes([0x7C, 5]) + b"xyz") == 0
        assert keyframe_start(HEAD + bytes([0x7C, 0x40 | 5]) + b"xyz") == 0

    def test_not_with_an_ordinary_picture(self) -> None:
        assert keyframe_start(HEAD + b"\x41xyz") == 0
        assert keyframe_start(HEAD + bytes([0x7C, 0x80 | 1]) + b"xyz") == 0
        assert keyframe_start(stap_a(9, 1)) == 0

    def test_also_behind_a_header_extension_and_csrcs(self) -> None:
        packet = Stream(90_000, extension=b"abcd", csrcs=(1, 2)).packet(b"\x67xyz", 0)
        assert keyframe_start(packet) == SPS

    def test_once_for_each_keyframe_of_a_real_stream_however_it_is_packed(self) -> None:
        for aggregate in (True, False):
            signs = []
            for picture in pictures(count=61, keyint=30):
                found = [keyframe_start(HEAD + payload) for payload in packetise(picture, aggregate=aggregate)]
                signs.append(SPS in found)
            assert [number for number, sign in enumerate(signs) if sign] == [0, 30, 60]

    @given(st.binary(min_size=12, max_size=60))
    def test_never_raises_for_any_packet(self, packet: bytes) -> None:
        assert keyframe_start(packet) in (0, IDR, SPS)

    @given(st.binary(max_size=40))
    def test_never_raises_on_a_broken_aggregate(self, rest: bytes) -> None:
        assert keyframe_start(HEAD + bytes([24]) + rest) in (0, IDR, SPS)


class TestAggregates:
    """STAP-A payloads are taken apart as RFC 6184 5.7.1 says."""

    @given(st.lists(st.binary(min_size=1, max_size=40), min_size=1))
    def test_units_come_out_as_they_went_in(self, nals: list[bytes]) -> None:
        payload = b"\x78" + b"".join(struct.pack("!H", len(nal)) + nal for nal in nals)
        assert split_aggregate(payload) == (nals, True)
        assert split_aggregate(payload[:-1]) == (nals[:-1], False)
        assert split_aggregate(payload + b"\x00") == (nals, False)

    @given(st.binary(max_size=60))
    def test_no_bytes_make_it_raise(self, payload: bytes) -> None:
        nals, _ = split_aggregate(payload)
        assert all(nals)

    def test_an_aggregate_without_units_is_not_whole(self) -> None:
        assert split_aggregate(b"\x78") == ([], False)
        assert split_aggregate(b"\x78\x00\x00x") == ([], False)

    @given(st.lists(st.binary(max_size=5), min_size=1))
    def test_units_without_bytes_are_left_out_and_nothing_is_missing(self, nals: list[bytes]) -> None:
        payload = b"\x78" + b"".join(struct.pack("!H", len(nal)) + nal for nal in nals)
        assert split_aggregate(payload) == ([nal for nal in nals if nal], True)


class TestOfAFullPacket:
    """A publisher chooses how many units it puts into a packet; the relay looks at as many as encoders send."""

    FULL = HEAD + b"\x78" + b"\x00\x02\x68\xce" * 450

    def test_no_more_units_are_looked_at_than_an_encoder_sends(self) -> None:
        assert len(parameter_sets(self.FULL)) == MAX_UNITS

    def test_a_keyframe_behind_them_is_not_looked_for(self) -> None:
        behind = self.FULL + b"\x00\x02\x65\x88"
        assert (keyframe_start(behind), has_keyframe(behind)) == (0, False)
        assert (keyframe_start(stap_a(SPS, PPS, IDR)), has_keyframe(stap_a(SPS, PPS, IDR))) == (SPS, True)

    def test_empty_units_count_too(self) -> None:
        assert parameter_sets(HEAD + b"\x78" + bytes(2 * MAX_UNITS) + b"\x00\x02\x68\xce") == []

    def test_the_recorder_takes_all_of_them(self) -> None:
        assert len(split_aggregate(self.FULL[12:])[0]) == 450


class TestSamples:
    """Samples of an MP4 are written and checked as ISO/IEC 14496-15 5.3.4.2 says."""

    @given(st.lists(st.binary(min_size=1, max_size=60), min_size=1))
    def test_a_sample_that_was_written_is_whole(self, nals: list[bytes]) -> None:
        sample = sample_of(nals)
        assert is_whole_sample(sample)
        assert not is_whole_sample(sample[:-1])

    def test_zeros_are_not_a_whole_sample(self) -> None:
        assert not is_whole_sample(bytes(64))

    def test_parameter_sets_are_units_like_others(self) -> None:
        sps = sequence_parameter_set(320, 240)
        sample = sample_of([sps, b"\x68\xce"])
        assert (sample[4] & 31, sample[8 + len(sps)] & 31) == (SPS, PPS)
