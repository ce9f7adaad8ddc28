"""What a subscriber's RTCP changes: proof that it receives, its round trip, and what is sent to it again."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.media import rtcp
from broker.media.rtcp import ReportBlock
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.down_track import RATIONED_AT_ONCE
from broker.relay.limits.rtcp_budget import RtcpBudget
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp import retransmission, rtcp_feedback
from broker.relay.rtp.receive_stats import TOLD, UNHEEDED
from broker.relay.tap import Tap
from tests.support.relay.track_model import KEY, RTX, Line


class Subscriber:
    """A subscriber of one picture; `sent` is what is sent to it again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line = Line()
        self.line.track.params = CodecParams(96, nack=True)
        self.sent: list[bytes] = []
        self.down_track, self.end = self.line.subscriber(params=RTX)
        self.peer: Any = SimpleNamespace(
            down_tracks=[self.down_track], streams={}, path=SentPackets(), rtcp_budget=RtcpBudget()
        )
        monkeypatch.setattr(retransmission, "_send", lambda _, datagram: self.sent.append(datagram) or datagram)
        self.line.send(10, KEY)
        self.line.send(11)

    def handle(self, data: bytes, now: float = 0.0) -> None:
        rtcp_feedback.handle_compound(self.peer, Tap(), data, now or self.line.now, 0)

    def report(self, **changed: int) -> bytes:
        block = ReportBlock(77, 0, 0, self.end.numbers[-1], 0, 0, 0)._replace(**changed)
        return rtcp.build_receiver_report([block])


