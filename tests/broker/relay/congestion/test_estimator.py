"""The estimate of what a line carries: it falls with a queue or much loss, and recovers slowly."""

import itertools
import random
from collections.abc import Callable

from broker.relay.congestion.estimator import LOWEST, STEP, UNPROVEN, Capacity, Delays
from broker.relay.congestion.subscriber_adaptation import LEAST


def standing(delays: Delays, *values: float) -> float:
    for value in values:
        delays.add(value)
    return delays.standing()


class TestAStandingQueue:
    def test_is_the_least_delay_of_all_packets(self) -> None:
        delays = Delays()
        assert standing(delays, 5.0, 5.03, 5.06) == 0.0
        assert abs(standing(delays, 5.16, 5.19, 5.15) - 0.15) < 1e-9

    def test_is_not_jitter(self) -> None:
        delays, chance = Delays(), random.Random(1)
        assert all(standing(delays, *(chance.uniform(0, 0.06) for _ in range(15))) < 0.05 for _ in range(100))

    def test_is_zero_while_nothing_comes(self) -> None:
        assert standing(Delays()) == 0.0

    def test_is_not_drift_of_two_clocks(self) -> None:
        delays = Delays()
        assert all(standing(delays, step * STEP * 200e-6) < 0.01 for step in range(1000))


class Bottleneck:
    """A line of `rate` bit/s with a queue of a second, and a sender that sends at the estimate, up to `wanted`."""

    def __init__(self, rate: float, wanted: float) -> None:
        self.capacity, self.rate, self.wanted = Capacity(wanted), rate, wanted
        self.now = self.queued = self.worst = 0.0

    def run(self, seconds: float, each: Callable[[], None] = lambda: None) -> None:
        for _ in range(int(seconds / STEP)):
            self.now += STEP
            sent = min(self.wanted, self.capacity.rate) * STEP
            through = min(self.queued + sent, self.rate * STEP)
            self.queued = min(self.queued + sent - through, self.rate)
            lost = max(0.0, 1 - (through + self.queued) / (sent + 1))
            self.worst = max(self.worst, self.queued / self.rate)
            self.capacity.update(
                self.now, STEP, through / STEP, lost if self.queued >= self.rate else 0.0, self.queued / self.rate
            )
            each()


class TestCapacity:
    def test_a_line_that_carries_all_is_not_limited(self) -> None:
        line = Bottleneck(3e6, 1.5e6)
        line.run(60, lambda: None if not line.capacity.limited else (_ for _ in ()).throw(AssertionError))
        assert not line.capacity.limited

    def test_a_full_line_reduces_the_rate_below_what_it_carries(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(5)
        assert 300e3 < line.capacity.rate < 700e3

    def test_the_rate_stays_near_the_lines_with_little_delay(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(20)
        line.worst, rates = 0.0, []
        line.run(60, lambda: rates.append(line.capacity.rate))
        assert 0.75 * 600e3 < sum(rates) / len(rates) < 1.1 * 600e3
        assert line.worst < 0.4

    def test_the_rate_grows_slowly_where_the_line_was_full_before(self) -> None:
        line = Bottleneck(250e3, 1.5e6)
        line.run(20)
        rates, queued = [], []
        line.run(60, lambda: (rates.append(line.capacity.rate), queued.append(line.queued / line.rate > 0.1)))
        assert max(rates) < 1.15 * 250e3
        assert sum(queued) < 0.3 * len(queued)

    def test_the_rate_recovers_within_seconds(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(20)
        line.rate = 5e6
        line.run(15)
        assert not line.capacity.limited

    def test_a_lossy_line_without_a_queue_is_not_limited(self) -> None:
        capacity, chance = Capacity(1.5e6), random.Random(2)
        for step in range(1, 2000):
            lost = sum(chance.random() < 0.05 for _ in range(100)) / 100
            capacity.update(step * STEP, STEP, 1e6, lost, 0.03)
            assert not capacity.limited

    def test_the_rate_never_falls_below_that_of_sound(self) -> None:
        capacity = Capacity(1.5e6)
        for step in range(1, 200):
            capacity.update(step * STEP, STEP, 0.0, 0.9, 2.0)
        assert capacity.rate == LOWEST

    def test_losses_that_are_over_reduce_nothing_more(self) -> None:
        capacity = Capacity(4e6)
        for step in range(1, 5):
            capacity.update(step * STEP, STEP, 200e3, 0.7, 0.2)
        rate = capacity.rate
        for step in range(5, 10):  # only sound is sent, and all of it arrives
            capacity.update(step * STEP, STEP, 30e3, 0.0, 0.0)
        assert capacity.rate >= rate >= 100e3

    def test_a_pause_of_either_machine_costs_a_picture_no_more_than_some_seconds(self) -> None:
        capacity, steps = Capacity(4e6), itertools.count(1)
        for delivered, loss, queue in ((700e3, 0.05, 0.0), (60e3, 0.2, 0.3), (60e3, 0.2, 0.3)):
            for _ in range(2):
                capacity.update(next(steps) * STEP, STEP, delivered, loss, queue)
        fell, sound = capacity.rate, 60e3
        for _ in range(int(5 / STEP)):
            capacity.update(next(steps) * STEP, STEP, sound, 0.05, 0.0)
        assert fell < sound + LEAST <= capacity.rate

    def test_a_line_that_lost_much_without_a_queue_is_soon_thought_to_carry_what_it_has(self) -> None:
        grown = {}
        for queue in (0.0, 0.3):
            capacity = Capacity(4e6)
            for step in range(6):
                capacity.update(step * STEP, STEP, 300e3, 0.3 if step > 2 else 0.0, queue if step > 2 else 0.0)
            fell = capacity.rate
            for step in range(6, 16):
                capacity.update(step * STEP, STEP, 60e3, 0.0, 0.0)
            grown[queue] = capacity.rate / fell
        assert grown[0.0] > 1.3 > grown[0.3] > 1.0

    def test_what_arrived_in_the_better_of_two_steps_counts(self) -> None:
        capacity = Capacity(4e6)
        for step, delivered in enumerate((400e3, 400e3, 60e3)):  # the queue is believed with its second step
            capacity.update(step * STEP, STEP, delivered, 0.0, 0.3 if step else 0.0)
        assert capacity.rate == 0.85 * 400e3

    def test_a_line_that_is_hardly_used_is_thought_to_carry_little_more_than_it_has(self) -> None:
        for has_carried, at_most in ((300e3, 1.2 * 300e3), (50e3, UNPROVEN)):
            capacity = Capacity(4e6)
            capacity.rate = has_carried
            capacity.update(0.0, STEP, has_carried, 0.0, 0.0)
            for step in range(1, 201):
                capacity.update(step * STEP, STEP, 30e3, 0.0, 0.0)
            assert 1.03 * has_carried < capacity.rate <= at_most
            for step in range(201, 231):
                capacity.update(step * STEP, STEP, capacity.rate, 0.0, 0.0)
            assert capacity.rate > 800e3
