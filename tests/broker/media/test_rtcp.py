"""RTCP as bytes: an independent reader understands what is built here, and no bytes from outside make it raise."""

import struct

from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from broker.media import rtcp
from broker.media.rtcp import ReportBlock, SenderReport

U32 = st.integers(0, 2**32 - 1)
SEQUENCE = st.integers(0, 65535)
BLOCK = st.builds(
    ReportBlock,
    ssrc=U32,
    fraction=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest=U32,
    jitter=U32,
    last_sr=U32,
    delay=U32,
)


def only(data: bytes) -> rtcp.RtcpPacket:
    (packet,) = rtcp.compound(data)
    return packet


class TestReports:
    """Reports are built and read as RFC 3550 6.4 says."""

    @given(st.lists(BLOCK, max_size=31))
    def test_a_receiver_report_reads_back_as_it_was(self, blocks: list[ReportBlock]) -> None:
        packet = only(rtcp.build_receiver_report(blocks))
        assert packet.kind == rtcp.RR
        assert list(rtcp.report_blocks(packet)) == blocks

    @given(BLOCK)
    def test_another_reader_sees_the_same_receiver_report(self, block: ReportBlock) -> None:
        (read,) = rtp.RtcpPacket.parse(rtcp.build_receiver_report([block]))
        assert isinstance(read, rtp.RtcpRrPacket)
        (seen,) = read.reports
        assert (seen.ssrc, seen.fraction_lost, seen.packets_lost) == (block.ssrc, block.fraction, block.lost)
        assert (seen.highest_sequence, seen.jitter, seen.lsr, seen.dlsr) == block[3:]

    @given(BLOCK, st.lists(U32, max_size=3))
    def test_each_compound_of_the_relay_has_its_name_after_its_report(
        self, block: ReportBlock, ended: list[int]
    ) -> None:
        for data in (rtcp.build_opening([block]), rtcp.build_bye(ended)):
            report, names, *_ = rtcp.compound(data)
            assert (report.kind, names.kind, names.format) == (rtcp.RR, rtcp.SDES, 1)
            assert len(data) % 4 == 0

    @given(U32, st.text("abcdefgh-0123456789", min_size=1, max_size=40))
    def test_another_reader_sees_the_same_name(self, ssrc: int, cname: str) -> None:
        (read,) = rtp.RtcpPacket.parse(rtcp.build_sdes(ssrc, cname))
        assert isinstance(read, rtp.RtcpSdesPacket)
        (chunk,) = read.chunks
        assert (chunk.ssrc, chunk.items) == (ssrc, [(rtcp.CNAME, cname.encode())])

    @given(U32, st.integers(0, 2**64 - 1), U32, U32, U32)
    def test_a_sender_report_has_28_bytes_and_both_readers_agree(
        self, ssrc: int, ntp: int, timestamp: int, count: int, octets: int
    ) -> None:
        report = SenderReport(ssrc, ntp, timestamp, count, octets)
        data = rtcp.build_sender_report(report)
        assert len(data) == 28
        assert rtcp.sender_report(only(data)) == report
        (read,) = rtp.RtcpPacket.parse(data)
        assert isinstance(read, rtp.RtcpSrPacket)
        assert read.sender_info.ntp_timestamp == ntp
        assert read.sender_info.rtp_timestamp == timestamp
        assert (read.sender_info.packet_count, read.sender_info.octet_count) == (count, octets)

    @given(U32, st.integers(1, 2**64 - 1), U32)
    def test_a_datagram_that_begins_with_a_sender_report_gives_it(self, ssrc: int, ntp: int, timestamp: int) -> None:
        report = SenderReport(ssrc, ntp, timestamp, 3, 4)
        data = rtcp.build_sender_report(report)
        assert rtcp.parse_sender_report(data) == report
        assert rtcp.parse_sender_report(data + rtcp.build_pli(7)) == report
        assert report.ntp_seconds == ntp / 2**32

    def test_other_datagrams_give_no_sender_report(self) -> None:
        data = rtcp.build_sender_report(SenderReport(1, 2, 3, 4, 5))
        for other in (b"", data[:-1], b"\x40" + data[1:], rtcp.build_pli(7) + data, rtcp.build_opening([])):
            assert rtcp.parse_sender_report(other) is None

    def test_counts_beyond_32_bits_wrap_instead_of_raising(self) -> None:
        report = SenderReport(1, 2, 2**32 + 5, 2**32 + 6, 2**40 + 7)
        read = rtcp.sender_report(only(rtcp.build_sender_report(report)))
        assert read == SenderReport(1, 2, 5, 6, 7)

    def test_losses_beyond_24_bits_are_cut_at_the_ends_of_the_field(self) -> None:
        for lost, reported in ((10**9, 0x7FFFFF), (-(10**9), -0x800000)):
            packet = only(rtcp.build_receiver_report([ReportBlock(1, 0, lost, 0, 0, 0, 0)]))
            assert next(rtcp.report_blocks(packet)).lost == reported


