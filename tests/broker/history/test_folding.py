"""Names are found however they are spelled, and by any part of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.history.folding import folded, needed, pieces


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("欧阳 某乙", "欧阳某乙"),
        ("阿依古丽·买买提", "阿依古丽买买提"),
        ("阿依古丽•买买提", "阿依古丽买买提"),
        ("Ａｎｎａ O’Neill", "annaoneill"),
        ("李", "李"),
    ],
)
def test_a_name_has_one_spelling(name, spelled):
    assert folded(name) == spelled


@given(st.text(min_size=1, max_size=12), st.data())
def test_a_name_has_all_pieces_that_any_part_of_it_needs(name, data):
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    assert needed(name[start:end]) <= pieces(name)


def test_a_part_of_one_character_needs_that_character():
    assert needed("王") == {"王"}
    assert needed("王小明") == {"王小", "小明"}
