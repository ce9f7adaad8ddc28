"""The agreed time: it follows the monotonic clock and slow corrections, and no step."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.kernel.agreed_time import SLEW, TOLERANCE, AgreedClock, AgreedTime
from broker.kernel.clock import Instant

BEGAN = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
MONO = 5_000.0


@dataclass
class Machine:
    """A machine whose wall clock a test moves. `true` is the time that a right clock shows."""

    mono: float = MONO
    wrong: timedelta = timedelta(0)

    def now(self) -> Instant:
        return Instant(self.true + self.wrong, self.mono)

    @property
    def true(self) -> datetime:
        return BEGAN + timedelta(seconds=self.mono - MONO)


class TestAStep:
    @pytest.mark.parametrize(
        "step", [timedelta(hours=1), -timedelta(hours=1), timedelta(days=400), timedelta(seconds=3)]
    )
    def test_is_not_believed(self, step: timedelta) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        machine.mono += 60
        machine.wrong = step
        assert clock.now() == Instant(machine.true, machine.mono)
        assert clock.moved == step

    def test_that_is_taken_back_is_over(self) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        machine.wrong = timedelta(hours=1)
        assert clock.moved is not None
        machine.wrong = timedelta(0)
        assert clock.moved is None and clock.now().wall == machine.true

    def test_is_believed_when_it_is_agreed_on(self) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        machine.wrong = timedelta(hours=1)
        clock.agree(machine.now())
        machine.mono += 10
        assert clock.moved is None and clock.now() == machine.now()

    def test_is_seen_from_a_time_that_was_agreed_on_earlier(self) -> None:
        machine = Machine(wrong=timedelta(minutes=30))
        clock = AgreedClock(machine)
        clock.agree(Instant(BEGAN - timedelta(seconds=100), MONO - 100))
        assert clock.moved == timedelta(minutes=30) and clock.now().wall == machine.true


class TestACorrection:
    @pytest.mark.parametrize("wrong", [0.5, -0.5, 1.9, -1.9])
    def test_within_the_tolerance_is_followed_slowly(self, wrong: float) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        machine.wrong = timedelta(seconds=wrong)
        for _ in range(600):
            machine.mono += 10
            clock.now()
        assert clock.moved is None
        off = (clock.now().wall - machine.true).total_seconds()
        assert off == pytest.approx(wrong if abs(wrong) < 1 else (3.0 if wrong > 0 else -3.0), abs=0.01) or abs(
            off
        ) <= abs(wrong)

    def test_as_slow_as_a_time_service_slews_never_looks_like_a_step(self) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        for _ in range(10_000):
            machine.mono += 30
            machine.wrong += timedelta(seconds=30 * SLEW * 0.99)
            assert clock.moved is None
            clock.now()
        assert abs(clock.now().wall - machine.now().wall) < timedelta(seconds=0.1)

    def test_is_followed_though_the_clock_is_read_very_often(self) -> None:
        machine = Machine()
        clock = AgreedClock(machine)
        machine.wrong = timedelta(seconds=0.1)
        for _ in range(300_000):
            machine.mono += 0.001
            clock.now()
        assert abs(clock.now().wall - machine.now().wall) < timedelta(milliseconds=1)

    @given(
        st.lists(
            st.tuples(st.floats(0.001, 120), st.floats(-1.9, 1.9) | st.sampled_from([3600.0, -86400.0, 0.0])),
            max_size=60,
        )
    )
    def test_of_any_kind_moves_the_agreed_time_no_faster_than_it_may(self, story: list[tuple[float, float]]) -> None:
        """Many small steps in a row cannot open a visit early either."""
        machine = Machine()
        agreed = AgreedTime(machine.now())
        before = agreed.at(machine.mono).wall
        for seconds, moved in story:
            machine.mono += seconds
            machine.wrong += timedelta(seconds=moved)
            agreed = agreed.followed(machine.now())
            now = agreed.at(machine.mono).wall
            assert now >= before, "the agreed time never goes back"
            before = now
            passed = machine.mono - MONO
            assert abs((now - machine.true).total_seconds()) <= SLEW * passed + 1e-3

    def test_larger_than_the_tolerance_is_none(self) -> None:
        machine = Machine()
        agreed = AgreedTime(machine.now())
        machine.wrong = TOLERANCE
        assert not agreed.stepped(machine.now())
        machine.wrong = TOLERANCE + timedelta(microseconds=1)
        assert agreed.stepped(machine.now())
