"""RTX (RFC 4588) in both directions, and the limit on retransmissions to one down track."""

import struct

import pytest
from aiortc import rtp
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.token_bucket import TokenBucket
from broker.media.rtp import RTP_HEADER
from broker.relay.congestion import sent_packets
from broker.relay.congestion.sent_packets import SentPackets, send_time
from broker.relay.down_track import REPAIRS, REPAIRS_AT_ONCE
from broker.relay.rtp.retransmission import original, repeated
from broker.relay.track import Destination
from tests.support.relay.track_model import KEY, PLAIN, RTX, Line


def packet(seq: int, payload: bytes, extension: bytes = b"", padding: int = 0) -> bytes:
    first = 0x80 | (0x10 if extension else 0) | (0x20 if padding else 0)
    head = struct.pack("!BBHII", first, 0x80 | 96, seq, 90_000, 7)
    if extension:
        head += struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension
    return head + payload + (bytes(padding - 1) + bytes((padding,)) if padding else b"")


class TestTowardsASubscriber:
    def down_track(self, line: Line, rtx: bool = True, stamp: bool = True) -> tuple[Destination, list[int]]:
        down_track, end = line.subscriber(params=RTX if rtx else PLAIN)
        down_track.stamp = SentPackets().transport_wide(3) if stamp else None
        line.send(10, KEY)
        line.send(11, b"\x41one")
        return down_track, end.numbers

    @pytest.mark.parametrize("stamp", [True, False])
    def test_another_implementation_finds_the_lost_packet_in_it(self, stamp: bool) -> None:
        line = Line()
        down_track, numbers = self.down_track(line, stamp=stamp)
        lost = line.track.cached(down_track, numbers[1])
        assert lost is not None
        read = rtp.RtpPacket.parse(repeated(down_track, lost, numbers[1], 5.0))
        assert (read.ssrc, read.payload_type) == (78, 97)
        inner = rtp.unwrap_rtx(read, payload_type=96, ssrc=77)
        assert (inner.sequence_number, inner.payload) == (numbers[1], b"\x41one")

    def test_its_own_numbers_count_up(self) -> None:
        line = Line()
        down_track, numbers = self.down_track(line)
        sent = [RTP_HEADER.unpack_from(repeated(down_track, packet(1, b"x"), numbers[0], 5.0))[2] for _ in range(3)]
        assert [(after - sent[0]) & 0xFFFF for after in sent] == [0, 1, 2]

    def test_without_rtx_the_same_bytes_are_sent_again(self) -> None:
        line = Line()
        down_track, _ = self.down_track(line, rtx=False, stamp=False)
        once, more = (repeated(down_track, packet(1, b"x", b"\x10\xff\x00\x00"), 9, now) for now in (1.0, 2.0))
        assert once == more
        assert once[12:] == b"x"

    def test_a_stamped_packet_is_never_sent_again_without_rtx(self) -> None:
        line = Line()
        down_track, _ = self.down_track(line, rtx=False, stamp=True)
        assert repeated(down_track, packet(1, b"x"), 9, 1.0) == b""

    def test_another_implementation_reads_the_stamp_with_the_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sent_packets, "monotonic", lambda: 70.5)
        line = Line()
        down_track, _ = self.down_track(line)
        down_track.stamp = send_time(3)
        extensions = rtp.HeaderExtensionsMap()
        extensions.configure(_video_parameters(3))
        read = rtp.RtpPacket.parse(repeated(down_track, packet(1, b"x"), 9, 70.5), extensions)
        assert read.extensions.abs_send_time == int(6.5 * (1 << 18))


def _video_parameters(identifier: int):  # type: ignore[no-untyped-def]
    from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters

    uri = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    return RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=identifier, uri=uri)])


class TestFromAPublisher:
    @given(
        st.binary(min_size=1, max_size=40), st.integers(0, 65535), st.sampled_from([b"", b"\x31abc"]), st.integers(0, 9)
    )
    def test_the_inner_packet_is_the_one_that_was_lost(
        self, payload: bytes, seq: int, extension: bytes, pad: int
    ) -> None:
        wrapped = packet(3, seq.to_bytes(2, "big") + payload, extension, pad)
        inner = original(wrapped, 96, 7)
        assert RTP_HEADER.unpack_from(inner)[2:] == (seq, 90_000, 7)
        tail = len(inner) - pad
        assert inner[12:tail] == payload
        assert inner[1] == 0x80 | 96

    @pytest.mark.parametrize("padding", [0, 1, 200])
    def test_one_that_only_probes_the_line_has_no_packet_inside(self, padding: int) -> None:
        assert original(packet(3, b"", padding=padding), 96, 7) == b""
        assert original(packet(3, b"\x00\x01", padding=padding), 96, 7) == b""

    @given(st.binary(min_size=12, max_size=60))
    def test_arbitrary_bytes_do_not_raise(self, data: bytes) -> None:
        inner = original(data, 96, 7)
        assert inner == b"" or len(inner) > 12

    def test_a_packet_that_came_before_is_dropped(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.send(12)
        line.send(11, b"\x41repaired")
        line.send(11, b"\x41repaired")
        line.send(12)
        assert len(end.got) == 3
        assert line.track.packets == 3


class TestTheLimit:
    def test_retransmissions_are_limited_per_second(self) -> None:
        bucket = TokenBucket(REPAIRS, REPAIRS_AT_ONCE)
        taken = sum(bucket.take(step / 1000) for step in range(10_000))
        assert taken <= REPAIRS_AT_ONCE + 10 * REPAIRS

    def test_an_unused_limit_is_saved_up_to_the_burst(self) -> None:
        bucket = TokenBucket(10, 5)
        assert [bucket.take(1.0) for _ in range(6)] == [True] * 5 + [False]
        assert bucket.take(1.11)
        assert not bucket.take(1.12)
        assert sum(bucket.take(100.0) for _ in range(50)) == 5
