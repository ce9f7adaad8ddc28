"""Masked names and numbers: nothing but the first letter is left."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.ledgers.masking import HIDDEN, STARS, masked_name, masked_number

ANY = st.text(max_size=30)


@pytest.mark.parametrize(
    "name, left",
    [
        ("刘某甲", "刘**"),
        ("欧阳某乙", "欧**"),
        ("Mary Smith", "M**"),
        ("王", "王**"),
        ("", "**"),
        ("=1+1", "**"),
        ("7", "**"),
    ],
)
def test_the_first_letter_of_a_name_is_left(name, left):
    assert masked_name(name) == left


@pytest.mark.parametrize(
    "number, left",
    [("YN-2026-000017", "****17"), ("530102199001011234", "****34"), ("12345", "****"), ("", ""), ("--", "")],
)
def test_the_end_of_a_long_number_is_left(number, left):
    assert masked_number(number) == left


@settings(deadline=None)
@given(ANY)
def test_no_two_letters_of_a_name_are_left(name):
    masked = masked_name(name)
    assert masked.endswith(STARS) and len(masked) <= 3
    first = unicodedata.normalize("NFC", name.strip())[:1]
    assert masked.removesuffix(STARS) in ("", first)


@settings(deadline=None)
@given(ANY)
def test_the_length_of_a_name_is_not_told(name):
    assert masked_name(name) == masked_name(name + "甲") or not name.strip()


@settings(deadline=None)
@given(ANY)
def test_a_masked_name_that_is_masked_again_is_the_same(name):
    assert masked_name(masked_name(name)) == masked_name(name)


@settings(deadline=None)
@given(ANY)
def test_at_most_two_signs_of_a_number_are_left(number):
    masked = masked_number(number)
    assert masked == "" or (masked.startswith(HIDDEN) and len(masked) <= len(HIDDEN) + 2)
