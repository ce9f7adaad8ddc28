"""Identities: ids in one form, numbers with their check digit, digests that tell nothing (Yunnan 8, Guangdong 9)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.identity import digest, id_from, normal_id, normal_number, recognised
from broker.kernel.errors import BadRequest

KEY = b"k" * 32
NUMBER = "11010519491231002X"  # the example of GB 11643


class TestIds:
    @pytest.mark.parametrize("text", ["kin-1", "KIN-1", " kin-1 ", "ｋｉｎ-1", "kin\u200b-1", "kin -1", "\ufeffKin-1"])
    def test_that_only_look_different_are_the_same(self, text):
        assert normal_id(text) == "kin-1"

    @pytest.mark.parametrize("text", ["", " ", "\u200b", "-kin", "kin/1", "张三", "k" * 65, "kin.1"])
    def test_that_are_none_are_refused(self, text):
        with pytest.raises(BadRequest):
            normal_id(text)

    @given(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True))
    def test_in_normal_form_stay_as_they_are(self, text):
        assert normal_id(text) == text == normal_id(text.upper())


class TestNumbers:
    @pytest.mark.parametrize(
        "text", [NUMBER, NUMBER.lower(), f" {NUMBER} ", "110105 19491231 002x", "１１０１０５１９４９１２３１００２Ｘ"]
    )
    def test_of_residents_are_compared_in_one_form(self, text):
        assert normal_number(text) == NUMBER

    @pytest.mark.parametrize(
        "text", ["110105194912310021", "11010519491231002", "X1010519491231002X", "", "1234", "E" * 19]
    )
    def test_that_cannot_be_one_are_refused_and_not_repeated(self, text):
        with pytest.raises(BadRequest) as refusal:
            normal_number(text)
        assert len(text) < 4 or text not in str(refusal.value.problem())

    def test_of_passports_pass(self):
        assert normal_number("e 1234-5678") == "E12345678"

    def test_are_never_kept(self):
        kept = digest(KEY, NUMBER)
        assert kept == digest(KEY, NUMBER) != digest(b"x" * 32, NUMBER)
        assert NUMBER not in kept and NUMBER not in id_from(kept) and normal_id(id_from(kept)) == id_from(kept)


def test_a_person_is_recognised_by_an_id_of_booking_or_by_a_number():
    assert recognised("kin-1") and recognised("per_x", "digest") and recognised(id_from(digest(KEY, NUMBER)))
    assert not recognised("per_x")
