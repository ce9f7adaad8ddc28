"""A track outlives its publishers: numbers and time go on, no number is used twice, and nothing from before is sent."""

import pytest

from broker.media.rtcp import SenderReport
from broker.relay.track import FRESH
from tests.support.relay.track_model import KEY, SLICE, Line, steps


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

    def test_does_not_begin_with_a_bare_idr_where_parameter_sets_came_before(self) -> None:
        line = Line()
        _, end = line.subscriber()
        line.send(10, KEY)
        line.send(11, b"\x65\x88")
        assert len(end.got) == 2
        _, late = line.subscriber()
        line.send(12, b"\x65\x88")
        assert late.got == []


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
