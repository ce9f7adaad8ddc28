"""The clocks of the machine, and moments that hold both of them."""

import time
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from broker.kernel import clock
from broker.kernel.clock import Instant, SystemClock, boot_id, discipline, in_shanghai, until_multiple


class TestInstant:
    def test_moves_on_both_clocks_alike(self):
        now = Instant(datetime(2026, 3, 2, 1, tzinfo=UTC), 100.0)
        assert now.after(timedelta(minutes=30)) == Instant(datetime(2026, 3, 2, 1, 30, tzinfo=UTC), 1900.0)
        assert now.after(timedelta(seconds=-1)).mono == 99.0

    def test_the_system_gives_aware_utc_and_monotonic_seconds(self):
        before = time.monotonic()
        now = SystemClock().now()
        assert now.wall.tzinfo is UTC
        assert before <= now.mono <= time.monotonic()


class TestShanghai:
    def test_a_moment_keeps_its_place_in_time(self):
        moment = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
        assert in_shanghai(moment) == moment
        assert in_shanghai(moment).isoformat() == "2026-03-02T00:30:00+08:00"


class TestMachine:
    def test_a_run_of_the_machine_has_one_name(self):
        assert boot_id() == boot_id()

    def test_a_machine_without_a_name_gives_an_empty_one(self, monkeypatch, tmp_path):
        monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "absent")
        assert boot_id() == ""

    def test_the_discipline_of_the_clock_is_asked_and_not_changed(self):
        found = discipline()
        assert found is None or (isinstance(found.synchronised, bool) and found.max_error >= 0)


class TestMomentsThatRegularThingsShare:
    @given(st.sampled_from([0.02, 0.05, 0.1, 0.2, 0.3]), st.floats(0.0, 1e7))
    def test_are_multiples_that_are_ahead_and_no_more_than_one_interval_away(self, interval: float, now: float) -> None:
        wait = until_multiple(interval, now)
        assert 0.001 <= wait <= interval + 0.001
        multiples = (now + wait) / interval
        assert abs(multiples - round(multiples)) * interval < 1e-6

    def test_go_on_from_one_to_the_next(self) -> None:
        now, moments = 1000.0, []
        for _ in range(1000):
            now += until_multiple(0.1, now)
            moments.append(now)
        assert abs(moments[-1] - 1100.0) < 1e-6
