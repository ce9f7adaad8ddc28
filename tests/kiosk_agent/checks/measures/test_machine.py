"""Tests of the terminal's clock, disk and temperature."""

from pathlib import Path

import pytest

from kiosk_agent.checks.measures.machine import clock_offset, free_megabytes, hottest

DATE = "Mon, 02 Mar 2026 02:00:00 GMT"
AT = 1772416800.0


def test_a_clock_in_time_has_no_offset() -> None:
    assert clock_offset(AT + 0.4, AT + 0.6, DATE) == pytest.approx(0, abs=1)


@pytest.mark.parametrize("ahead", [90.0, -3600.0])
def test_the_offset_is_what_the_terminal_is_ahead(ahead: float) -> None:
    assert clock_offset(AT + 0.5 + ahead, AT + 0.5 + ahead, DATE) == pytest.approx(ahead * 1000, abs=1)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Mar 2026 02:00:00 GMT"])
def test_a_header_that_is_no_date_tells_nothing(date: str) -> None:
    assert clock_offset(AT, AT, date) is None


def test_a_folder_has_free_space_and_one_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    free = free_megabytes(tmp_path)
    assert free is not None and free > 0
    assert free_megabytes(tmp_path / "missing") is None


def _zone(zones: Path, name: str, text: str) -> None:
    (zones / name).mkdir(parents=True)
    (zones / name / "temp").write_text(text, "ascii")


def test_the_hottest_zone_counts(tmp_path: Path) -> None:
    _zone(tmp_path, "thermal_zone0", "41000\n")
    _zone(tmp_path, "thermal_zone1", "67500\n")
    assert hottest(tmp_path) == 67.5


def test_a_zone_that_gives_nonsense_is_left_out(tmp_path: Path) -> None:
    _zone(tmp_path, "thermal_zone0", "-274000\n")
    _zone(tmp_path, "thermal_zone1", "none\n")
    assert hottest(tmp_path) is None


def test_a_machine_without_zones_tells_nothing(tmp_path: Path) -> None:
    assert hottest(tmp_path / "missing") is None
