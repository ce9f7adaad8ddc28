"""The parts of a down track: numbers without a gap, counts without the pauses, and reports that name ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.media.rtcp import ReportBlock
from broker.relay.down_track import NEVER, SENDER_REPORTS, Flow, Renumbering, SentCounts, SubscriberReports
from tests.support.relay.track_model import Line


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5000)), min_size=1, max_size=30), st.integers(0, 65535))
def test_renumbered_packets_have_no_gap_over_any_pauses(story: list[tuple[int, int]], number: int) -> None:
    renumbering, sent = Renumbering(), []
    for count, paused in story:
        renumbering.join(number & 0xFFFF)
        for _ in range(count):
            sent.append(renumbering.to_subscriber(number & 0xFFFF))
            assert renumbering.to_track(sent[-1]) == number & 0xFFFF
            number += 1
        renumbering.leave((number - 1) & 0xFFFF)
        number += paused
    assert sent == [(sent[0] + index) & 0xFFFF for index in range(len(sent))]


def test_counts_are_without_what_the_track_got_during_pauses() -> None:
    counts = SentCounts()
    counts.join(100, 1000)
    assert counts.total(105, 1500) == (5, 500)
    counts.leave(110, 2000)
    assert counts.total(300, 9000) == (10, 1000)
    counts.join(300, 9000)
    assert counts.total(301, 9100) == (11, 1100)


def test_only_progress_in_a_report_proves_that_packets_arrive_while_they_flow() -> None:
    reports = SubscriberReports()
    block = ReportBlock(1, 64, 0, 7, 900, 0, 0)
    reports.received(block, 10.0, flowing=True)
    reports.received(block, 11.0, flowing=True)
    assert (reports.progressed_at, reports.lost_fraction, reports.jitter) == (10.0, 64, 900)
    reports.received(block, 12.0, flowing=False)
    assert reports.progressed_at == 12.0


def test_a_gap_that_the_publishers_own_line_left_is_no_loss_of_the_subscriber() -> None:
    reports = SubscriberReports()
    reports.received(ReportBlock(1, 250, 261, 300, 0, 0, 0), 10.0, flowing=True, excused=True)
    assert (reports.lost_fraction, reports.missed_at, reports.progressed_at) == (0, NEVER, 10.0)
    reports.received(ReportBlock(1, 250, 522, 600, 0, 0, 0), 11.0, flowing=True)
    assert (reports.lost_fraction, reports.missed_at) == (250, 11.0)


def test_the_round_trip_is_known_from_a_remembered_sender_report() -> None:
    reports = SubscriberReports()
    for ntp in range(1, SENDER_REPORTS + 2):
        reports.sender_report_sent(ntp, 10.0)
    reports.received(ReportBlock(1, 0, 0, 7, 0, 1, 0), 10.5, flowing=True)
    assert reports.round_trip is None, "the oldest is forgotten"
    reports.received(ReportBlock(1, 0, 0, 8, 0, 2, 65536 // 4), 10.5, flowing=True)
    assert reports.round_trip == pytest.approx(0.25)


def test_the_flow_of_a_picture_goes_through_waiting_and_pausing() -> None:
    line = Line()
    down_track, _ = line.subscriber(start=False)
    seen = [down_track.flow]
    line.track.start(down_track)
    seen.append(down_track.flow)
    line.send(10, b"\x67\x42")
    seen.append(down_track.flow)
    line.track.pause(down_track)
    seen.append(down_track.flow)
    line.send(11)
    seen.append(down_track.flow)
    line.track.start(down_track)
    seen.append(down_track.flow)
    line.track.stop(down_track)
    assert [*seen, down_track.flow] == [
        Flow.STOPPED,
        Flow.WAITING,
        Flow.FLOWING,
        Flow.PAUSING,
        Flow.PAUSED,
        Flow.RESUMING,
        Flow.STOPPED,
    ]
