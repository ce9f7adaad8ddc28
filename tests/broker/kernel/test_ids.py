"""Identifiers: new ones, names that may be chosen, and the two sides."""

import re

import pytest

from broker.kernel.ids import NAME_PATTERN, Side, is_name, new_id


class TestNewIds:
    """New identifiers are unguessable and fit into a URL, a file name and a log line."""

    def test_consist_of_a_prefix_and_26_lower_case_base32_characters(self) -> None:
        assert re.fullmatch(r"session_[a-z2-7]{26}", new_id("session"))

    def test_are_all_different(self) -> None:
        assert len({new_id("x") for _ in range(1000)}) == 1000


class TestNames:
    """Names that an administrator may give to a site, a room or a user."""

    @pytest.mark.parametrize("name", ["a", "0", "prison-1", "a" * 63, "a-"])
    def test_have_lower_case_letters_digits_and_hyphens(self, name: str) -> None:
        assert is_name(name) and re.match(NAME_PATTERN, name)

    @pytest.mark.parametrize(
        "name", ["", "-a", "A", "a_b", "a.b", "../a", "a/b", "a b", "a" * 64, "监狱", "a\n", "\na", "a\0", "１"]
    )
    def test_have_nothing_else(self, name: str) -> None:
        assert not is_name(name)


class TestSides:
    """A session has exactly two sides."""

    def test_are_opposite_to_each_other(self) -> None:
        assert {side.other for side in Side} == set(Side)
        assert all(side.other is not side and side.other.other is side for side in Side)
