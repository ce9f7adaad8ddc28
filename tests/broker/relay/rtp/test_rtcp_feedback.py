"""What a watcher's reports change: proof that it receives, how far away it is, and what it gets again."""

from types import SimpleNamespace
from typing import Any

import pytest

from broker.media import rtcp
from broker.media.rtcp import ReportBlock
from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.rtp import retransmission, rtcp_feedback
from broker.relay.tap import Tap
from tests.support.relay.track_model import KEY, RTX, Line


class Watcher:
    """A watcher of one picture, and what it is sent again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.line = Line()
        self.line.track.params = CodecParams(96, nack=True)
        self.sent: list[bytes] = []
        self.down_track, self.end = self.line.subscriber(params=RTX)
        self.peer: Any = SimpleNamespace(down_tracks=[self.down_track], streams={}, path=SentPackets())
        monkeypatch.setattr(retransmission, "_send", lambda _, datagram: self.sent.append(datagram))
        self.line.send(10, KEY)
        self.line.send(11)

    def tell(self, data: bytes, now: float = 0.0) -> None:
        rtcp_feedback.handle_compound(self.peer, Tap(), data, now or self.line.now, 0)

    def report(self, **changed: int) -> bytes:
        block = ReportBlock(77, 0, 0, self.end.numbers[-1], 0, 0, 0)._replace(**changed)
        return rtcp.build_receiver_report([block])


@pytest.fixture
def watcher(monkeypatch: pytest.MonkeyPatch) -> Watcher:
    return Watcher(monkeypatch)


def test_progress_in_a_report_is_proof_and_the_same_again_is_none(watcher: Watcher) -> None:
    watcher.tell(watcher.report())
    proven = watcher.down_track.reports.progressed_at
    assert proven == watcher.line.now
    watcher.line.send(12)
    watcher.tell(watcher.report(highest=watcher.down_track.reports.highest))
    assert watcher.down_track.reports.progressed_at == proven


def test_the_round_trip_is_what_the_report_leaves_of_the_time_since_ours(watcher: Watcher) -> None:
    watcher.down_track.reports.sender_report_sent(0xABCD0000, watcher.line.now)
    watcher.tell(watcher.report(last_sr=0xABCD0000, delay=65536 // 4), watcher.line.now + 0.33)
    assert watcher.down_track.reports.round_trip == pytest.approx(0.08, abs=0.001)


def test_a_report_on_a_report_that_we_never_sent_says_nothing_of_the_round_trip(watcher: Watcher) -> None:
    watcher.tell(watcher.report(last_sr=0x1234, delay=1))
    assert watcher.down_track.reports.round_trip is None


def test_what_it_misses_comes_once_however_often_it_asks_at_a_time(watcher: Watcher) -> None:
    nack = rtcp.build_nack(77, watcher.end.numbers)
    watcher.tell(nack + nack)
    assert len(watcher.sent) == 2
    watcher.tell(nack, watcher.line.now + 0.01)
    assert len(watcher.sent) == 2
    watcher.tell(nack, watcher.line.now + 0.2)
    assert len(watcher.sent) == 4


def test_to_miss_a_packet_for_the_first_time_is_proof_and_to_miss_it_again_is_none(watcher: Watcher) -> None:
    def proven(now: float, *numbers: int) -> bool:
        watcher.down_track.reports.progressed_at = 0.0
        watcher.tell(rtcp.build_nack(77, list(numbers)), now)
        return watcher.down_track.reports.progressed_at == now

    first, second = watcher.end.numbers
    now = watcher.line.now
    assert proven(now, first)
    assert not proven(now + 0.1, first)
    assert proven(now + 0.2, first, second)
    assert not proven(now + 0.3, (second + 1) & 0xFFFF)  # which it cannot have missed
    assert not proven(now + 0.3, (first - 600) & 0xFFFF)
    watcher.tell(rtcp.build_nack(77, []), now)
    watcher.line.publisher(2)
    watcher.line.send(9, KEY)
    assert proven(watcher.line.now, watcher.end.numbers[-1])
    watcher.line.track.stop(watcher.down_track)
    assert not proven(watcher.line.now, watcher.end.numbers[-1])


def test_nobody_gets_more_again_than_a_leg_may(watcher: Watcher) -> None:
    for seq in range(12, 400):
        watcher.line.send(seq)
    for start in range(0, 390, 17):
        watcher.tell(rtcp.build_nack(77, watcher.end.numbers[start : start + 17]))
    assert len(watcher.sent) == 100


@pytest.mark.parametrize(("gated", "least", "most"), [(False, 3, 5), (True, 13, 17)])
def test_a_supervisor_that_wants_keyframes_all_the_time_costs_the_others_few(
    watcher: Watcher, gated: bool, least: int, most: int
) -> None:
    asked: list[bytes] = []
    publisher: Any = SimpleNamespace(ready=True, send_rtcp=asked.append)
    watcher.line.track.publisher, watcher.down_track.gated = publisher, gated
    for tick in range(100):  # five seconds
        now = watcher.line.now + tick / 20
        watcher.tell(rtcp.build_pli(77) + rtcp.build_pli(77), now)
        before = len(asked)
        rtcp_feedback.send_requests(watcher.line.track, now)
        if len(asked) > before:
            watcher.line.track.keyframes.arrived()
    assert least <= len(asked) <= most


def test_a_wish_for_a_keyframe_is_kept_until_it_may_be_passed_on_or_one_came(watcher: Watcher) -> None:
    track, now = watcher.line.track, watcher.line.now
    for may in (True, True, False):
        watcher.tell(rtcp.build_pli(77), now)
        rtcp_feedback.send_requests(track, now)
        assert track.keyframes.wanted is may
        track.keyframes.arrived()
    rtcp_feedback.send_requests(track, now + 2)
    assert track.keyframes.wanted
    watcher.tell(rtcp.build_pli(77), now + 2)
    watcher.line.send(12, KEY)
    assert not watcher.down_track.keyframe.pending


def test_who_is_shut_out_gets_nothing_again(watcher: Watcher) -> None:
    watcher.line.track.stop(watcher.down_track)
    watcher.tell(rtcp.build_nack(77, watcher.end.numbers))
    assert watcher.sent == []


def test_a_repair_for_us_is_doubled_only_where_the_line_loses_much(watcher: Watcher) -> None:
    track = watcher.line.track
    for copies in (1, 3):
        watcher.down_track.copies, watcher.sent = copies, []
        watcher.line.send(track.receive_stats.highest + 2)  # type: ignore[union-attr]
        assert len(track.repairs_due(watcher.line.now + 1)) == 1
        watcher.line.send(track.receive_stats.highest - 1)  # type: ignore[union-attr]
        retransmission.repeat_repaired(track, watcher.line.now)
        assert len(watcher.sent) == (2 if copies > 1 else 0)
        assert track.repaired == []
