"""Texts in what is handed out: nothing in them is hidden, and nothing turns the line around."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.words import shown


@settings(deadline=None)
@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "L", "P", "Co"]), max_size=30))
def test_a_shown_text_has_no_sign_that_cannot_be_seen(text):
    kinds = {unicodedata.category(sign) for sign in shown(text)}
    assert not kinds & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_a_mark_that_turns_a_text_around_is_named_in_its_place():
    assert shown("赵\u202e某\u200b\n乙") == "赵[U+202E]某[U+200B] 乙"


@pytest.mark.parametrize("sign", "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\U000e0100")
def test_a_letter_or_mark_that_shows_nothing_is_named_in_its_place(sign):
    assert shown(f"赵{sign}某") == f"赵[U+{ord(sign):04X}]某"
