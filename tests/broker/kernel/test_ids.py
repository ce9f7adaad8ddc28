"""Identifiers."""

import re

import pytest

from broker.kernel.ids import NAME_PATTERN, Side, is_name, new_id


class TestNewIds:
    """Unguessable, and fit for a URL, a file name and a log line."""

    def test_they_are_a_prefix_and_26_lower_case_base32_characters(self) -> None:
        assert re.fullmatch(r"session_[a-z2-7]{26}", new_id("session"))

    def test_no_two_are_alike(self) -> None:
        assert len({new_id("x") for _ in range(1000)}) == 1000


class TestNames:
    """What an administrator may call a site, a room or a user."""

    @pytest.mark.parametrize("name", ["a", "0", "prison-1", "a" * 63, "a-"])
    def test_lower_case_digits_and_hyphens(self, name: str) -> None:
        assert is_name(name) and re.match(NAME_PATTERN, name)

    @pytest.mark.parametrize(
        "name", ["", "-a", "A", "a_b", "a.b", "../a", "a/b", "a b", "a" * 64, "监狱", "a\n", "\na", "a\0", "１"]
    )
    def test_and_nothing_else(self, name: str) -> None:
        assert not is_name(name)


class TestSides:
    """Every session has exactly two."""

    def test_each_is_the_other_of_the_other(self) -> None:
        assert {side.other for side in Side} == set(Side)
        assert all(side.other is not side and side.other.other is side for side in Side)
