"""Retention over simulated years (云南 第十三条): nothing is deleted early, nothing under a legal hold, and what is due
goes."""

import pytest

from recorder.retention import plan, rules
from tests.simulation.years import simulate_years

SEEDS = range(3)
pytestmark = pytest.mark.timeout(600)  # of a machine that is busy with other tests


class TestYearsOfAnArchive:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_delete_nothing_early_and_nothing_that_is_held(self, seed: int) -> None:
        years = simulate_years(seed)
        assert [str(finding) for finding in years.findings] == []
        assert years.deleted, "a purge that deletes nothing proves nothing"

    def test_are_found_to_delete_early_where_the_rule_has_five_months(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rules, "LEAST_MONTHS", 5)
        monkeypatch.setattr("tests.simulation.years.due_at", lambda ended, months: rules.due_at(ended, months - 1))
        monkeypatch.setattr("recorder.retention.policy_changes.LEAST_MONTHS", 5, raising=False)
        monkeypatch.setattr(plan, "keep", lambda facts, months, now, seen: rules.keep(facts, months - 1, now, seen))
        assert {finding.oracle for seed in SEEDS for finding in simulate_years(seed).findings} == {"deleted early"}

    def test_are_found_to_delete_what_is_held_where_holds_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = plan.verdict
        monkeypatch.setattr(plan, "verdict", lambda row, held, scope: real(row, False, scope))
        assert "hold" in {finding.oracle for seed in SEEDS for finding in simulate_years(seed).findings}
