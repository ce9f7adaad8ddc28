"""Texts that people enter: what cannot be seen, read or printed in one line is refused, names of all peoples pass."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.words import Unreadable, readable


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "张三",
            "欧阳某乙",
            "买买提·艾力",  # the interpunct of many minorities' names
            "阿卜杜拉・热合曼",
            "𠮷田",  # beyond the BMP
            "𱁬",  # plane 3, newer than this Python's tables
            "\U000323af",
            "李 明",
            "张\u3000三",
            "O'Brien-李",
            "བསྟན་འཛིན",
            "ئابدۇللا",
            "\U0002ebf0",
        ],
    )
    def test_of_all_peoples_pass_unchanged(self, name):
        assert readable(name) == unicodedata.normalize("NFC", name)

    def test_are_stored_in_one_spelling(self):
        assert readable("e\u0301") == "\u00e9" == readable("\u00e9")
        assert readable("\uf900") == "\u8c48"  # a compatibility ideograph is the character
        assert readable("  张三\u3000") == "张三"

    @pytest.mark.parametrize(
        "sign",
        [*"\x00\x01\x07\x08\t\n\r\x0b\x1b\x7f\x80\x85\x9f", "\u2028", "\u2029"],
    )
    def test_have_no_controls_and_no_line_breaks(self, sign):
        with pytest.raises(Unreadable):
            readable(f"张{sign}三")

    @pytest.mark.parametrize("sign", [chr(point) for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))])
    def test_do_not_turn_the_text_around(self, sign):
        with pytest.raises(Unreadable) as error:
            readable(f"张{sign}三")
        assert error.value.what == "invisible" and error.value.sign == f"U+{ord(sign):04X}"

    @pytest.mark.parametrize(
        "sign",
        [
            *"\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2064\u2800\u3164",
            *"\ufe00\ufe0f\ufeff\uffa0\ufff9\ufffc",
            "\U000e0001",
            "\U000e0041",
            "\U000e0100",
            "\U0001d173",
        ],
    )
    def test_hide_nothing(self, sign):
        with pytest.raises(Unreadable):
            readable(f"张三{sign}")

    @pytest.mark.parametrize("sign", ["\u0378", "\ufdd0", "\uffff", "\U0001ffff", "\U0002ffff", "\ud800", "\U000a0000"])
    def test_hold_no_code_point_that_stands_for_nothing(self, sign):
        with pytest.raises(Unreadable) as error:
            readable(f"张三{sign}")
        assert error.value.what == "unassigned"

    def test_do_not_pile_marks_over_the_lines_above(self):
        with pytest.raises(Unreadable):
            readable("a" + "\u0335" * 5)
        readable("a" + "\u0335" * 4)


class TestNotes:
    def test_may_have_lines_and_no_other_control(self):
        assert readable("一\r\n二\t三", lines=True) == "一\n二\t三"
        for sign in "\r\x0b\x1b\u2028\u202e\u200b":
            with pytest.raises(Unreadable):
                readable(f"一{sign}二", lines=True)

    def test_of_blanks_alone_are_empty(self):
        assert readable(" \u3000 ") == readable("\n \n", lines=True) == ""


@given(st.text(max_size=40))
def test_what_passes_is_stable_and_prints_in_one_line(text):
    try:
        plain = readable(text)
    except Unreadable:
        return
    assert readable(plain) == plain
    assert len(plain.splitlines()) <= 1
    assert all(unicodedata.category(sign)[0] != "C" or ord(sign) > 0xDFFF for sign in plain)
