"""Redundant sound (RED, RFC 2198): a lost packet comes back with the next one."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from broker.media.rtp import RTP_HEADER
from broker.relay.rtp.red import unpacked

OPUS, RED = 111, 63


def redundant(seq: int, ts: int, content: bytes, *earlier: tuple[int, bytes]) -> bytes:
    """Return a packet with `earlier` ones, the oldest first, each after the ticks by which it is older."""
    heads = b"".join(struct.pack("!I", (0x80 | OPUS) << 24 | before << 10 | len(data)) for before, data in earlier)
    head = RTP_HEADER.pack(0x80, 0x80 | RED, seq, ts, 7)
    return head + heads + bytes((OPUS,)) + b"".join(data for _, data in earlier) + content


def read(packet: bytes) -> tuple[int, int, bytes]:
    _, second, seq, ts, ssrc = RTP_HEADER.unpack_from(packet)
    assert (second & 127, ssrc) == (OPUS, 7)
    return seq, ts, packet[12:]


def test_each_earlier_packet_gets_its_own_number_and_time() -> None:
    packet = redundant(1, 2000, b"now", (1920, b"before that"), (960, b"before"))
    found = [read(one) for one in unpacked(packet, OPUS)]
    assert found == [(65535, 80, b"before that"), (0, 1040, b"before"), (1, 2000, b"now")]


def test_the_first_packet_of_a_stream_has_none_before_it() -> None:
    assert [read(one) for one in unpacked(redundant(5, 960, b"now"), OPUS)] == [(5, 960, b"now")]
    assert [read(one) for one in unpacked(redundant(5, 960, b"now", (960, b"")), OPUS)] == [(5, 960, b"now")]


@given(st.binary(min_size=1, max_size=60), st.binary(min_size=1, max_size=60), st.integers(1, 60))
def test_a_packet_that_is_cut_off_yields_no_wrong_packet(content: bytes, earlier: bytes, cut: int) -> None:
    whole = redundant(9, 9600, content, (960, earlier))
    for inner in unpacked(whole[: max(12, len(whole) - cut)], OPUS):
        assert read(inner)[2] == earlier or content.startswith(read(inner)[2])


@given(st.binary(max_size=80))
def test_arbitrary_bytes_do_not_raise(data: bytes) -> None:
    for inner in unpacked(RTP_HEADER.pack(0x80, RED, 1, 1, 7) + data, OPUS):
        assert len(inner) > 12