class TestFeedback:
    """Feedback is built and read as RFC 4585, RFC 5104 and goog-remb say."""

    @given(U32, st.sets(SEQUENCE, min_size=1, max_size=60), SEQUENCE)
    def test_a_nack_asks_for_exactly_the_given_packets(self, ssrc: int, near: set[int], start: int) -> None:
        asked = sorted({start + number % 400 for number in near})
        wanted = [number & 0xFFFF for number in asked]
        packet = only(rtcp.build_nack(ssrc, wanted))
        found = rtcp.nacked(packet.body)
        assert found is not None
        assert (found[0], sorted(found[1])) == (ssrc, sorted(wanted))
        (read,) = rtp.RtcpPacket.parse(rtcp.build_nack(ssrc, wanted))
        assert isinstance(read, rtp.RtcpRtpfbPacket)
        assert (read.media_ssrc, sorted(read.lost)) == (ssrc, sorted(wanted))

    def test_of_a_long_nack_the_beginning_is_read(self) -> None:
        packet = only(struct.pack("!BBHII", 0x81, 205, 2 + 400, 1, 7) + b"\x00\x01\xff\xff" * 400)
        found = rtcp.nacked(packet.body)
        assert found is not None and rtcp.MAX_NACKED <= len(found[1]) < rtcp.MAX_NACKED + 17

    def test_of_a_long_full_intra_request_the_beginning_is_read(self) -> None:
        assert rtcp.fir_ssrcs(bytes(8) + bytes(8) * 300) == [0] * rtcp.MAX_FIR

    def test_neighbours_share_one_item_of_four_bytes(self) -> None:
        assert len(rtcp.build_nack(1, list(range(100, 117)))) == 12 + 4
        assert len(rtcp.build_nack(1, list(range(100, 118)))) == 12 + 8

    @given(U32)
    def test_a_picture_loss_indication_names_its_stream(self, ssrc: int) -> None:
        data = rtcp.build_pli(ssrc)
        assert rtcp.media_ssrc(only(data).body) == ssrc
        (read,) = rtp.RtcpPacket.parse(data)
        assert isinstance(read, rtp.RtcpPsfbPacket)
        assert (read.fmt, read.media_ssrc) == (rtp.RTCP_PSFB_PLI, ssrc)

    @given(st.integers(1, 2**40), st.lists(U32, min_size=1, max_size=8))
    def test_remb_carries_the_rate_to_18_bits(self, bitrate: int, ssrcs: list[int]) -> None:
        (read,) = rtp.RtcpPacket.parse(rtcp.build_remb(bitrate, ssrcs))
        assert isinstance(read, rtp.RtcpPsfbPacket)
        rate, named = rtp.unpack_remb_fci(read.fci)
        assert rtcp.remb(only(rtcp.build_remb(bitrate, ssrcs)).body) == rate
        assert named == ssrcs
        assert rate <= bitrate < rate + max(1, bitrate >> 17)

    def test_a_full_intra_request_may_name_several_streams(self) -> None:
        body = struct.pack("!II", 9, 0) + b"".join(struct.pack("!II", ssrc, 0) for ssrc in (5, 6))
        assert rtcp.fir_ssrcs(body) == [5, 6]


class TestMalformed:
    """Bytes from outside are not trusted: a parser stops at malformed ones and does not raise."""

    @given(st.binary(max_size=300))
    def test_no_bytes_make_a_parser_raise(self, data: bytes) -> None:
        for packet in rtcp.compound(data):
            list(rtcp.report_blocks(packet))
            rtcp.sender_report(packet)
            rtcp.nacked(packet.body)
            rtcp.media_ssrc(packet.body)
            rtcp.fir_ssrcs(packet.body)
            rtcp.remb(packet.body)
        rtcp.parse_sender_report(data)

    @given(st.binary(max_size=200), st.integers(0, 31), st.sampled_from([200, 201, 205, 206]))
    def test_no_well_framed_packet_makes_a_parser_raise(self, body: bytes, count: int, kind: int) -> None:
        body += bytes(-len(body) % 4)
        data = struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
        packet = only(data)
        assert packet == (kind, count, body)
        list(rtcp.report_blocks(packet))
        rtcp.sender_report(packet)
        rtcp.nacked(packet.body)
        rtcp.fir_ssrcs(packet.body)

    def test_a_compound_ends_at_the_first_length_that_does_not_fit(self) -> None:
        good = rtcp.build_pli(7)
        assert len(list(rtcp.compound(good + good))) == 2
        assert len(list(rtcp.compound(good + good[:-1]))) == 1
        assert list(rtcp.compound(b"\x40" + good[1:])) == []
