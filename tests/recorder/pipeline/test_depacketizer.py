"""RTP and RFC 6184: what a publisher split comes out complete, in order and once, or not at all."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.kernel.film_faults import FilmFault
from broker.media.rtp import RtpPacket, parse
from recorder.mp4.placeholder_frame import placeholder_frame
from recorder.pipeline.depacketizer import MOST_BYTES, MOST_UNITS, AccessUnit, Depacketizer
from recorder.pipeline.reorder import Reorder
from tests.support.rtp import Stream

WINDOW = 250_000_000
(SPS,), (PPS,) = placeholder_frame().parameters.sps, placeholder_frame().parameters.pps
bodies = st.binary(min_size=1, max_size=3000)


def units(packets: Sequence[bytes], step_ns: int = 1_000_000) -> list[AccessUnit]:
    """Return the access units of packets that arrive one a millisecond, from parser, reorder and depacketizer."""
    reorder, depacketizer = Reorder(WINDOW), Depacketizer()
    found: list[AccessUnit] = []
    for index, data in enumerate(packets):
        packet = parse(data, index * step_ns)
        if packet is not None:
            for ordered in reorder.push(packet):
                found += depacketizer.push(ordered)
    for ordered in reorder.flush():
        found += depacketizer.push(ordered)
    return found + depacketizer.flush()


def keyframe(body: bytes = b"\x88picture") -> list[bytes]:
    return [SPS, PPS, b"\x65\x80" + body]


def delta(body: bytes) -> list[bytes]:
    return [b"\x41\x80" + body]


def film(stream: Stream, count: int, mtu: int = 200) -> list[list[bytes]]:
    """Return `count` pictures as packets; the first and every tenth is a keyframe."""
    pictures = [keyframe() if index % 10 == 0 else delta(bytes([index]) * 300) for index in range(count)]
    return [stream.picture(nals, index / 30, mtu) for index, nals in enumerate(pictures)]


class TestOrder:
    """Packets are reordered inside a window of time; a packet that does not arrive in it is lost."""

    @given(st.randoms(use_true_random=False), st.integers(0, 0xFFFF))
    def test_any_order_within_the_window_gives_the_same(self, random: Random, first: int) -> None:
        whole = [data for picture in film(Stream(90_000, seq=first), 12) for data in picture]
        mixed = whole[:1]
        for start in range(1, len(whole), 8):
            block = whole[start : start + 8]
            random.shuffle(block)
            mixed += block
        assert [unit.nals for unit in units(mixed)] == [unit.nals for unit in units(whole)]
        assert len(units(mixed)) == 12

    def test_duplicates_come_out_once(self) -> None:
        whole = [data for picture in film(Stream(90_000), 5) for data in picture]
        twice = [data for data in whole for _ in range(2)]
        assert [unit.nals for unit in units(twice)] == [unit.nals for unit in units(whole)]

    def test_a_missing_packet_is_waited_for_no_longer_than_the_window(self) -> None:
        reorder, stream = Reorder(WINDOW), Stream(48_000)
        packets = [parse(stream.packet(b"x", index / 50), index * 20_000_000) for index in range(20)]
        out: list[RtpPacket] = []
        for index, packet in enumerate(packets):
            assert packet is not None
            if index != 3:
                out += reorder.push(packet)
        assert [packet.lost for packet in out if packet.lost] == [1]
        assert len(out) == 19

    def test_silence_closes_the_window_too(self) -> None:
        reorder, stream = Reorder(WINDOW), Stream(48_000)
        packets = [parse(stream.packet(b"x", 0.0), 0) for _ in range(3)]
        assert packets[0] is not None and packets[2] is not None
        assert len(list(reorder.push(packets[0]))) == 1
        assert list(reorder.push(packets[2])) == []
        assert list(reorder.expire(WINDOW // 2)) == []
        assert [packet.lost for packet in reorder.expire(WINDOW + 1)] == [1]

    def test_stragglers_of_a_replaced_publisher_are_dropped(self) -> None:
        reorder, old, new = Reorder(WINDOW), Stream(90_000, ssrc=1), Stream(90_000, ssrc=2, seq=9000)
        order = [old.packet(b"a", 0.0), new.packet(b"b", 0.0), old.packet(b"c", 0.0), new.packet(b"d", 0.0)]
        parsed = [parse(data, index) for index, data in enumerate(order)]
        out = [ordered.payload for packet in parsed if packet is not None for ordered in reorder.push(packet)]
        assert out == [b"a", b"b", b"d"]

    def test_a_source_that_restarts_its_numbers_is_followed(self) -> None:
        reorder, before, after = Reorder(WINDOW), Stream(90_000, seq=100), Stream(90_000, seq=30_000)
        order = [before.packet(b"a", 0.0), *(after.packet(bytes([index]), 0.0) for index in range(3))]
        parsed = [parse(data, index) for index, data in enumerate(order)]
        out = [ordered.payload for packet in parsed if packet is not None for ordered in reorder.push(packet)]
        assert out == [b"a", b"\x01", b"\x02"]


class TestUnits:
    """RFC 6184, sections 5.6 to 5.8, packetization-mode 1."""

    @given(st.lists(bodies, min_size=1, max_size=12), st.integers(20, 1400), st.booleans())
    @settings(max_examples=60)
    def test_what_was_split_is_put_together(self, contents: list[bytes], mtu: int, aggregate: bool) -> None:
        stream = Stream(90_000, base=2**32 - 3000)
        pictures = [keyframe(contents[0]), *(delta(body) for body in contents[1:])]
        packets = [
            data for index, nals in enumerate(pictures) for data in stream.picture(nals, index / 30, mtu, aggregate)
        ]
        found = units(packets)
        assert [unit.nals for unit in found] == pictures
        assert {unit.fault for unit in found} == {None}

    @given(st.lists(st.binary(max_size=60), max_size=30))
    def test_arbitrary_payloads_never_raise(self, payloads: list[bytes]) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        for index, payload in enumerate(payloads):
            packet = parse(stream.packet(payload, index / 30, index % 3 == 0), index)
            if packet is not None:
                depacketizer.push(packet)
        depacketizer.flush()

    @given(st.sets(st.integers(0, 59), min_size=1, max_size=6))
    @settings(max_examples=60)
    def test_a_unit_that_lost_a_packet_says_so_and_no_other_one_does(self, lost: set[int]) -> None:
        pictures = film(Stream(90_000), 60)
        packets = [
            data
            for number, picture in enumerate(pictures)
            for index, data in enumerate(picture)
            if not (number in lost and index == len(picture) // 2)
        ]
        whole = [unit.nals for unit in units([data for picture in pictures for data in picture])]
        found = {number_of(unit): unit for unit in units(packets)}
        for number, nals in enumerate(whole):
            if number in lost:
                assert number not in found or found[number].fault is not None
            else:
                assert (found[number].nals, found[number].fault) == (nals, None)

    def test_a_lost_marker_ends_the_picture_at_the_next_timestamp(self) -> None:
        stream = Stream(90_000)
        packets = [stream.packet(nal, 0.0) for nal in keyframe()] + stream.picture(delta(b"next"), 1 / 30)
        assert [unit.nals for unit in units(packets)] == [keyframe(), delta(b"next")]

    def test_a_picture_that_no_other_follows_is_given_out_after_a_while(self) -> None:
        depacketizer, stream = Depacketizer(), Stream(90_000)
        for data in stream.picture(keyframe(), 0.0):
            assert depacketizer.push(packet_of(data)) == []
        assert depacketizer.expire(10, 20, 90) == []
        assert [unit.nals for unit in depacketizer.expire(21, 20, 90)] == [keyframe()]
        assert depacketizer.expire(99, 20, 90) == [] and depacketizer.flush() == []

    def test_another_picture_under_the_same_time_stamp_is_a_unit_of_its_own(self) -> None:
        stream = Stream(90_000)
        sets = [b"\x06\x05x", SPS, PPS]
        packets = [stream.packet(nal, 0.0) for nal in [*keyframe(), *delta(b"one"), *sets, b"\x65\x80two"]]
        assert [unit.nals for unit in units(packets)] == [keyframe(), delta(b"one"), [*sets, b"\x65\x80two"]]

    @pytest.mark.parametrize(
        "nal", [b"\x41\x80", b"\x41\x40", b"\x0c\xff", b"\x09\x10", b"\x78\x00\x01\x0c\x00\x01\x0c"]
    )
    def test_what_one_time_stamp_holds_is_bounded(self, nal: bytes) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        most = 0
        for _ in range(100_000):
            depacketizer.push(packet_of(stream.packet(nal, 0.0)))
            most = max(most, len(depacketizer._nals))
        assert most <= MOST_UNITS + 2
        (unit,) = depacketizer.flush()
        assert unit.fault is FilmFault.TOO_MUCH and unit.nals == []

    def test_a_unit_whose_fragments_never_end_is_given_up(self) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        depacketizer.push(packet_of(stream.packet(b"\x7c\x85" + bytes(1000), 0.0)))
        for _ in range(5000):
            depacketizer.push(packet_of(stream.packet(b"\x7c\x05" + bytes(1000), 0.0)))
            assert sum(map(len, depacketizer._fragments or ())) <= MOST_BYTES
        (unit,) = depacketizer.flush()
        assert unit.fault is FilmFault.TOO_MUCH

    @pytest.mark.parametrize("kind", [0, 30, 31])
    def test_units_of_reserved_types_are_counted_and_ignored(self, kind: int) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        for nal in (keyframe()[0], bytes([0x60 | kind]) + b"abc", *keyframe()[1:]):
            depacketizer.push(packet_of(stream.packet(nal, 0.0)))
        (unit,) = depacketizer.flush()
        assert (unit.nals, unit.fault, depacketizer.malformed) == (keyframe(), None, 1)

    @pytest.mark.parametrize("kind", [25, 26, 27, 29])
    def test_units_of_other_modes_are_counted_and_spoil_the_picture(self, kind: int) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        for nal in (*keyframe(), bytes([0x60 | kind]) + b"abc"):
            depacketizer.push(packet_of(stream.packet(nal, 0.0)))
        (unit,) = depacketizer.flush()
        assert unit.fault is FilmFault.CORRUPT and depacketizer.malformed == 1

    @pytest.mark.parametrize(
        "payload",
        [
            b"\x7c",  # a fragment without its header
            b"\x7c\x05middle",  # of a unit that never began
            b"\x78\x00\x09cut",  # an aggregate that is cut off
            b"\x78\x00\x04\x78\x00\x01\x41",  # an aggregate within one
            b"\xe1\x80damaged",  # a unit that says of itself that it is damaged
        ],
    )
    def test_damaged_payloads_spoil_the_picture(self, payload: bytes) -> None:
        stream, depacketizer = Stream(90_000), Depacketizer()
        for nal in (*keyframe(), payload):
            depacketizer.push(packet_of(stream.packet(nal, 0.0)))
        (unit,) = depacketizer.flush()
        assert unit.fault is FilmFault.CORRUPT


def packet_of(data: bytes) -> RtpPacket:
    packet = parse(data, 0)
    assert packet is not None
    return packet


def number_of(unit: AccessUnit) -> int:
    """Return the number of a picture of `film`."""
    return round((unit.timestamp - 5000) / 3000)
