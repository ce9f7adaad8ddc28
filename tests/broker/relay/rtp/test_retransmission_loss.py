"""Losses in both directions: retransmissions to subscribers, requests to publishers, and receiver reports."""

import itertools

from broker.relay.rtp.receive_stats import CUT, MAX_GAP, REPAIR_TRIES, ROUND_TRIP, TWICE_AFTER, ReceiveStats
from tests.support.relay.track_model import KEY, Line


class TestRepairs:
    def test_bring_the_packet_that_had_the_number(self) -> None:
        line = Line()
        down_track, end = line.subscriber()
        line.send(10, KEY)
        line.send(11, b"\x41one")
        line.send(12, b"\x41two")
        assert [line.cached(down_track, number) for number in end.numbers] == end.payloads

    def test_are_not_asked_for_after_a_cut_and_a_keyframe_is(self) -> None:
        line = Line()
        line.subscriber()
        line.send(10, KEY)
        line.now += CUT
        line.send(30)
        assert line.track.receive_stats is not None and line.track.receive_stats.missing == {}
        assert line.track.keyframes.wanted

    def test_bring_nothing_from_before_the_gate_opened(self) -> None:
        line = Line("audio")
        down_track, end = line.subscriber(gated=True, start=False)
        for seq in range(100, 130):
            line.send(seq, b"secret")
        line.track.start(down_track)
        line.send(130, b"open")
        asked = [line.cached(down_track, end.numbers[0] - back) for back in range(1, 60)]
        assert asked == [None] * 59

    def test_bring_nothing_from_while_the_gate_was_shut(self) -> None:
        line = Line()
        down_track, end = line.subscriber(gated=True)
        line.send(100, KEY)
        line.track.stop(down_track)
        for seq in range(101, 140):
            line.send(seq, b"\x41secret")
        line.track.start(down_track)
        line.send(140, KEY)
        line.send(141)
        found = {line.cached(down_track, number) for number in range(65536)}
        assert not any(payload and b"secret" in payload for payload in found)
        assert line.cached(down_track, end.numbers[-1]) == end.payloads[-1]

    def test_bring_nothing_of_the_publisher_before(self) -> None:
        line = Line()
        down_track, end = line.subscriber()
        line.send(10, KEY)
        line.send(11, b"\x41old")
        line.publisher(2)
        line.send(500, KEY)
        assert [line.cached(down_track, number) for number in end.numbers] == [None, None, KEY]

    def test_are_requested_a_few_times_and_then_replaced_by_a_keyframe(self) -> None:
        line = Line()
        line.send(10, KEY)
        line.send(14)
        asked: list[int] = []
        for step in range(100):
            asked += line.track.repairs_due(line.now + step * 0.05)
        assert sorted(asked) == sorted([11, 12, 13] * REPAIR_TRIES)
        assert line.track.keyframes.due(line.now + 5)
        assert line.track.receive_stats is not None
        assert line.track.receive_stats.missing == {}

    def test_are_requested_twice_each_time_where_much_is_lost_as_requests_get_lost_too(self) -> None:
        for loss, expected in ((0.0, 1), (0.05, 2)):
            stats = fed([10, 11, 13])
            stats.loss = loss
            asked = [step for step in range(30) for _ in stats.repairs_due(1000.1 + step / 1000)[0]]
            assert len(asked) == expected
            assert asked[-1] == (0 if expected == 1 else round(TWICE_AFTER * 1000))
            assert len([step for step in range(30, 80) for _ in stats.repairs_due(1000.1 + step / 1000)[0]]) == expected

    def test_are_requested_three_times_at_one_pace_and_then_ever_more_slowly(self) -> None:
        stats = fed([10, 11, 13])
        asked = [step for step in range(1000) for _ in stats.repairs_due(1000.1 + step / 1000)[0]]
        between = [later - earlier for earlier, later in itertools.pairwise(asked)]
        assert len(asked) == REPAIR_TRIES
        assert max(between[:3]) - min(between[:3]) <= 1
        assert between[2] < between[3] < between[4]

    def test_a_request_is_not_repeated_for_a_packet_that_has_come(self) -> None:
        stats = fed([10, 11, 13])
        stats.loss, stats.brought = 0.05, None
        assert stats.repairs_due(1000.1)[0] == [12]
        stats.late(12, 1000.11)
        assert stats.repairs_due(1000.13)[0] == []
        assert stats.round_trip < ROUND_TRIP

    def test_are_not_requested_when_packets_come_in_disorder(self) -> None:
        line = Line()
        line.send(10, KEY)
        line.send(12)
        line.send(11)
        assert line.track.repairs_due(line.now) == []

    def test_lost_sound_is_not_worth_a_keyframe(self) -> None:
        line = Line("audio")
        line.send(10)
        line.send(12)
        for step in range(100):
            line.track.repairs_due(line.now + step)
        assert not line.track.keyframes.due(line.now + 200)

    def test_a_jump_is_a_restart_and_no_loss(self) -> None:
        line = Line()
        line.send(10, KEY)
        line.send(10 + MAX_GAP + 1)
        assert line.track.repairs_due(line.now) == []
        assert line.track.keyframes.due(line.now)

    def test_the_number_of_missing_packets_stays_bounded(self) -> None:
        line = Line()
        for number in range(500):
            line.send(number * 200, KEY)
            assert line.track.receive_stats is not None
            assert len(line.track.receive_stats.missing) <= MAX_GAP


class TestReceiverReports:
    """The report blocks of RFC 3550 A.3."""

    def test_count_packets_lost_since_the_last_report(self) -> None:
        arrivals = fed(range(100, 200), lost={120, 121, 122, 123, 124})
        assert arrivals.report(5.0).lost == 5
        first = fed(range(100, 200), lost=set(range(100, 150)) - {100}).report(5.0)
        assert first.fraction == 49 * 256 // 100

    def test_have_the_extended_highest_number_over_the_wrap(self) -> None:
        assert fed(range(65_530, 65_540)).report(5.0).highest == 65_539
        assert fed(range(0, 5)).report(5.0).highest == 4

    def test_duplicates_do_not_count_as_negative_losses_in_the_fraction(self) -> None:
        arrivals = fed([1, 2, 3])
        arrivals.received += 5
        block = arrivals.report(5.0)
        assert (block.fraction, block.lost) == (0, -5)

    def test_retransmitted_packets_count_as_lost_and_overtaken_ones_do_not(self) -> None:
        for brought, lost in ((None, 1), (set(), 0), ({11}, 1)):
            line = Line("audio")
            line.send(10)
            assert line.track.receive_stats is not None
            line.track.receive_stats.brought = brought
            line.send(12)
            line.track.repairs_due(line.now + 1)
            line.send(11)
            assert line.track.receive_stats.report(5.0).lost == lost

    def test_have_the_delay_since_the_last_sender_report(self) -> None:
        arrivals = fed([1])
        arrivals.last_sr, arrivals.last_sr_at = 0xABCD, 10.0
        block = arrivals.report(10.5)
        assert (block.last_sr, block.delay) == (0xABCD, 32768)


def fed(numbers: "range | list[int]", lost: frozenset[int] | set[int] = frozenset()) -> ReceiveStats:
    line = Line("audio")
    for number in numbers:
        if number not in lost:
            line.send(number)
    assert line.track.receive_stats is not None
    return line.track.receive_stats
