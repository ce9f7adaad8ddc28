"""What an overloaded worker leaves out: with time as an argument, and a worker of any capacity under any load."""

from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from broker.relay.congestion.overload import (
    EARLY,
    LATE,
    LONGEST_PATIENCE,
    NO_REST,
    PATIENCE,
    REST,
    SOON,
    VERY_LATE,
    Level,
    Overload,
)

STEP = 0.1
PICTURES, FEEDBACK = 0.5, 0.1  # parts of a worker's work that supervisors' pictures and feedback are
HELD = 2.0  # seconds of packets that sockets hold


@dataclass
class Worker:
    """A worker that can do 1 a second. The packets that it has not done wait."""

    overload: Overload = field(default_factory=Overload)
    now: float = 1000.0
    backlog: float = 0.0
    levels: list[Level] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def run(self, load: float, seconds: float) -> "Worker":
        """Let this load come, of which the level leaves out a part."""
        until = self.now + seconds
        while self.now < until - STEP / 2:
            self.now += STEP
            left = 1 - PICTURES * (1 - self.overload.share)
            left -= FEEDBACK if self.overload.level else 0.0
            due = self.backlog + load * left * STEP
            self.backlog = max(0.0, due - STEP)
            busy = min(1.0, due / STEP)
            self.overload.update(self.now, busy, self.backlog + 0.003 * busy)
            self.levels.append(self.overload.level)
            self.shares.append(self.overload.share)
            self.waits.append(self.backlog)
        return self

    @property
    def changes(self) -> int:
        return sum(before != after for before, after in pairwise(self.levels))


class TestAWorkerWithinItsCapacity:
    @given(st.floats(0.0, 0.99))
    def test_leaves_out_nothing(self, load: float) -> None:
        worker = Worker().run(load, 60)
        assert set(worker.levels) == {Level.NOTHING}
        assert set(worker.shares) == {1.0}

    def test_leaves_out_nothing_as_bursts_delay_packets(self) -> None:
        overload = Overload()
        for number in range(100):
            overload.update(number * STEP, 0.6, LATE * 3)
        assert overload.level is Level.NOTHING

    def test_leaves_out_nothing_while_it_has_no_rest_and_nothing_waits(self) -> None:
        overload = Overload()
        for number in range(100):
            overload.update(number * STEP, 1.0, LATE / 2)
        assert overload.level is Level.NOTHING

    def test_leaves_out_nothing_where_too_few_packets_come_to_tell(self) -> None:
        overload = Overload()
        for number in range(100):
            overload.update(number * STEP, 1.0, None)
        assert overload.level is Level.NOTHING


class TestAnOverloadedWorker:
    @given(st.floats(1.1, 1.6))
    def test_never_lets_sockets_run_over(self, load: float) -> None:
        """Sound and far rooms' pictures are in the same sockets, and lose nothing."""
        assert max(Worker().run(load, 120).waits) < HELD / 2

    @given(st.floats(1.15, 1.6))
    def test_settles_at_what_it_can_do(self, load: float) -> None:
        worker = Worker().run(load, 120)
        settled = worker.shares[-300:]
        assert max(worker.waits[-300:]) < VERY_LATE
        possible = 1 - (1 - FEEDBACK - 1 / load) / PICTURES
        assert possible * 0.75 - 0.02 <= sum(settled) / len(settled) <= possible + 0.05
        assert set(worker.levels[-300:]) == {Level.THINNED}

    @given(st.floats(1.1, 1.6), st.floats(1.1, 1.6))
    def test_leaves_out_no_less_under_more_load(self, first: float, second: float) -> None:
        less, more = (Worker().run(load, 120) for load in sorted((first, second)))
        assert sum(more.shares[-300:]) <= sum(less.shares[-300:]) + 300 * 0.03

    def test_rations_feedback_before_it_thins_pictures(self) -> None:
        worker = Worker().run(1.05, 20)
        assert worker.levels[-1] is Level.RATIONED
        assert set(worker.shares) == {1.0}

    def test_leaves_out_much_at_once_when_everything_waits_long(self) -> None:
        overload = Overload()
        overload.update(1.0, 1.0, VERY_LATE * 2)
        assert (overload.level, overload.share) == (Level.THINNED, 0.5)

    def test_leaves_out_no_more_while_the_queue_is_being_worked_off(self) -> None:
        overload = Overload()
        wait = 1.0
        overload.update(1.0, 1.0, wait)
        share = overload.share
        for number in range(1, 10):
            wait *= 0.7
            overload.update(1.0 + number * 0.35, 1.0, wait)
        assert overload.share == share


class TestRecovery:
    @given(st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(0.1, 20.0)), max_size=8))
    def test_follows_whatever_went_before(self, history: list[tuple[float, float]]) -> None:
        worker = Worker()
        for load, seconds in history:
            worker.run(load, seconds)
        worker.run(0.3, worker.backlog + 20 + 2 * LONGEST_PATIENCE)
        assert (worker.overload.level, worker.overload.share) == (Level.NOTHING, 1.0)

    @given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 3.0)), max_size=200))
    def test_brings_a_share_between_nothing_and_all_at_any_measurements(self, seen: list[tuple[float, float]]) -> None:
        overload = Overload()
        for number, (busy, wait) in enumerate(seen):
            overload.update(number * STEP, busy, wait)
            assert 0.0 <= overload.share <= 1.0
            assert (overload.share < 1.0) <= (overload.level is Level.THINNED)

    def test_takes_the_calm_of_some_seconds(self) -> None:
        overload = Overload()
        overload.update(0.0, 1.0, LATE * 2)
        assert overload.level is Level.RATIONED
        overload.update(1.0, REST - 0.1, EARLY / 2)
        overload.update(1.0 + PATIENCE - STEP, REST - 0.1, EARLY / 2)
        assert overload.level is Level.RATIONED
        overload.update(1.0 + PATIENCE, REST - 0.1, EARLY / 2)
        assert overload.level is Level.NOTHING

    def test_waits_for_rest(self) -> None:
        overload = Overload()
        overload.update(0.0, 1.0, LATE * 2)
        for number in range(1, 1000):
            overload.update(number * STEP, (REST + NO_REST) / 2, EARLY / 2)
        assert overload.level is Level.RATIONED

    @given(st.floats(0.7, 1.7))
    def test_is_not_tried_again_and_again_under_a_steady_load(self, load: float) -> None:
        """A level that had to be taken again SOON is kept twice as long, so that ten minutes have few changes."""
        worker = Worker().run(1.6, 10).run(load, 600)
        assert worker.changes <= 2 * (2 + 600 / LONGEST_PATIENCE)

    def test_that_fails_makes_the_next_one_later(self) -> None:
        overload, now, kept = Overload(), 0.0, []
        for _ in range(4):
            overload.update(now, 1.0, LATE * 2)
            began = now
            while overload.level:
                now += STEP
                overload.update(now, 0.5, EARLY / 2)
            kept.append(now - began)
            now += SOON / 4
        assert all(after >= before * 1.8 for before, after in pairwise(kept))
