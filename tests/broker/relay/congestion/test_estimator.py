"""How much a line carries: it steps back when a queue stands in it or much is lost, and comes back gently."""

import random
from collections.abc import Callable

from broker.relay.congestion.estimator import LOWEST, STEP, Capacity, Delays


def told(delays: Delays, *values: float) -> float:
    for value in values:
        delays.add(value)
    return delays.standing()


class TestAStandingQueue:
    def test_is_what_every_packet_waits_for(self) -> None:
        delays = Delays()
        assert told(delays, 5.0, 5.03, 5.06) == 0.0
        assert abs(told(delays, 5.16, 5.19, 5.15) - 0.15) < 1e-9

    def test_is_not_jitter(self) -> None:
        delays, chance = Delays(), random.Random(1)
        assert all(told(delays, *(chance.uniform(0, 0.06) for _ in range(15))) < 0.05 for _ in range(100))

    def test_is_unknown_while_nothing_comes(self) -> None:
        assert told(Delays()) == 0.0

    def test_two_clocks_may_drift(self) -> None:
        delays = Delays()
        assert all(told(delays, step * STEP * 200e-6) < 0.01 for step in range(1000))


class Bottleneck:
    """A line of `rate` bit/s with a queue of a second, and a sender that obeys what Capacity says up to `wanted`."""

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
    def test_a_line_that_carries_all_is_never_limited(self) -> None:
        line = Bottleneck(3e6, 1.5e6)
        line.run(60, lambda: None if not line.capacity.limited else (_ for _ in ()).throw(AssertionError))
        assert not line.capacity.limited

    def test_on_a_full_line_it_steps_back_below_what_that_carries(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(5)
        assert 300e3 < line.capacity.rate < 700e3

    def test_and_stays_near_it_with_little_delay(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(20)
        line.worst, rates = 0.0, []
        line.run(60, lambda: rates.append(line.capacity.rate))
        assert 0.75 * 600e3 < sum(rates) / len(rates) < 1.1 * 600e3
        assert line.worst < 0.4

    def test_comes_back_to_the_top_within_seconds_once_it_can(self) -> None:
        line = Bottleneck(600e3, 1.5e6)
        line.run(20)
        line.rate = 5e6
        line.run(15)
        assert not line.capacity.limited

    def test_a_bad_line_is_not_a_full_one(self) -> None:
        capacity, chance = Capacity(1.5e6), random.Random(2)
        for step in range(1, 2000):
            lost = sum(chance.random() < 0.05 for _ in range(100)) / 100
            capacity.update(step * STEP, STEP, 1e6, lost, 0.03)
            assert not capacity.limited

    def test_sound_always_has_a_place(self) -> None:
        capacity = Capacity(1.5e6)
        for step in range(1, 200):
            capacity.update(step * STEP, STEP, 0.0, 0.9, 2.0)
        assert capacity.rate == LOWEST
