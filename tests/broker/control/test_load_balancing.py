"""The next session goes to the worker with the least to do, and to none that has no time left for it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.control.load_balancing import (
    FULL,
    MOST,
    Interval,
    Load,
    Meter,
    carries,
    choose,
    expected,
    has_room,
    quantile,
)
from broker.ipc.relay_messages import Latency, RelayStatus

PLANNED = FULL / 40
LOADS = st.builds(Load, st.floats(0, 1.0), st.integers(0, 20), st.floats(0, 20))
WORKERS = st.lists(st.none() | LOADS, min_size=1, max_size=6)
COSTS = st.floats(FULL / MOST, FULL)
LIMITS = st.none() | st.integers(1, 300)


def filled(cost, limit=None, flowing=True):
    """Return how many sessions an idle worker takes one after the other, each of which really costs `cost`."""
    sessions = 0
    while has_room(Load(cost * sessions * flowing, sessions, sessions * flowing), cost, limit):
        sessions += 1
    return sessions


class TestTheChoice:
    @given(WORKERS, COSTS, LIMITS)
    def test_is_a_worker_that_answers_and_has_room_or_none(self, loads, cost, limit):
        number = choose(loads, cost, limit)
        able = [load for load in loads if load is not None and has_room(load, cost, limit)]
        assert (number is None) == (not able)
        assert number is None or loads[number] in able

    @given(st.floats(FULL, 2), st.integers(0, 39))
    def test_is_never_one_whose_core_has_no_time_left_however_few_sessions_it_has(self, cpu, sessions):
        assert choose([Load(cpu, sessions)], PLANNED) is None
        assert choose([Load(cpu, sessions), Load(0.1, 39, 39)], PLANNED) == 1

    @given(WORKERS, COSTS, LIMITS)
    def test_is_never_one_that_has_more_to_do_than_another_with_room(self, loads, cost, limit):
        number = choose(loads, cost, limit)
        for load in loads:
            if load is not None and has_room(load, cost, limit):
                assert expected(loads[number], cost) <= expected(load, cost)

    @given(st.floats(0.5, 0.77), st.floats(0.5, 0.77), st.integers(0, 20))
    def test_follows_what_was_measured_where_that_is_more_than_was_planned(self, first, second, sessions):
        assume(first != second)
        loads = [Load(first, sessions, sessions), Load(second, sessions, sessions)]
        assert choose(loads, PLANNED) == (0 if first < second else 1)

    @given(LOADS, COSTS)
    def test_every_session_placed_makes_a_worker_no_less_busy(self, load, cost):
        more = Load(load.cpu, load.sessions + 1, load.flowing)
        assert expected(more, cost) > expected(load, cost) or load.flowing >= load.sessions + 1

    @given(st.integers(1, 5), st.integers(0, 100), st.lists(st.floats(0, 0.02), min_size=5, max_size=5))
    def test_spreads_sessions_that_cost_nothing_yet_whatever_noise_is_measured(self, workers, sessions, noise):
        placed = [0] * workers
        for _ in range(sessions):
            number = choose([Load(noise[n], placed[n]) for n in range(workers)], PLANNED)
            if number is None:
                assert min(placed) >= 38 and max(placed) <= 40
                return
            placed[number] += 1
        assert max(placed) - min(placed) <= 2


class TestHowManyAWorkerTakes:
    """What a session costs on this machine decides, not a number in the program."""

    @pytest.mark.parametrize(("cost", "sessions"), [(0.016, 50), (0.02, 40), (0.032, 25), (0.1, 8), (0.5, 1), (0.8, 1)])
    @pytest.mark.parametrize("flowing", [False, True])
    def test_is_as_many_as_fill_its_core(self, cost, sessions, flowing):
        assert carries(cost, None) == sessions
        assert filled(cost, flowing=flowing) in (sessions, sessions - 1)

    @given(COSTS, COSTS)
    def test_is_fewer_on_a_slower_machine(self, cost, other):
        quick, slow = sorted((cost, other))
        assert filled(slow) <= filled(quick)
        assert filled(2 * quick) <= filled(quick) / 2 + 1 or filled(quick) == 1

    @given(COSTS, st.integers(1, 300))
    def test_is_never_more_than_operators_allow_nor_more_for_being_allowed(self, cost, limit):
        assert carries(cost, limit) == min(carries(cost, None), limit)
        assert filled(cost, limit) <= limit

    @given(st.floats(1e-9, 10))
    def test_is_one_at_least_and_no_more_than_it_admits(self, cost):
        assert 1 <= carries(cost, None) <= MOST

    @given(COSTS, st.integers(1, 40), st.integers(0, 40))
    def test_keeps_room_for_sessions_whose_media_do_not_flow_yet(self, cost, placed, flowing):
        flowing = min(flowing, placed)
        if has_room(Load(cost * flowing, placed, flowing), cost):
            assert cost * (placed + 1) <= FULL + 1e-9

    def test_follows_what_is_used_where_that_is_more_than_was_believed(self):
        assert has_room(Load(0.6, 20, 20), PLANNED)
        assert not has_room(Load(0.79, 20, 20), PLANNED)


def status(seconds, counts=(0, 0, 0), received=0, sending=0):
    return RelayStatus(
        sending=sending,
        cpu_seconds=seconds,
        received=received,
        forwarded=5 * received,
        memory_bytes=7,
        latency=Latency(bounds=(0.001, 0.01), counts=tuple(counts)),
    )


class TestMeasuring:
    def test_turns_counts_into_cores_and_rates(self):
        meter = Meter()
        meter.measured(status(10.0), 100.0)
        assert (meter.usage.cpu, meter.usage.packets_in, meter.usage.p99) == (0.0, 0.0, None)
        meter.measured(status(11.0, received=1000), 102.0)
        assert (meter.usage.cpu, meter.usage.packets_in, meter.usage.packets_out) == (0.5, 500.0, 2500.0)
        assert meter.usage.memory == 7

    def test_says_what_was_used_since_the_answer_before_and_how_many_sessions_flowed(self):
        meter = Meter()
        assert meter.measured(status(10.0, sending=4), 100.0) is None
        assert meter.measured(status(11.0, sending=8), 104.0) == Interval(4.0, 0.25, 3.0)
        assert meter.usage.flowing == 4.0

    def test_smooths_the_cores(self):
        meter = Meter()
        for number, seconds in enumerate((0.0, 1.0, 1.0, 1.0)):
            meter.measured(status(seconds), 2.0 * number)
        assert meter.usage.cpu == 0.125

    def test_looks_at_the_latency_of_the_last_minute_only(self):
        meter = Meter()
        meter.measured(status(0.0, (0, 0, 1000)), 0.0)
        for number in range(1, 40):
            meter.measured(status(0.0, (10 * number, 0, 1000)), 2.0 * number)
        assert meter.usage.p99 is not None and meter.usage.p99 <= 0.001

    def test_takes_an_answer_without_samples(self):
        meter = Meter()
        meter.measured(RelayStatus(), 1.0)
        assert (meter.usage.cpu, meter.usage.p99) == (0.0, None)
        meter.measured(status(1.0), 3.0)
        assert (meter.usage.cpu, meter.usage.p99) == (0.5, None)

    @given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.floats(0.01, 1))
    def test_a_quantile_lies_in_the_bucket_that_holds_it(self, counts, share):
        bounds = [1.0, 2.0, 4.0]
        found = quantile(share, bounds, counts)
        assert (found is None) == (sum(counts) == 0)
        if found is not None:
            assert 0 <= found <= 4.0
            below = sum(count for bound, count in zip(bounds, counts, strict=False) if bound <= found)
            assert below <= share * sum(counts) + 1e-6 or found in bounds
