"""Pictures on weak lines: they leave in order, each number once, at the line's rate, and sound hardly waits."""

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.down_track import Flow
from broker.relay.rtp.paced_pictures import SOON, behind, pace, rest_of_frame, shorten
from broker.relay.rtp.pacing import OVERHEAD, SLACK, Pacing
from tests.support.relay.track_model import KEY, RTX, SLICE, Line, steps
from tests.support.udp_proxy import LATEST

SIZE = 1200
RATE = 200_000  # bit/s
SECONDS = 8 * (SIZE + OVERHEAD) / RATE  # of one packet


def cache_of(numbers: range, lacking: frozenset[int] = frozenset()) -> list[tuple[int, bytes] | None]:
    cache: list[tuple[int, bytes] | None] = [None] * 512
    for number in numbers:
        if number not in lacking:
            cache[number % 512] = number & 0xFFFF, bytes(SIZE)
    return cache


class TestPacing:
    def test_packets_leave_at_the_rate(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 200))
        left = [(step / 100, number) for step in range(1, 400) for number, _ in pacing.take(cache, 199, (), step / 100)]
        assert [number for _, number in left] == list(range(100, 100 + len(left)))
        assert abs(len(left) - (4.0 + SLACK) / SECONDS) <= 1

    def test_a_late_look_makes_up_for_little(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 200))
        assert len(pacing.take(cache, 199, (), 1000.0)) == 1
        assert len(pacing.take(cache, 199, (), 1010.0)) <= 1 + SLACK / SECONDS

    def test_a_missing_packet_is_waited_for_until_it_is_given_up(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 110), frozenset({101}))
        missing = {101}
        assert [number for step in range(100) for number, _ in pacing.take(cache, 109, missing, step / 10)] == [100]
        missing.clear()
        assert [number for number, _ in pacing.take(cache, 109, missing, 20.0)] == [102]

    def test_a_repaired_packet_leaves_in_its_turn(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 110), frozenset({101}))
        pacing.take(cache, 109, {101}, 1.0)
        cache[101] = 101, bytes(SIZE)
        assert [number for step in range(3) for number, _ in pacing.take(cache, 109, (), 2.0 + step)] == [101, 102, 103]

    def test_what_needs_others_waits_after_them(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 110))
        pacing.wait_before(101, 0.5)
        assert [number for number, _ in pacing.take(cache, 109, (), 1.0)] == [100]
        assert pacing.take(cache, 109, (), 1.2) == []
        assert pacing.take(cache, 109, (), 1.69) == []
        assert [number for number, _ in pacing.take(cache, 109, (), 1.71)] == [101]

    def test_numbers_go_on_over_the_wrap(self) -> None:
        pacing, cache = Pacing(RATE, 65_534), cache_of(range(65_534, 65_540))
        left = [number for step in range(10) for number, _ in pacing.take(cache, 3, (), 1.0 + step)]
        assert left == [65_534, 65_535, 0, 1, 2, 3]
        assert pacing.drained(3)

    def test_retransmissions_take_their_share_of_the_rate(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 400))
        repairs = packets = 0
        for step in range(1, 1000):
            for _ in range(3):  # a receiver that has lost much asks for all of it again and again
                repairs += pacing.spend(SIZE, step / 100)
            packets += len(pacing.take(cache, 399, (), step / 100))
        assert abs(repairs + packets - 10 / SECONDS) < 4

    def test_what_waits_is_told_in_seconds(self) -> None:
        pacing, cache = Pacing(RATE, 100), cache_of(range(100, 110))
        assert abs(pacing.behind(cache, 109) - 10 * SECONDS) < 1e-9
        assert pacing.behind(cache, 99) == 0.0

    @given(st.lists(st.tuples(st.integers(0, 6), st.floats(0.0, 0.3)), max_size=60), st.integers(0, 65_535))
    def test_each_number_leaves_once_and_in_order(self, arrivals: list[tuple[int, float]], first: int) -> None:
        pacing, cache, newest, now = Pacing(RATE, first), cache_of(range(0)), (first - 1) & 0xFFFF, 1.0
        left: list[int] = []
        for count, seconds in arrivals:
            for _ in range(count):
                newest = (newest + 1) & 0xFFFF
                cache[newest % 512] = newest, bytes(SIZE)
            now += seconds
            left += [number for number, _ in pacing.take(cache, newest, (), now)]
        assert left == [(first + step) & 0xFFFF for step in range(len(left))]