@pytest.fixture
def subscriber(monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    return Subscriber(monkeypatch)


def test_only_progress_in_a_report_is_proof(subscriber: Subscriber) -> None:
    subscriber.handle(subscriber.report())
    proven = subscriber.down_track.reports.progressed_at
    assert proven == subscriber.line.now
    subscriber.line.send(12)
    subscriber.handle(subscriber.report(highest=subscriber.down_track.reports.highest))
    assert subscriber.down_track.reports.progressed_at == proven


def test_the_gap_after_a_cut_of_the_publishers_line_is_no_loss_of_its_subscribers(subscriber: Subscriber) -> None:
    """A receiver report cannot tell whose line lost a packet: a subscriber's picture would be paused for it."""
    subscriber.line.now += 10
    subscriber.line.send(200)
    subscriber.handle(subscriber.report(fraction=250))
    assert subscriber.down_track.reports.lost_fraction == 0
    subscriber.line.now += TOLD
    subscriber.line.send(201)
    subscriber.line.send(203)
    subscriber.handle(subscriber.report(fraction=128))
    assert subscriber.down_track.reports.lost_fraction == 128


def test_the_round_trip_is_the_time_since_our_report_without_the_delay(subscriber: Subscriber) -> None:
    subscriber.down_track.reports.sender_report_sent(0xABCD0000, subscriber.line.now)
    subscriber.handle(subscriber.report(last_sr=0xABCD0000, delay=65536 // 4), subscriber.line.now + 0.33)
    assert subscriber.down_track.reports.round_trip == pytest.approx(0.08, abs=0.001)


def test_an_unknown_sender_report_gives_no_round_trip(subscriber: Subscriber) -> None:
    subscriber.handle(subscriber.report(last_sr=0x1234, delay=1))
    assert subscriber.down_track.reports.round_trip is None


def test_a_missed_packet_is_sent_once_for_several_requests_at_a_time(subscriber: Subscriber) -> None:
    nack = rtcp.build_nack(77, subscriber.end.numbers)
    subscriber.handle(nack + nack)
    assert len(subscriber.sent) == 2
    subscriber.handle(nack, subscriber.line.now + 0.01)
    assert len(subscriber.sent) == 2
    subscriber.handle(nack, subscriber.line.now + 0.2)
    assert len(subscriber.sent) == 4


def test_a_missed_packet_is_sent_once_for_all_requests_within_a_round_trip(subscriber: Subscriber) -> None:
    subscriber.down_track.reports.round_trip = 0.3
    nack = rtcp.build_nack(77, subscriber.end.numbers)
    for after in (0.0, 0.1, 0.2, 0.29):
        subscriber.handle(nack, subscriber.line.now + after)
    assert len(subscriber.sent) == 2
    subscriber.handle(nack, subscriber.line.now + 0.31)
    assert len(subscriber.sent) == 4


def test_only_the_first_nack_of_a_packet_is_proof(subscriber: Subscriber) -> None:
    def proven(now: float, *numbers: int) -> bool:
        subscriber.down_track.reports.progressed_at = 0.0
        subscriber.handle(rtcp.build_nack(77, list(numbers)), now)
        return subscriber.down_track.reports.progressed_at == now

    first, second = subscriber.end.numbers
    now = subscriber.line.now
    assert proven(now, first)
    assert not proven(now + 0.1, first)
    assert proven(now + 0.2, first, second)
    assert not proven(now + 0.3, (second + 1) & 0xFFFF)  # it cannot have missed that one
    assert not proven(now + 0.3, (first - 600) & 0xFFFF)
    subscriber.handle(rtcp.build_nack(77, []), now)
    subscriber.line.publisher(2)
    subscriber.line.send(9, KEY)
    assert proven(subscriber.line.now, subscriber.end.numbers[-1])
    subscriber.line.track.stop(subscriber.down_track)
    assert not proven(subscriber.line.now, subscriber.end.numbers[-1])


def test_retransmissions_that_are_rationed_are_few_and_not_none(subscriber: Subscriber) -> None:
    subscriber.down_track.retransmissions.rationed = True
    for seq in range(12, 400):
        subscriber.line.send(seq)
    missed = subscriber.end.numbers[-300:]
    for begin in range(0, len(missed), 60):
        subscriber.handle(rtcp.build_nack(77, missed[begin : begin + 60]))
    assert len(subscriber.sent) == RATIONED_AT_ONCE


def test_retransmissions_to_one_down_track_are_limited(subscriber: Subscriber) -> None:
    for seq in range(12, 400):
        subscriber.line.send(seq)
    for start in range(0, 390, 17):
        subscriber.handle(rtcp.build_nack(77, subscriber.end.numbers[start : start + 17]))
    assert len(subscriber.sent) == 100


@pytest.mark.parametrize(("gated", "least", "most"), [(False, 3, 5), (True, 13, 17)])
def test_the_keyframe_requests_of_a_supervisor_are_limited(
    subscriber: Subscriber, gated: bool, least: int, most: int
) -> None:
    asked: list[bytes] = []
    publisher: Any = SimpleNamespace(ready=True, send_rtcp=asked.append)
    subscriber.line.track.publisher, subscriber.down_track.gated = publisher, gated
    for tick in range(100):  # five seconds
        now = subscriber.line.now + tick / 20
        subscriber.handle(rtcp.build_pli(77) + rtcp.build_pli(77), now)
        before = len(asked)
        rtcp_feedback.send_requests(subscriber.line.track, now)
        if len(asked) > before:
            subscriber.line.track.keyframes.arrived()
    assert least <= len(asked) <= most


def test_a_keyframe_request_is_kept_until_it_is_passed_on_or_one_comes(subscriber: Subscriber) -> None:
    track, now = subscriber.line.track, subscriber.line.now
    for may in (True, True, False):
        subscriber.handle(rtcp.build_pli(77), now)
        rtcp_feedback.send_requests(track, now)
        assert track.keyframes.wanted is may
        track.keyframes.arrived()
    rtcp_feedback.send_requests(track, now + 2)
    assert track.keyframes.wanted
    subscriber.handle(rtcp.build_pli(77), now + 2)
    subscriber.line.send(12, KEY)
    assert not subscriber.down_track.keyframe.pending


def test_a_stopped_down_track_gets_no_retransmission(subscriber: Subscriber) -> None:
    subscriber.line.track.stop(subscriber.down_track)
    subscriber.handle(rtcp.build_nack(77, subscriber.end.numbers))
    assert subscriber.sent == []


def test_what_the_publisher_repaired_is_sent_again_only_on_a_bad_line_and_a_copy_later(subscriber: Subscriber) -> None:
    track = subscriber.line.track
    for lossy in (False, True):
        subscriber.down_track.lossy, subscriber.sent = lossy, []
        subscriber.line.send(track.receive_stats.highest + 2)  # type: ignore[union-attr]
        assert len(track.repairs_due(subscriber.line.now + 1)) == 1
        subscriber.line.send(track.receive_stats.highest - 1)  # type: ignore[union-attr]
        retransmission.repeat_repaired(track, subscriber.line.now)
        assert len(subscriber.sent) == (1 if lossy else 0)
        assert subscriber.down_track.later.waiting is lossy
        assert track.repaired == []


class TestLostSoundThatNoPublisherHasAgreedToSendAgain:
    """RFC 4585 4.2: requests may be sent, and must not be relied on."""

    def requests(self, line: Line, losses: int, answered: bool) -> int:
        """Lose so many packets of sound, one by one. Return for how many of them a request was sent."""
        asked: list[bytes] = []
        publisher: Any = SimpleNamespace(ready=True, send_rtcp=asked.append)
        line.track.params, line.track.publisher = CodecParams(111, nack_untold=True), publisher
        line.send(1)
        found = 0
        for seq in range(3, 3 + 2 * losses, 2):
            line.send(seq)
            before = len(asked)
            for tick in range(5 if answered else 100):
                rtcp_feedback.send_requests(line.track, line.now + tick / 100)
            found += len(asked) > before
            if answered:
                line.send(seq - 1)
        return found

    def test_is_requested_as_long_as_the_publisher_answers(self) -> None:
        assert self.requests(Line("audio"), 40, answered=True) == 40

    def test_is_no_longer_requested_when_none_comes_again(self) -> None:
        assert self.requests(Line("audio"), 40, answered=False) == UNHEEDED
