"""The cost of a session is learned from workers, near what was measured at the start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.control.capacity.session_cost import (
    CHEAPER,
    DEARER,
    ENOUGH,
    HIGHEST,
    LOWEST,
    MEMORY,
    UNMEASURED,
    SessionCost,
)
from broker.control.load_balancing import Interval, carries

MEASURED = st.floats(0.001, 2.0)
INTERVALS = st.builds(Interval, st.floats(0.001, 600), st.floats(0, 1.5), st.floats(0, 200))


def used(cost, sessions, seconds=2.0):
    """Return an interval in which each session took `cost` cores."""
    return Interval(seconds, cost * sessions, sessions)


class TestWhatIsMeasuredAtTheStart:
    def test_holds_until_sessions_flow(self):
        cost = SessionCost(0.03)
        for _ in range(1000):
            cost.learn(Interval(2.0, 0.9, 0.5))  # a flood, and a room that tests its camera
        assert cost.cores == 0.03

    @given(st.floats(-1, 1e9))
    def test_is_kept_in_reason(self, measured):
        assert LOWEST <= SessionCost(measured).cores <= HIGHEST

    def test_is_what_forty_sessions_take_where_nothing_was_measured(self):
        assert carries(SessionCost().cores, None) == 40 and SessionCost().cores == UNMEASURED


class TestWhatIsLearned:
    @given(MEASURED, st.lists(INTERVALS, max_size=30))
    def test_stays_near_what_was_measured_whatever_workers_report(self, measured, intervals):
        cost = SessionCost(measured)
        for interval in intervals:
            cost.learn(interval)
            assert LOWEST <= cost.cores <= HIGHEST
            assert CHEAPER * cost.measured - 1e-9 <= cost.cores <= DEARER * cost.measured + 1e-9

    @given(MEASURED, INTERVALS)
    def test_moves_towards_what_sessions_cost_and_not_past_it(self, measured, interval):
        cost = SessionCost(measured)
        before = cost.cores
        cost.learn(interval)
        if cost.cores != before:
            found = interval.cpu / interval.flowing
            assert (before < cost.cores <= found + 1e-9) or (before > cost.cores >= found - 1e-9)

    @pytest.mark.parametrize("real", [0.02, 0.03, 0.05])
    def test_is_what_sessions_cost_after_some_minutes(self, real):
        cost = SessionCost(0.03)
        for _ in range(int(5 * MEMORY / 2)):
            cost.learn(used(real, 15))
        assert cost.cores == pytest.approx(real, rel=0.02)

    @given(st.floats(1, 100), st.floats(1, 100))
    def test_counts_the_more_the_more_sessions_flow(self, sessions, others):
        few, many = sorted((sessions, others))
        slow, quick = SessionCost(0.03), SessionCost(0.03)
        slow.learn(used(0.06, few))
        quick.learn(used(0.06, many))
        assert slow.cores <= quick.cores + 1e-12

    def test_is_not_decided_by_one_interval(self):
        cost = SessionCost(0.03)
        cost.learn(used(0.09, ENOUGH))
        assert cost.cores < 0.033

    def test_does_not_become_less_by_what_an_overloaded_worker_leaves_out(self):
        cost = SessionCost(0.03)
        cost.learn(used(0.02, 50))
        assert cost.cores == 0.03
        cost.learn(used(0.05, 20))
        assert cost.cores > 0.03

    def test_of_a_slow_machine_admits_fewer_than_was_planned(self):
        cost = SessionCost(0.02)
        before = carries(cost.cores, None)
        for _ in range(200):
            cost.learn(used(0.04, 15))
        assert (before, carries(cost.cores, None)) == (40, 20)
