"""Verdicts on equipment from figures and limits (Yunnan 12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.session.parts.equipment import CHECKS, FIGURES, NEEDED, Verdict, passes, verdicts
from config.articles.equipment import EQUIPMENT_RULES
from config.pack_loader import load_pack
from tests.support.figures import BAD, GOOD

RULES = load_pack("yunnan").equipment
figures = st.dictionaries(st.sampled_from(sorted(FIGURES)), st.floats(-1e6, 1e6))


def test_a_good_room_passes_every_check() -> None:
    found = verdicts(GOOD, RULES)
    assert set(found.values()) == {Verdict.PASSED}
    assert passes(found)


@pytest.mark.parametrize("check", CHECKS)
def test_a_bad_figure_fails_its_check_and_no_other(check: str) -> None:
    found = verdicts(GOOD | BAD[check], RULES)
    assert [name for name, verdict in found.items() if verdict is Verdict.FAILED] == [check]
    assert not passes(found)


def test_every_rule_limits_a_figure() -> None:
    assert {limit.rule for limits in CHECKS.values() for limit in limits} == set(EQUIPMENT_RULES) - {
        "opening",
        "history",
    }


def test_the_limit_itself_passes() -> None:
    for limits in CHECKS.values():
        for limit in limits:
            assert limit.holds(getattr(RULES, limit.rule) / limit.scale, RULES), limit


@given(figures)
def test_what_was_not_measured_neither_passes_nor_fails(measured: dict[str, float]) -> None:
    found = verdicts(measured, RULES)
    for check, limits in CHECKS.items():
        names = {limit.figure for limit in limits}
        if not names & measured.keys():
            assert found[check] is Verdict.NOT_CHECKED
        if not names <= measured.keys():
            assert found[check] is not Verdict.PASSED


@given(figures, figures)
def test_measuring_more_never_mends_a_failed_check(measured: dict[str, float], more: dict[str, float]) -> None:
    before, after = verdicts(measured, RULES), verdicts(more | measured, RULES)
    assert all(after[check] is Verdict.FAILED for check in CHECKS if before[check] is Verdict.FAILED)


@given(figures)
def test_a_test_passes_only_with_all_that_is_needed_and_nothing_failed(measured: dict[str, float]) -> None:
    found = verdicts(measured, RULES)
    assert passes(found) == (
        Verdict.FAILED not in found.values() and all(found[check] is Verdict.PASSED for check in NEEDED)
    )


def test_a_terminal_that_measured_nothing_does_not_pass() -> None:
    assert not passes(verdicts({}, RULES))
    assert not passes({})


def test_a_clock_that_is_behind_is_as_wrong_as_one_that_is_ahead() -> None:
    for offset in (-90_000.0, 90_000.0):
        assert verdicts(GOOD | {"clock": offset}, RULES)["clock"] is Verdict.FAILED
