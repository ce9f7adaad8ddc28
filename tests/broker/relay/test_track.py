"""A track outlives its publishers: numbers and time go on, no number is used twice, and nothing from before is sent."""

import pytest
from aiortc.rtcdtlstransport import SRTP_AES128_CM_SHA1_80
from hypothesis import given, settings
from hypothesis import strategies as st
from pylibsrtp import Policy

from broker.media.rtcp import SenderReport
from broker.media.rtp import RTP_HEADER
from broker.relay.track import FRESH
from broker.relay.transport.dtls import _srtp
from tests.support.relay.track_model import KEY, SLICE, Line, steps

ANY_INBOUND, ANY_OUTBOUND = Policy.SSRC_ANY_INBOUND, Policy.SSRC_ANY_OUTBOUND


class TestANewSubscriber:
    def test_hears_sound_at_once(self) -> None:
        line = Line("audio")
        line.send(10)
        _, end = line.subscriber()
        line.send(11)
        assert len(end.got) == 1

    def test_sees_nothing_before_a_keyframe(self) -> None:
        line = Line()
        line.send(10, KEY)
        _, end = line.subscriber()
        line.send(11)
        line.send(12)
        assert end.got == []
        line.send(13, KEY)
        line.send(14)
        assert end.payloads == [KEY, SLICE]

    def test_makes_the_relay_request_that_keyframe_until_it_comes(self) -> None:
        line = Line()
        line.send(10, KEY)
        assert not line.track.keyframes.due(line.now)
        line.subscriber()
        assert line.track.keyframes.due(line.now)
        assert line.track.keyframes.due(line.now + 0.5)
        line.send(11, KEY)
        assert not line.track.keyframes.due(line.now + 1)

    def test_a_request_is_answered_by_one_keyframe(self) -> None:
        line = Line()
        line.send(10, KEY)
        line.subscriber()
        line.send(11, KEY)
        line.track.request_keyframe()
        assert line.track.keyframes.due(line.now)
        line.send(12)
        assert line.track.keyframes.due(line.now + 1)
        line.send(13, KEY)
        assert not line.track.keyframes.due(line.now + 2)

    def test_begins_with_a_bare_keyframe_whose_parameter_sets_came_before(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.send(11, b"\x65\x88")
        assert len(end.got) == 2
        _, late = line.subscriber()
        line.send(12, b"\x65\x88")
        assert late.payloads == [KEY, b"\x65\x88"]


class TestTheFirstNumber:
    """RFC 3711 3.3.1: below 2^15, so that a receiver that loses the first packets does not take a wrap for none."""

    @given(st.integers(0, 65535), st.integers(0, 70_000), st.sampled_from(["video", "audio"]))
    @settings(max_examples=60, deadline=None)
    def test_is_below_half_wherever_the_publisher_stands(self, first: int, further: int, kind: str) -> None:
        line = Line(kind)
        _, end_early = line.subscriber()
        line.send(first, KEY)
        line.track.seq_out = (line.track.seq_out + further) & 0xFFFF  # as if so many had come
        line.track.seq_offset = (line.track.seq_offset + further) & 0xFFFF
        _, late = line.subscriber()
        line.send(first + 1, KEY)
        assert end_early.numbers[0] < 1 << 15
        assert late.numbers[0] < 1 << 15

    def test_is_another_one_on_each_subscription(self) -> None:
        firsts = set()
        for _ in range(20):
            line = Line("audio")
            _, end = line.subscriber()
            line.send(5)
            firsts.add(end.numbers[0])
        assert len(firsts) > 10

    def test_is_below_half_for_who_waited_before_the_first_packet_came(self) -> None:
        for first in (0, 1, 32_768, 65_535):
            line = Line("audio")
            _, end = line.subscriber()
            line.send(first)
            line.send(first + 1)
            assert end.numbers[0] < 1 << 15
            assert steps(end.numbers) == [1]

    def test_is_that_of_another_destination_where_that_fits_so_that_one_header_serves_both(self) -> None:
        line = begun_at(40_000)
        first, _ = line.subscriber()
        line.send(40_001, KEY)
        second, _ = line.subscriber()
        line.send(40_002, KEY)
        assert first.renumbering.sequence == second.renumbering.sequence != 0

    def test_leaves_later_numbers_to_go_on_over_the_wrap(self) -> None:
        line = Line("audio")
        _, end = line.subscriber()
        for seq in range(70_000):
            line.send(seq)
        assert set(steps(end.numbers)) == {1}

    def test_lets_a_subscriber_decrypt_that_has_lost_the_first_packets(self) -> None:
        line = begun_at(65_529)
        _, end = line.subscriber()
        for number in range(65_530, 65_600):
            line.send(number, KEY)
        key = bytes(range(30))
        ours, theirs = (_srtp(SRTP_AES128_CM_SHA1_80, key, which) for which in (ANY_OUTBOUND, ANY_INBOUND))
        sealed = [ours.protect(RTP_HEADER.pack(0x80, 96, seq, ts, 77) + payload) for seq, ts, payload in end.got]
        for lost in (0, 1, 8, 40):
            fresh = _srtp(SRTP_AES128_CM_SHA1_80, key, ANY_INBOUND)
            opened = [fresh.unprotect(packet)[RTP_HEADER.size :] for packet in sealed[lost:]]
            assert opened == [KEY] * (70 - lost)
        assert theirs.unprotect(sealed[-1])


def begun_at(number: int) -> Line:
    """Return a line whose track's own number is `number` now, with the publisher's the same."""
    line = Line()
    line.track.seq_out = number - 1 & 0xFFFF
    line.send(number, KEY)
    assert line.track.seq_out == number
    return line


class TestNumbersAcrossTheGate:
    def test_go_on_without_a_gap_or_a_repetition(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(10, KEY)
        line.send(11)
        line.track.stop(down_track)
        for seq in range(12, 40):
            line.send(seq)
        line.track.start(down_track)
        line.send(40)
        line.send(41, KEY)
        line.send(42)
        assert steps(end.numbers) == [1, 1, 1]

    def test_go_on_for_sound_too(self) -> None:
        line = Line("audio")
        down_track, end = line.subscriber(gated=True)
        line.send(10)
        line.track.stop(down_track)
        line.send(11)
        line.send(12)
        line.track.start(down_track)
        line.send(13)
        line.send(14)
        assert steps(end.numbers) == [1, 1]

    def test_go_on_after_a_stop_that_let_nothing_through(self) -> None:
        line = Line("audio")
        down_track, end = line.subscriber(gated=True)
        line.send(10)
        for seq in (11, 12):
            line.track.stop(down_track)
            line.track.start(down_track)
            line.track.stop(down_track)
            line.track.start(down_track)
            line.send(seq)
        assert steps(end.numbers) == [1, 1]

    def test_go_on_over_the_wrap(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(65530, KEY)
        for seq in range(65531, 65534):
            line.send(seq)
        line.track.stop(down_track)
        for seq in range(65534, 65536 + 3):
            line.send(seq)
        line.track.start(down_track)
        line.send(65536 + 3, KEY)
        line.send(65536 + 4)
        assert steps(end.numbers) == [1] * 5

    def test_time_shows_how_long_the_gate_was_shut(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(10, KEY, ts=90_000)
        line.track.stop(down_track)
        line.track.start(down_track)
        line.send(300, KEY, ts=90_000 * 6)
        assert (end.got[1][1] - end.got[0][1]) & 0xFFFFFFFF == 90_000 * 5

    def test_a_late_packet_from_before_is_not_sent_after(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(10, KEY)
        line.track.stop(down_track)
        line.send(12, b"\x41shut")
        line.track.start(down_track)
        line.send(13, KEY)
        line.send(11, b"\x41shut too")
        line.send(14)
        assert steps(end.numbers) == [1, 1]
        assert not any(b"shut" in payload for payload in end.payloads)

    def test_a_late_packet_is_retransmitted_to_a_subscriber_that_was_never_stopped(self) -> None:
        line = Line()
        down_track, _ = line.subscriber(gated=True)
        officer, seen = line.subscriber()
        line.send(10, KEY)
        line.track.stop(down_track)
        line.send(12)
        line.track.start(down_track)
        line.send(13, KEY)
        line.send(11, b"\x41late")
        missing = (seen.numbers[0] + 1) & 0xFFFF
        assert line.cached(officer, missing) == b"\x41late"


class TestAnotherPublisher:
    def test_continues_the_sequence_numbers_of_the_last_one(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.send(11)
        line.publisher(2)
        line.send(40_000, KEY)
        line.send(40_001)
        assert steps(end.numbers) == [1, 1, 1]

    def test_continues_the_timestamps_by_the_time_that_passed(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY, ts=5)
        line.publisher(2)
        line.now += 4.0
        line.send(40_000, KEY, ts=3_000_000_000)
        passed = (end.got[1][1] - end.got[0][1]) & 0xFFFFFFFF
        assert passed == pytest.approx(4.02 * 90_000, abs=2)

    def test_shows_nothing_before_its_first_keyframe(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.publisher(2)
        for seq in range(200, 205):
            line.send(seq, b"\x41refers to what nobody has")
        line.send(205, KEY)
        assert end.payloads == [KEY, KEY]
        assert steps(end.numbers) == [1]

    def test_is_heard_at_once(self) -> None:
        line = Line("audio")
        _, end = line.subscriber()
        line.send(10)
        line.publisher(2)
        line.send(9000)
        assert steps(end.numbers) == [1]

    def test_may_change_its_ssrc_on_the_same_connection(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.ssrc = 9
        line.send(3, KEY)
        assert steps(end.numbers) == [1]

    def test_cannot_send_a_packet_from_before_its_first_one(self) -> None:
        line = Line("audio")
        _, end = line.subscriber()
        line.send(10)
        line.publisher(2)
        line.send(500)
        line.send(499, b"would take a number that was used")
        assert steps(end.numbers) == [1]

    def test_does_not_disturb_a_subscriber_that_is_stopped(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(10, KEY)
        line.track.stop(down_track)
        line.send(11)
        line.publisher(2)
        line.send(600, KEY)
        line.track.start(down_track)
        line.send(601, KEY)
        assert steps(end.numbers) == [1]


class TestSenderReports:
    """RFC 3550 6.4.1: NTP stays the publisher's, the RTP timestamp and the counts become those of the down track."""

    def test_the_timestamp_is_the_one_that_packets_carry(self) -> None:
        line = Line()
        down_track, end = line.subscriber()
        line.send(10, KEY, ts=123_456)
        report = line.track.sender_report_for(down_track, SenderReport(1, 1 << 40, 123_456, 99, 99))
        assert (report.ssrc, report.ntp, report.timestamp) == (down_track.ssrc, 1 << 40, end.got[0][1])

    def test_the_timestamp_fits_after_another_publisher_took_over(self) -> None:
        line = Line()
        down_track, end = line.subscriber()
        line.send(10, KEY, ts=1)
        line.publisher(2)
        line.send(999, KEY, ts=777)
        assert line.track.sender_report_for(down_track, SenderReport(2, 5, 777, 0, 0)).timestamp == end.got[-1][1]

    def test_the_counts_are_those_of_this_down_track(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(10, KEY)
        line.send(11, b"\x41four")
        line.track.stop(down_track)
        line.send(12)
        line.track.start(down_track)
        line.send(13, KEY)
        report = line.track.sender_report_for(down_track, SenderReport(1, 5, 777, 0, 0))
        assert (report.packets, report.octets) == (len(end.got), sum(map(len, end.payloads)))


class TestWhatCrossed:
    def test_is_counted_on_when_the_far_room_connects_again(self) -> None:
        line = Line("audio")
        counts = []
        for first in (10, 20, 30):
            down_track, _ = line.subscriber(gated=True)
            line.subscriber()
            for seq in range(first, first + 5):
                line.send(seq)
                counts.append(line.track.crossed)
            line.track.remove(down_track)
            line.track.remove(down_track)
        assert counts == list(range(1, 16))


class TestFlow:
    def test_a_picture_flows_once_it_can_be_decoded(self) -> None:
        line = Line()
        line.send(10)
        assert not line.track.flowing(line.now)
        line.send(11, KEY)
        assert line.track.flowing(line.now)
        assert not line.track.flowing(line.now + FRESH)

    def test_the_beginning_of_the_flow_is_noted(self) -> None:
        line = Line("audio")
        line.send(10)
        assert line.track.update_flow(line.now)
        since = line.track.flowing_since
        line.send(11)
        line.track.update_flow(line.now)
        assert line.track.flowing_since == since
        assert not line.track.update_flow(line.now + 5)
        line.now += 6
        line.send(12)
        line.track.update_flow(line.now)
        assert line.track.flowing_since == line.now
