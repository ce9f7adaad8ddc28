"""Attempts at the PIN: five are free, then the waits double; neither a restart nor a clock takes them back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_agent.officer.attempts import FIRST_WAIT, FREE, LONGEST_WAIT, Attempts, AttemptsFile


class TestTheWait:
    def test_is_none_for_the_first_five_and_doubles_from_then_on(self) -> None:
        waits = [Attempts(wrong, 1000.0).wait(1000.0) for wrong in range(FREE + 4)]
        assert waits == [0.0] * FREE + [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT, 8 * FIRST_WAIT]

    def test_runs_out(self) -> None:
        assert Attempts(FREE, 1000.0).wait(1000.0 + FIRST_WAIT - 1) == 1.0
        assert Attempts(FREE, 1000.0).wait(1000.0 + FIRST_WAIT) == 0.0

    @given(wrong=st.integers(0, 10**9), last=st.floats(0, 1e10), now=st.floats(0, 1e10))
    def test_is_never_longer_than_the_longest_whatever_the_clock_says(
        self, wrong: int, last: float, now: float
    ) -> None:
        assert 0.0 <= Attempts(wrong, last).at(now).wait(now) <= LONGEST_WAIT


class TestTheFile:
    def test_keeps_the_attempts_over_a_restart(self, tmp_path: Path) -> None:
        file = tmp_path / "attempts.json"
        written = AttemptsFile(file)
        written.note(Attempts(7, 1000.0))
        written.write()
        assert AttemptsFile(file).at(1001.0) == Attempts(7, 1000.0)

    def test_of_a_clock_that_was_set_back_begins_the_wait_anew(self, tmp_path: Path) -> None:
        attempts = AttemptsFile(tmp_path / "attempts.json")
        attempts.note(Attempts(FREE, 9_000_000.0))
        assert attempts.at(1000.0).wait(1000.0) == FIRST_WAIT
        assert attempts.at(1010.0).wait(1010.0) == FIRST_WAIT - 10

    @pytest.mark.parametrize("text", ["", "[]", '{"wrong": "many"}'])
    def test_that_is_damaged_takes_back_nothing_that_this_start_has_seen(self, tmp_path: Path, text: str) -> None:
        attempts = AttemptsFile(tmp_path / "attempts.json")
        attempts.note(Attempts(7, 1000.0))
        (tmp_path / "attempts.json").write_text(text)
        assert attempts.at(1000.0).wrong == 7

    def test_without_a_place_lasts_as_long_as_the_program(self) -> None:
        attempts = AttemptsFile(None)
        attempts.note(Attempts(6, 1000.0))
        assert attempts.at(1000.0).wrong == 6