class TestAPacedDestination:
    def line(self) -> Line:
        line = Line()
        self.down_track, self.end = line.subscriber(params=RTX)
        line.send(10, KEY)
        pace(self.down_track, RATE)
        return line

    def send(self, line: Line, seqs: range, apart: float = 0.0) -> None:
        for seq in seqs:
            line.now += apart - 0.02
            line.send(seq, SLICE + bytes(SIZE))

    def test_is_in_no_plan_and_gets_everything_later(self) -> None:
        line = self.line()
        self.send(line, range(11, 31))
        assert line.track.plan == []
        assert len(self.end.got) < 4
        assert behind(self.down_track) > 0.8
        for _ in range(200):
            line.now += 0.01
            line.send_paced()
        assert len(self.end.got) == 21
        assert set(steps(self.end.numbers)) == {1}

    def test_gets_no_retransmission_of_what_it_has_not_got_yet(self) -> None:
        line = self.line()
        self.send(line, range(11, 31))
        got = self.end.numbers
        assert line.cached(self.down_track, got[-1]) is not None
        assert line.cached(self.down_track, got[-1] + 1) is None

    def test_is_in_the_plan_again_once_it_has_got_what_waited(self) -> None:
        line = self.line()
        self.send(line, range(11, 31))
        pace(self.down_track, None)
        assert self.down_track.pacing is not None and self.down_track.pacing.rate == SOON
        for _ in range(10):
            line.now += 0.01
            line.send_paced()
        pace(self.down_track, None)
        assert self.down_track.pacing is None
        line.send(31)
        assert set(steps(self.end.numbers)) == {1}
        assert len(self.end.got) == 22

    def test_gets_the_frames_before_a_pause_whole(self) -> None:
        line = self.line()
        line.track.tap = None
        self.send(line, range(11, 21))
        line.track.pause(self.down_track)
        self.send(line, range(21, 31))
        assert self.down_track.flow is Flow.PAUSING
        for _ in range(200):
            line.now += 0.01
            line.send_paced()
        assert self.down_track.flow is Flow.PAUSED
        assert len(self.end.got) == 11
        line.track.start(self.down_track)
        line.send(31, KEY)
        for _ in range(20):
            line.now += 0.01
            line.send_paced()
        assert self.end.payloads[-1] == KEY
        assert set(steps(self.end.numbers)) == {1}

    def test_gets_no_more_than_the_frame_that_was_begun_where_it_is_too_far_behind(self) -> None:
        line = self.line()
        for seq in range(11, 41):
            line.now -= 0.02
            line.send(seq, SLICE + bytes(SIZE), ts=seq // 3, last=seq % 3 == 2)
        line.track.pause(self.down_track)
        self.send(line, range(41, 43))
        line.now += 0.06
        line.send_paced()
        shorten(self.down_track)
        assert behind(self.down_track) < 3 * SECONDS
        for _ in range(200):
            line.now += 0.01
            line.send_paced()
        assert self.down_track.flow is Flow.PAUSED
        stamps = [stamp for _, stamp, _ in self.end.got[1:]]
        assert len(stamps) < 12
        assert stamps.count(stamps[-1]) == 3, "the last frame is whole"

    def test_gets_nothing_any_more_once_it_is_stopped(self) -> None:
        line = self.line()
        self.send(line, range(11, 31))
        before = len(self.end.got)
        line.track.stop(self.down_track)
        for _ in range(200):
            line.now += 0.01
            line.send_paced()
        assert len(self.end.got) == before
        assert rest_of_frame(self.down_track) == []


def test_sound_hardly_waits_behind_a_keyframe_on_a_line_of_250_kilobits() -> None:
    """The same line, with a keyframe of 40 kB a second, at once and paced: how long sound waits, at worst (s)."""
    waits = []
    for paced in (False, True):
        free_at, worst, lost = 0.0, 0.0, 0
        pacing = Pacing(RATE, 0)
        newest, cache = 0xFFFF, cache_of(range(0))
        for step in range(1, 1000):
            now = step / 100
            sizes = []
            if step % 100 == 1:
                for _ in range(33):
                    newest = (newest + 1) & 0xFFFF
                    cache[newest % 512] = newest, bytes(SIZE)
                    sizes += [] if paced else [SIZE + OVERHEAD]
            sizes += [len(packet) + OVERHEAD for _, packet in pacing.take(cache, newest, (), now)] if paced else []
            for size in sizes:
                free_at = max(free_at, now)
                free_at += 8 * size / 250_000 if free_at - now < LATEST else 0.0
            if step % 2 == 0:  # sound
                worst, lost = max(worst, free_at - now), lost + (free_at - now >= LATEST)
                free_at = max(free_at, now) + (8 * 100 / 250_000 if free_at - now < LATEST else 0.0)
        waits.append((worst, lost))
    assert waits[0][0] > 0.25
    assert waits[1][0] < 0.06
    assert waits[1][1] == 0
