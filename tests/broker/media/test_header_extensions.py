"""RTP header extensions: the identifier that an offer gives to one, and the element that a packet carries."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.header_extensions import LONGEST, element, offered
from broker.media.sdp import Media

URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"


def packet(extension: bytes) -> bytes:
    """Return an RTP packet with this header extension."""
    return struct.pack("!BBHII", 0x90, 96, 7, 90, 5) + extension + b"payload"


def one_byte(*elements: tuple[int, bytes]) -> bytes:
    """Return a header extension with these elements in the one-byte form."""
    inside = b"".join(bytes((number << 4 | len(value) - 1,)) + value for number, value in elements)
    inside += bytes(-len(inside) % 4)
    return struct.pack("!HH", 0xBEDE, len(inside) // 4) + inside


class TestHeaderExtensions:
    """Elements are found in both forms of RFC 8285."""

    def test_are_found_in_the_one_byte_form(self) -> None:
        data = packet(one_byte((4, b"1"), (10, b"hi"), (11, b"f")))
        assert (element(data, 4), element(data, 10), element(data, 11), element(data, 3)) == (b"1", b"hi", b"f", b"")

    def test_are_found_in_the_two_byte_form_and_behind_padding(self) -> None:
        inside = b"\x04\x011\x00\x00\x0a\x02hi\x00\x00\x00"
        data = packet(struct.pack("!HH", 0x1000, 3) + inside)
        assert (element(data, 4), element(data, 10)) == (b"1", b"hi")

    def test_are_not_looked_for_behind_more_than_any_client_sends(self) -> None:
        for before in (bytes(LONGEST), bytes((0x10, 1)) * (LONGEST // 2)):
            inside = before + bytes((0xA0, 5))
            inside += bytes(-len(inside) % 4)
            assert element(packet(struct.pack("!HH", 0xBEDE, len(inside) // 4) + inside), 10) == b""

    def test_end_where_the_reserved_identifier_stands(self) -> None:
        assert element(packet(one_byte((15, b"x"), (10, b"h"))), 10) == b""

    def test_end_where_the_identifier_of_padding_has_a_length(self) -> None:
        """RFC 8285 4.2: its length is ignored, and so is all that follows; what stood before it holds."""
        inside = bytes((0xA0,)) + b"h" + bytes((0x02,)) + b"abc" + bytes((0xB0,)) + b"f"
        data = packet(struct.pack("!HH", 0xBEDE, 2) + inside)
        assert (element(data, 10), element(data, 11), element(data, 0)) == (b"h", b"", b"")

    def test_end_where_an_element_is_longer_than_the_extension(self) -> None:
        assert element(packet(struct.pack("!HH", 0xBEDE, 1) + b"\xafabc"), 10) == b""
        assert element(packet(struct.pack("!HH", 0x1000, 1) + b"\x0a\x09ab"), 10) == b""

    def test_are_empty_in_a_packet_without_them(self) -> None:
        assert element(bytes(12), 10) == b""
        assert element(packet(struct.pack("!HH", 0xABCD, 1) + b"\xa0h\x00\x00"), 10) == b""

    @given(st.binary(max_size=80), st.integers(1, 14))
    def test_are_read_from_any_bytes_without_an_exception(self, data: bytes, identifier: int) -> None:
        assert len(element(b"\x90" + bytes(11) + data, identifier)) <= 255


class TestOffered:
    """The identifier is taken from the first usable a=extmap of the URI."""

    @staticmethod
    def media(*extmaps: str) -> Media:
        return Media("video", "UDP/TLS/RTP/SAVPF", "96", "0", "sendonly", (), (), {"extmap": list(extmaps)})

    @pytest.mark.parametrize("value", [f"0 {URI}", f"15 {URI}", f"16 {URI}", f"x {URI}", f"4/inactive {URI}", "4", ""])
    def test_an_identifier_of_another_form_or_that_is_not_used_is_none(self, value: str) -> None:
        assert offered(self.media(value), URI) is None

    @pytest.mark.parametrize("value", [f"4 {URI}", f"4/sendonly {URI}", f"4 {URI} attributes", f"4  {URI}"])
    def test_an_identifier_is_read_with_and_without_direction(self, value: str) -> None:
        assert offered(self.media("3 urn:other", value), URI) == 4

    @pytest.mark.parametrize("value", [f"0 {URI}", f"15 {URI}", f"x {URI}", f"4 {URI}x", "4", ""])
    def test_identifiers_of_other_forms_and_other_uris_are_none(self, value: str) -> None:
        assert offered(self.media(value), URI) is None
