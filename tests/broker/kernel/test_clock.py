"""The clocks of the machine, and moments that hold both of them."""

import time
from datetime import UTC, datetime, timedelta

from broker.kernel import clock
from broker.kernel.clock import Instant, SystemClock, boot_id, discipline, in_shanghai


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
