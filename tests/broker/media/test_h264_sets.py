"""Parameter sets and heads of slices, read as ITU-T H.264 says, and written as ISO/IEC 14496-15 5.3.3 says."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.bits import Bits
from broker.media.h264 import IDR, PPS, SPS
from broker.media.h264_sets import (
    Malformed,
    ParameterSets,
    picture_parameters,
    picture_size,
    sequence_parameters,
    sets_in,
)
from broker.media.h264_slice import B, I, P, is_first, picture_key, slice_start
from tests.support.clips import KEYINT, coded_pictures, pictures
from tests.support.h264 import numbered, ue
from tests.support.rtp import sequence_parameter_set

PROFILES = ["baseline", "main", "high"]


def first_of(nals: tuple[bytes, ...], kind: int) -> bytes:
    return next(nal for nal in nals if nal[0] & 31 == kind)


class TestSequenceParameters:
    @pytest.mark.parametrize("size", [(320, 240), (640, 360), (1280, 720), (1920, 1080)])
    def test_the_size_of_the_picture_is_read(self, size: tuple[int, int]) -> None:
        first = pictures(1, width=size[0], height=size[1])[0]
        assert picture_size(first_of(first, SPS)) == size

    @given(st.binary(max_size=40))
    def test_a_damaged_set_is_malformed(self, data: bytes) -> None:
        try:
            width, height = picture_size(b"\x67" + data)
        except Malformed:
            return
        assert width > 0 and height > 0

    @pytest.mark.parametrize("profile", PROFILES)
    def test_what_players_decode_is_supported(self, profile: str) -> None:
        (coded, *_) = coded_pictures(KEYINT.format(30), 1, profile=profile)
        found = sequence_parameters(first_of(coded.nals, SPS))
        assert found.supported and (found.width, found.height, found.macroblocks) == (320, 240, 300)

    def test_interlaced_pictures_and_sizes_that_no_player_decodes_are_not(self) -> None:
        (coded, *_) = coded_pictures(KEYINT.format(30) + ":interlaced=1", 1, profile="main")
        assert not sequence_parameters(first_of(coded.nals, SPS)).supported
        assert not sequence_parameters(sequence_parameter_set(8192, 8192)).supported


class TestPictureParameters:
    @pytest.mark.parametrize("ids", [(0, 0), (1, 0), (255, 31)])
    def test_ids_are_read(self, ids: tuple[int, int]) -> None:
        nals = numbered(pictures()[0], *ids)
        assert sequence_parameters(first_of(nals, SPS)).id == ids[1]
        found = picture_parameters(first_of(nals, PPS))
        assert (found.id, found.sequence) == ids and not found.groups

    @given(st.binary(max_size=40))
    def test_a_damaged_set_is_malformed(self, data: bytes) -> None:
        try:
            found = picture_parameters(b"\x68" + data)
        except Malformed:
            return
        assert 0 <= found.id < 256 and 0 <= found.sequence < 32


class TestSlices:
    """The head of a slice says which picture it belongs to (7.3.3)."""

    @pytest.mark.parametrize("profile", PROFILES)
    def test_numbers_of_frames_and_types_are_those_of_the_encoder(self, profile: str) -> None:
        clip = coded_pictures(KEYINT.format(30) + ":sliced-threads=0:threads=1:slices=3", 60, profile=profile)
        sps, pps = (first_of(clip[0].nals, kind) for kind in (SPS, PPS))
        seen: list[tuple[int, bool, int]] = []
        for coded in clip:
            slices = [nal for nal in coded.nals if nal[0] & 31 in (1, IDR)]
            starts = [slice_start(nal) for nal in slices]
            keys = {
                picture_key(nal, start, picture_parameters(pps), sequence_parameters(sps))
                for nal, start in zip(slices, starts, strict=True)
            }
            (key,) = keys
            assert [start.first_mb for start in starts] == sorted({start.first_mb for start in starts})
            assert [is_first(nal) for nal in slices] == [True, False, False]
            seen.append((key.frame, key.idr, starts[0].kind))
        most = 1 << sequence_parameters(sps).frame_bits
        assert seen == [(number % 30 % most, number % 30 == 0, P if number % 30 else I) for number in range(60)]

    def test_b_frames_are_seen(self) -> None:
        clip = coded_pictures(KEYINT.format(30) + ":bframes=2:b-adapt=0", 30, profile="main")
        kinds = {slice_start(nal).kind for coded in clip for nal in coded.nals if nal[0] & 31 in (1, IDR)}
        assert kinds == {I, P, B}

    @given(st.binary(max_size=60))
    def test_a_damaged_head_is_malformed(self, data: bytes) -> None:
        sps, pps = (first_of(pictures()[0], kind) for kind in (SPS, PPS))
        try:
            start = slice_start(b"\x65" + data)
            key = picture_key(b"\x65" + data, start, picture_parameters(pps), sequence_parameters(sps))
        except Malformed:
            return
        assert key.idr and 0 <= start.kind < 5


class TestAvcc:
    """The head of a film holds all sets of its first pictures."""

    def test_holds_every_set_and_is_read_back(self) -> None:
        sets = ParameterSets(
            (sequence_parameter_set(640, 480), b"\x67\x42\xe0\x1f\x5a"), (b"\x68\xce\x3c\x80", b"\x68\x5a")
        )
        record = sets.avcc
        assert record[0] == 1 and record[4] & 3 == 3 and record[5] & 31 == 2
        assert all(struct.pack("!H", len(nal)) + nal in record for nal in (*sets.sps, *sets.pps))
        assert sets_in(record) == sets

    def test_holds_no_more_than_it_can_count(self) -> None:
        sps, pps = sequence_parameter_set(640, 480), b"\x68\xce\x3c\x80"
        found = sets_in(ParameterSets((sps,) * 32, (pps,) * 256).avcc)
        assert found == ParameterSets((sps,) * 31, (pps,) * 255)

    def test_sets_of_a_high_profile_name_the_chroma_format(self) -> None:
        sets = ParameterSets((b"\x67\x64" + sequence_parameter_set(640, 480)[2:],), (b"\x68\xce",))
        assert sets.avcc.endswith(b"\xfd\xf8\xf8\x00")

    @given(st.binary(max_size=80))
    def test_a_damaged_record_never_raises(self, record: bytes) -> None:
        found = sets_in(record)
        assert found is None or (found.sps and found.pps)


@given(st.lists(st.integers(0, 2**31 - 2), max_size=20))
def test_exp_golomb_codes_come_out_as_they_went_in(values: list[int]) -> None:
    bits = "".join(map(ue, values)) + "1"
    bits += "0" * (-len(bits) % 8)
    reader = Bits(int(bits, 2).to_bytes(len(bits) // 8))
    assert [reader.ue() for _ in values] == values
