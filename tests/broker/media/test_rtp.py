"""RTP packets as bytes: where the payload begins, what a packet holds, and headers of packets to be sent."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.rtp import EXTENSION, STAMP_SIZE, STAMPED, parse, payload_start, plain_header, stamped_header, writers
from tests.support.rtp import Stream


class TestParse:
    """A whole packet is read as RFC 3550, sections 5.1 and 5.3.1, says."""

    @given(
        payload=st.binary(max_size=50),
        extension=st.binary(max_size=20),
        padding=st.integers(0, 40),
        csrcs=st.integers(0, 15),
    )
    def test_csrcs_extension_and_padding_are_skipped(
        self, payload: bytes, extension: bytes, padding: int, csrcs: int
    ) -> None:
        stream = Stream(90_000, extension=extension, padding=padding, csrcs=tuple(range(csrcs)))
        packet = parse(stream.packet(payload, 0.0), 5)
        assert packet is not None and packet.payload == payload and packet.arrival == 5

    @given(st.binary(max_size=200))
    def test_arbitrary_bytes_never_raise(self, data: bytes) -> None:
        parse(data, 0)

    def test_a_packet_keeps_its_number_time_marker_and_source(self) -> None:
        packet = parse(plain_header(0x80, 0x80 | 96, 7, 90_000, 5) + b"x", 0)
        assert packet is not None
        assert (packet.seq, packet.timestamp, packet.marker, packet.ssrc, packet.lost) == (7, 90_000, True, 5, 0)

    def test_a_header_that_is_cut_off_is_no_packet(self) -> None:
        header = plain_header(0x90, 96, 1, 2, 3)
        for data in (header[:11], header, header + b"\xbe\xde\x00", header + b"\xbe\xde\x00\x01" + bytes(3)):
            assert parse(data, 0) is None

    @pytest.mark.parametrize(
        "body", [b"", b"\x01", b"\x00", b"\x02", bytes(9) + b"\xc8", bytes(9) + b"\x00", b"abc\x04"]
    )
    def test_a_packet_of_padding_has_no_payload_however_its_length_is_written(self, body: bytes) -> None:
        packet = parse(plain_header(0xA0, 96, 1, 2, 3) + body, 0)
        assert packet is not None and packet.payload == b"" and packet.seq == 1

    def test_more_padding_than_there_are_bytes_makes_media_unreadable(self) -> None:
        assert parse(plain_header(0xA0, 96, 1, 2, 3) + b"media\x09", 0) is None

    def test_no_padding_where_some_was_announced_leaves_all_bytes_to_the_payload(self) -> None:
        packet = parse(plain_header(0xA0, 96, 1, 2, 3) + b"media\x00", 0)
        assert packet is not None and packet.payload == b"media\x00"

    def test_other_versions_are_no_packets(self) -> None:
        assert parse(plain_header(0x40, 96, 1, 2, 3), 0) is None


class TestPayloadStart:
    """The payload begins where RFC 3550, sections 5.1 and 5.3.1, says."""

    @given(st.integers(0, 15), st.integers(0, 6), st.binary(max_size=30))
    def test_the_payload_begins_after_csrcs_and_extension(self, csrcs: int, words: int, payload: bytes) -> None:
        extended = struct.pack("!HH", 0xBEDE, words) + bytes(4 * words)
        packet = bytes([0x90 | csrcs]) + bytes(11 + 4 * csrcs) + extended + payload
        assert packet[payload_start(packet) :] == payload

    @given(st.binary(min_size=12, max_size=80))
    def test_it_never_lies_beyond_the_packet(self, packet: bytes) -> None:
        assert 12 <= payload_start(packet) <= max(12, len(packet))

    @given(st.binary(min_size=12, max_size=80))
    def test_it_agrees_with_parse_wherever_there_is_a_packet(self, rest: bytes) -> None:
        data = bytes([0x80 | rest[0] & 0x1F]) + rest[1:]
        packet = parse(data, 0)
        if packet is not None:
            assert data[payload_start(data) :] == packet.payload


class TestHeaders:
    """Headers of packets to be sent are read back as they were meant."""

    def test_a_stamped_header_is_longer_by_the_extension(self) -> None:
        plain, stamped = plain_header(0x80, 96, 1, 2, 3), stamped_header(0x80, 96, 1, 2, 3, 0x51ABCDEF)
        assert len(stamped) == len(plain) + STAMP_SIZE
        assert payload_start(stamped) == len(stamped)
        assert stamped[1:12] == plain[1:12]
        assert stamped[12:] == b"\xbe\xde\x00\x01\x51\xab\xcd\xef"


class TestWriters:
    """What they write is the header and the payload, and nothing else of the buffer changes."""

    @given(st.binary(max_size=1900))
    def test_write_a_plain_packet(self, payload: bytes) -> None:
        packet, buffer = plain_header(128, 96, 7, 9, 11) + payload, bytearray(b"\xaa" * 2048)
        writers(len(payload))[0](buffer, 0, packet)
        assert buffer == packet + b"\xaa" * (2048 - len(packet))

    @given(st.binary(max_size=1900), st.integers(0, 2**32 - 1))
    def test_write_a_stamped_packet(self, payload: bytes, word: int) -> None:
        packet, buffer = stamped_header(128, 96, 7, 9, 11, word) + payload, bytearray(b"\xaa" * 2048)
        writers(len(payload))[1](buffer, 0, STAMPED.pack(128 | 0x10, 96, 7, 9, 11, EXTENSION), word, payload)
        assert buffer == packet + b"\xaa" * (2048 - len(packet))
