"""Parameter sets by id (H.264 7.4.1.2.1): the newest of each counts, and what a publisher chooses is bounded."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.h264 import PPS, SPS, STAP_A, set_id, split_aggregate
from broker.media.h264_sets import LONGEST_SET
from broker.media.parameter_sets import MOST, MOST_BYTES, PAYLOAD, ParameterSetStore, from_offer, payloads_of
from tests.support.clips import pictures
from tests.support.rtp import exp_golomb, picture_parameter_set, sequence_parameter_set

S0, P0 = sequence_parameter_set(320, 240), picture_parameter_set(0)


class TestIds:
    @given(st.integers(0, 255))
    def test_are_read_of_picture_parameter_sets(self, number: int) -> None:
        assert set_id(picture_parameter_set(number)) == number

    @given(st.integers(0, 31))
    def test_are_read_of_sequence_parameter_sets(self, number: int) -> None:
        assert set_id(sequence_parameter_set(640, 480, number)) == number

    def test_are_read_of_a_real_encoder(self) -> None:
        sets = [nal for nal in pictures(1)[0] if nal[0] & 31 in (SPS, PPS)]
        assert [(nal[0] & 31, set_id(nal)) for nal in sets] == [(SPS, 0), (PPS, 0)]

    def test_are_read_where_three_zero_bits_need_an_emulation_prevention_byte(self) -> None:
        nal = b"\x67\x42\xe0\x1f" + exp_golomb(5).replace(b"\0\0", b"\0\0\3")
        assert set_id(nal) == 5

    @pytest.mark.parametrize("nal", [b"\x67", b"\x67\x42", b"\x68", b"\x67\x42\xe0\x1f\x00", b"\x68\0\0\0\0\0\0"])
    def test_that_cannot_be_read_are_none(self, nal: bytes) -> None:
        assert set_id(nal) is None

    @given(st.binary(min_size=1, max_size=20))
    def test_of_any_bytes_raise_nothing(self, nal: bytes) -> None:
        number = set_id(nal)
        assert number is None or 0 <= number <= 255


class TestTheStore:
    def test_keeps_one_set_of_each_kind_and_id_the_newest(self) -> None:
        store = ParameterSetStore([P0, S0, picture_parameter_set(1), sequence_parameter_set(640, 480)])
        assert store.beyond(()) == [sequence_parameter_set(640, 480), P0, picture_parameter_set(1)]

    def test_does_not_let_a_late_set_replace_a_newer_one(self) -> None:
        store = ParameterSetStore()
        store.take(S0, 7)
        assert store.take(sequence_parameter_set(640, 480), 6) == (SPS, 0)
        store.take(P0, 5)
        assert store.beyond(()) == [S0, P0]

    def test_lets_a_late_set_replace_an_older_one(self) -> None:
        store = ParameterSetStore()
        store.take(S0, 7)
        store.take(P0, 20)
        store.take(sequence_parameter_set(640, 480), 18)
        assert store.beyond(()) == [sequence_parameter_set(640, 480), P0]

    def test_leaves_out_what_is_there_already(self) -> None:
        store = ParameterSetStore([S0, P0])
        assert store.beyond({(SPS, 0)}) == [P0]

    def test_makes_nothing_decodable_without_a_sequence_parameter_set(self) -> None:
        assert not ParameterSetStore([P0]).decodable
        assert ParameterSetStore([S0]).decodable

    def test_forgets_the_set_that_one_too_long_replaces(self) -> None:
        store = ParameterSetStore([S0, P0])
        store.take(S0 + bytes(LONGEST_SET))
        assert store.beyond(()) == [P0]
        assert not store.decodable

    @given(st.lists(st.tuples(st.sampled_from([SPS, PPS]), st.binary(max_size=LONGEST_SET + 50)), max_size=80))
    def test_is_bounded_whatever_comes(self, made: list[tuple[int, bytes]]) -> None:
        store = ParameterSetStore()
        for kind, body in made:
            store.take(bytes((0x60 | kind,)) + body)
            sets = store.beyond(())
            assert len(store) == len(sets) <= MOST
            assert sum(map(len, sets)) <= MOST_BYTES
            assert all(len(nal) <= LONGEST_SET for nal in sets)

    def test_forgets_the_oldest_first(self) -> None:
        store = ParameterSetStore(picture_parameter_set(number) for number in range(MOST))
        store.take(picture_parameter_set(0))
        store.take(S0)
        assert picture_parameter_set(1) not in store.beyond(())
        assert {S0, picture_parameter_set(0)} <= set(store.beyond(()))


class TestPayloads:
    def test_are_one_aggregate_where_several_sets_fit(self) -> None:
        (payload,) = payloads_of([S0, P0])
        assert payload[0] & 31 == STAP_A
        assert split_aggregate(payload) == ([S0, P0], True)

    def test_of_a_single_set_are_the_set(self) -> None:
        assert payloads_of([P0]) == [P0]
        assert payloads_of([]) == []

    @given(st.lists(st.integers(2, LONGEST_SET), max_size=20))
    def test_carry_every_set_once_in_order_in_packets_that_fit_a_network(self, lengths: list[int]) -> None:
        sets = [bytes((0x68,)) + bytes((number,)) * (length - 1) for number, length in enumerate(lengths)]
        found: list[bytes] = []
        for payload in payloads_of(sets):
            assert len(payload) <= PAYLOAD
            found += split_aggregate(payload)[0] if payload[0] & 31 == STAP_A else [payload]
        assert found == sets


class TestAnOffer:
    def test_brings_its_sets_in_base64(self) -> None:
        assert from_offer(f"{b64encode(S0).decode()}, {b64encode(P0).decode()}") == (S0, P0)

    @pytest.mark.parametrize("value", ["", ",", "AA==", "Z0LgH", "Z0LgHw,!!", "会见", "A" * 100_000, "," * 50_000])
    def test_with_something_else_brings_none_of_that(self, value: str) -> None:
        assert all(nal[0] & 31 in (SPS, PPS) and len(nal) <= LONGEST_SET for nal in from_offer(value))

    @given(st.text(max_size=200))
    def test_with_any_text_raises_nothing(self, value: str) -> None:
        assert len(from_offer(value)) <= MOST
