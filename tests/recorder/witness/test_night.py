"""When the night's work is due, and that sites of one visit witness each other and no third site."""

from datetime import UTC, datetime, time

import pytest

from recorder.witness.night import next_night
from recorder.witness.statements import pairs


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T10:00:00", "2026-03-02T15:30:00"),  # 18:00 in Shanghai
        ("2026-03-02T15:30:00", "2026-03-03T15:30:00"),
        ("2026-03-02T15:29:59", "2026-03-02T15:30:00"),
        ("2026-03-02T23:59:00", "2026-03-03T15:30:00"),
    ],
)
def test_it_is_due_once_a_day_by_the_clock_of_shanghai(now: str, due: str) -> None:
    found = next_night(datetime.fromisoformat(now).replace(tzinfo=UTC), time(23, 30))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_both_sites_of_a_meeting_witness_each_other() -> None:
    assert pairs([("a", "b"), ("b", "a"), ("c", "c")]) == [("a", "b"), ("b", "a")]
