"""The next session goes to the worker with the least to do."""

from hypothesis import assume, given
from hypothesis import strategies as st

from broker.control.load_balancing import FULL, Load, Meter, choose, expected, has_room, quantile
from broker.ipc.relay_messages import Latency, RelayStatus

LOADS = st.builds(Load, st.floats(0, 1.5), st.integers(0, 50), st.integers(0, 10))
WORKERS = st.lists(st.none() | LOADS, min_size=1, max_size=6)
MOST = st.integers(1, 40)


class TestTheChoice:
    @given(WORKERS, MOST)
    def test_is_a_worker_that_answers_and_has_room_or_none(self, loads, most):
        number = choose(loads, most)
        able = [load for load in loads if load is not None and has_room(load, most)]
        assert (number is None) == (not able)
        assert number is None or loads[number] in able

    @given(st.floats(FULL, 2), st.integers(0, 39))
    def test_is_never_one_whose_core_has_no_time_left_however_few_sessions_it_has(self, cpu, sessions):
        assert choose([Load(cpu, sessions)], 40) is None
        assert choose([Load(cpu, sessions), Load(0.1, 39)], 40) == 1

    @given(WORKERS, MOST)
    def test_is_never_one_that_has_more_to_do_than_another_with_room(self, loads, most):
        number = choose(loads, most)
        assume(number is not None)
        for load in loads:
            if load is not None and has_room(load, most):
                assert expected(loads[number], most) <= expected(load, most)

    @given(st.floats(0.5, 0.79), st.floats(0.5, 0.79), st.integers(0, 20))
    def test_follows_what_was_measured_where_that_is_more_than_was_planned(self, first, second, sessions):
        assume(first != second)
        assert choose([Load(first, sessions), Load(second, sessions)], 40) == (0 if first < second else 1)

    @given(LOADS, MOST)
    def test_every_session_placed_makes_a_worker_no_less_busy(self, load, most):
        more = Load(load.cpu, load.sessions + 1, load.since + 1)
        assert expected(more, most) > expected(load, most)

    @given(st.integers(1, 5), st.integers(0, 100), st.lists(st.floats(0, 0.02), min_size=5, max_size=5))
    def test_spreads_sessions_that_cost_nothing_yet_whatever_noise_is_measured(self, workers, sessions, noise):
        placed = [0] * workers
        for _ in range(sessions):
            number = choose([Load(noise[n], placed[n]) for n in range(workers)], 40)
            if number is None:
                assert placed == [40] * workers
                return
            placed[number] += 1
        assert max(placed) - min(placed) <= 1


def status(seconds, counts=(0, 0, 0), received=0):
    return RelayStatus(
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
