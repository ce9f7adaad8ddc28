"""Yunnan 13: the journal is kept for six months at least, and while anything stands whose story it tells."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from recorder.retention.journal_rule import Holding, first_holding, months_of_journal, removable
from recorder.retention.rules import due_at

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    number: int
    seq: int
    at: str
    head: str = "f" * 64


POINTS = [Point(number, 10 * number, (AT + timedelta(days=number)).isoformat()) for number in (1, 2, 3)]
DUE = due_at(AT + timedelta(days=2), 6)


class TestTheMonths:
    def test_are_those_of_the_longest_pack_and_of_the_installation(self):
        assert months_of_journal([6, 12], 24) == 24 and months_of_journal([6, 36], 24) == 36

    @pytest.mark.parametrize("packs", [[], [1], [0, 5]])
    def test_are_never_less_than_six(self, packs):
        assert months_of_journal(packs, 0) == 6


class TestWhatMayGo:
    def test_is_what_the_newest_checkpoint_that_is_old_enough_covers(self):
        assert removable(POINTS, 6, DUE, None) == POINTS[1]
        assert removable(POINTS, 6, DUE - timedelta(seconds=1), None) == POINTS[0]
        assert removable(POINTS, 6, AT, None) is None

    def test_is_never_younger_than_six_months_whatever_is_asked_for(self):
        assert removable(POINTS, 0, DUE - timedelta(seconds=1), None) == POINTS[0]

    def test_ends_before_what_stands(self):
        assert removable(POINTS, 6, DUE, Holding(20, "ses_1", "hold")) == POINTS[0]
        assert removable(POINTS, 6, DUE, Holding(21, "ses_1", "hold")) == POINTS[1]
        assert removable(POINTS, 6, DUE, Holding(5, "ses_1", "hold")) is None

    def test_is_held_back_by_what_stands_first(self):
        found = {"hold": (30, "ses_3"), "recording": (20, "ses_2"), "visit": None}
        assert first_holding(found) == Holding(20, "ses_2", "recording")
        assert first_holding({"hold": None}) is None
