"""One-time codes as people read and type them."""

import hypothesis.strategies as st
from hypothesis import given

from broker.control.store.devices.codes import ALPHABET, LENGTH, new_code, read_code

PLAIN = st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH)


class TestCodes:
    def test_are_of_four_groups_without_signs_that_look_alike(self):
        code = new_code()
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert not set(code) & set("01OIL")

    def test_are_different_each_time(self):
        assert len({new_code() for _ in range(200)}) == 200

    @given(
        st.text(ALPHABET, min_size=LENGTH, max_size=LENGTH), st.sampled_from(["", "-", " ", " - ", "　"]), st.booleans()
    )
    def test_are_read_with_any_separators_in_small_or_capital_letters(self, plain, separator, small):
        typed = separator.join(plain[start : start + 4] for start in range(0, LENGTH, 4))
        code = read_code(typed.lower() if small else typed)
        assert code == read_code(plain) and code.group == plain[:4]

    @given(st.text(max_size=40))
    def test_nothing_else_is_one(self, text):
        code = read_code(text)
        assert code is None or (len(code.hash) == 64 and set(code.group) <= set(ALPHABET))

    @given(PLAIN, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
    def test_one_other_character_is_another_code(self, plain, place, sign):
        other = plain[:place] + sign + plain[place + 1 :]
        assert (read_code(other) == read_code(plain)) == (other == plain)
