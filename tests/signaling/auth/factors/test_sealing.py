"""Sealed values: for one purpose, for a while, and for this installation alone."""

from datetime import UTC, datetime, timedelta

import pytest

from signaling.auth.factors.sealing import Sealing

NOW, MINUTE = datetime(2026, 3, 2, tzinfo=UTC), timedelta(minutes=1)
SEALING = Sealing(b"k" * 32)


def test_a_value_opens_for_its_purpose_under_its_key():
    sealed = SEALING.seal("ticket", {"user": "li"})
    assert SEALING.open("ticket", sealed) == {"user": "li"} and "li" not in sealed
    assert SEALING.open("secret", sealed) is None and Sealing(b"x" * 32).open("ticket", sealed) is None


@pytest.mark.parametrize("text", ["", "x", "!!!", "A" * 40, "é", "A" * 3])
def test_what_was_not_sealed_opens_to_nothing(text):
    assert SEALING.open("ticket", text) is None


def test_each_changed_sign_is_noticed():
    sealed = SEALING.seal("ticket", {"user": "li"})
    for place in range(len(sealed)):
        other = "A" if sealed[place] != "A" else "B"
        changed = sealed[:place] + other + sealed[place + 1 :]
        assert SEALING.open("ticket", changed) in (None, {"user": "li"})
    assert SEALING.open("ticket", sealed[:20]) is None


def test_it_opens_until_its_time_is_over():
    sealed, until = SEALING.seal_until("ticket", {"user": "li"}, NOW, MINUTE)
    assert until == NOW + MINUTE
    assert SEALING.open_now("ticket", sealed, NOW + MINUTE / 2) is not None
    assert SEALING.open_now("ticket", sealed, NOW + MINUTE) is None
    assert SEALING.open_now("ticket", SEALING.seal("ticket", {}), NOW) is None
