"""What a watcher's line needs: copies on a bad one, rests on a weak one, and nothing at all on a good one."""

from itertools import pairwise

from broker.relay.congestion.sent_packets import SentPackets
from broker.relay.congestion.subscriber_adaptation import COPIES, REST, SubscriberAdaptation
from broker.relay.down_track import PlanEntry
from tests.support.relay.track_model import KEY, NAMED, PLAIN, Fixed, Line, steps

FRAME = b"\x41" + bytes(1400)  # three a frame at 30 frames a second: 1 Mbit/s


class Watcher:
    """One watcher of a picture; its line says what we tell it to say."""

    def __init__(self, gated: bool = False, named: bool = True) -> None:
        self.line = Line()
        self.down_track, self.end = self.line.subscriber(gated=gated, params=NAMED if named else PLAIN)
        self.path = SentPackets()
        self.adaptation = SubscriberAdaptation(self.path, [self.down_track], gated)
        self.seq = 0
        self.frame(KEY)

    def frame(self, first: bytes = FRAME) -> None:
        ts = self.line.now * 90_000
        for payload in (first, FRAME, FRAME):
            self.line.now -= 0.02
            self.line.send(self.seq, payload, int(ts))
            self.seq += 1
        self.line.now += 1 / 30

    def watch(self, seconds: float, keyframes: bool = True) -> int:
        """Frames go by; how many of their packets reach the watcher."""
        before, until = len(self.end.got), self.line.now + seconds
        while self.line.now < until:
            self.frame(KEY if keyframes and self.line.track.keyframes.wanted else FRAME)
            self.adaptation.tick(self.line.now)
        return len(self.end.got) - before


def test_a_good_line_is_left_alone() -> None:
    watcher = Watcher()
    assert watcher.watch(20) >= 20 * 30 * 3
    assert watcher.down_track.copies == 1


def test_a_weak_line_gets_about_what_it_carries() -> None:
    watcher = Watcher()
    watcher.path.capacity = Fixed(500_000)  # type: ignore[assignment]
    watcher.watch(20)
    packets = watcher.watch(60)
    assert 0.5 * 500_000 < packets * 8 * 1413 / 60 < 1.1 * 500_000


def test_it_sees_whole_frames_that_begin_with_keyframes_under_numbers_without_a_hole() -> None:
    watcher = Watcher()
    watcher.path.capacity = Fixed(500_000)  # type: ignore[assignment]
    watcher.watch(60)
    assert set(steps(watcher.end.numbers)) == {1}
    stamps = [stamp for _, stamp, _ in watcher.end.got]
    counts = {stamp: stamps.count(stamp) for stamp in stamps[:-3]}
    assert set(counts.values()) == {3}
    frames = list(counts)
    jumps = [after for before, after in pairwise(frames) if after - before > 3100]
    first = {stamp: payload for _, stamp, payload in reversed(watcher.end.got)}
    assert len(jumps) >= 3
    assert all(first[stamp] == KEY for stamp in jumps)


def test_it_does_not_ask_for_keyframes_all_the_time() -> None:
    watcher = Watcher()
    watcher.path.capacity = Fixed(200_000)  # type: ignore[assignment]
    watcher.watch(60)
    assert sum(payload == KEY for _, _, payload in watcher.end.got) <= 60 / REST + 1


def test_a_line_that_carries_nothing_but_sound_gets_nothing_but_sound() -> None:
    watcher = Watcher()
    watcher.path.capacity = Fixed(60_000)  # type: ignore[assignment]
    watcher.watch(10)
    assert watcher.watch(60) == 0


def test_the_picture_comes_back_when_the_line_is_good_again() -> None:
    watcher = Watcher()
    watcher.path.capacity = Fixed(60_000)  # type: ignore[assignment]
    watcher.watch(10)
    watcher.path.capacity = SentPackets().capacity
    assert watcher.watch(REST + 1) > 30
    assert watcher.down_track.flowing


def test_the_far_rooms_line_is_given_time_for_its_sender_to_send_less() -> None:
    watcher = Watcher(gated=True)
    watcher.path.capacity = Fixed(700_000)  # type: ignore[assignment]
    assert watcher.watch(5) >= 5 * 30 * 3


def test_on_a_bad_line_sound_and_repairs_go_out_several_times() -> None:
    line = Line("audio")
    down_track, _ = line.subscriber(params=NAMED)
    path = SentPackets()
    adaptation = SubscriberAdaptation(path, [down_track], False)
    path.capacity.loss = 0.05
    adaptation.tick(100.0)
    assert down_track.copies == COPIES
    assert PlanEntry(*line.track.plan[0]).copies == COPIES
    path.capacity.loss = 0.0
    adaptation.tick(101.0)
    assert down_track.copies == 1


def test_a_stranger_who_cannot_name_packets_is_judged_by_its_reports() -> None:
    line = Line("audio")
    down_track, _ = line.subscriber()
    adaptation = SubscriberAdaptation(SentPackets(), [down_track], False)
    down_track.reports.lost_fraction = 26
    adaptation.tick(100.0)
    assert down_track.copies == COPIES


def test_its_reports_of_much_loss_let_the_picture_rest() -> None:
    watcher = Watcher(named=False)
    watcher.down_track.reports.lost_fraction = 128
    assert watcher.watch(10, keyframes=False) < 10 * 30 * 3
    assert watcher.down_track.resting


def test_so_does_its_own_estimate_but_only_far_below_what_it_gets() -> None:
    for estimate, rests in ((1_000_000, False), (200_000, True)):
        watcher = Watcher(named=False)
        for _ in range(20):
            watcher.path.estimated = estimate
            watcher.watch(0.5)
        assert watcher.path.capacity.limited is rests
