"""Languages of a visit, and which of them need an interpreter (Yunnan 23, Guangdong 28, F16)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.booking.language import SIGNED, Spoken, is_known, is_signed, needs_interpreter, spoken_as
from tests.support.session_story import CHILD, GUANGDONG, INMATE, SLOT, YUNNAN

PACKS = (YUNNAN, GUANGDONG)


def spoken(language: str, reason: str = "", person: str = CHILD):
    """The slot in that language; `reason` is why one of its people hardly speaks Mandarin."""
    people = tuple(replace(one, dialect_reason=reason if one.id == person else "") for one in SLOT.people)
    return replace(SLOT, language=language, people=people)


class TestLanguageTag:
    @pytest.mark.parametrize("tag", ["zh", "zh-CN", "zh-Hans", "zh-Hans-CN", "cmn", "zh-cmn-Hans-CN"])
    def test_of_mandarin(self, tag: str) -> None:
        assert spoken_as(tag) is Spoken.MANDARIN

    @pytest.mark.parametrize("tag", ["zh-yue", "yue", "zh-hak", "zh-nan", "zh-chaoshan", "zh-HK", "hak", "zh-x-lei"])
    def test_of_dialects(self, tag: str) -> None:
        assert spoken_as(tag) is Spoken.DIALECT

    @pytest.mark.parametrize("tag", ["bo", "ii", "dai", "en", "vi", "my", "csl", "sgn-CN", "zhx"])
    def test_of_foreign_ethnic_and_sign_languages(self, tag: str) -> None:
        assert spoken_as(tag) is Spoken.OTHER

    @given(st.from_regex(r"[a-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", fullmatch=True))
    def test_every_tag_that_can_be_posted_means_something(self, tag: str) -> None:
        if spoken_as(tag) is Spoken.MANDARIN:
            assert tag.lower().split("-")[0] in ("zh", "cmn")


class TestInterpreter:
    @pytest.mark.parametrize("policy", PACKS)
    def test_is_not_needed_for_mandarin(self, policy) -> None:
        assert not needs_interpreter(spoken("zh"), policy.check_in)

    @pytest.mark.parametrize("policy", PACKS)
    @pytest.mark.parametrize("tag", ["bo", "en", "csl"])
    def test_is_needed_for_another_language_whatever_the_reason(self, policy, tag: str) -> None:
        assert needs_interpreter(spoken(tag, "年老，不会普通话"), policy.check_in)

    def test_is_always_needed_for_a_dialect_in_yunnan(self) -> None:
        assert needs_interpreter(spoken("zh-yue", "年老，不会普通话"), YUNNAN.check_in)

    @pytest.mark.parametrize("reason", [" ", ".", "——", "\u200b"])
    def test_a_reason_without_a_word_is_none(self, reason) -> None:
        assert needs_interpreter(spoken("zh-yue", reason), GUANGDONG.check_in)

    def test_is_needed_for_a_dialect_in_guangdong_unless_the_slot_gives_a_reason(self) -> None:
        assert needs_interpreter(spoken("zh-yue"), GUANGDONG.check_in)
        assert needs_interpreter(spoken("zh-yue", "  "), GUANGDONG.check_in)
        assert needs_interpreter(spoken("zh-yue", "年老", INMATE), GUANGDONG.check_in), "the rule is for visitors"
        assert not needs_interpreter(spoken("zh-yue", "年老，不会普通话"), GUANGDONG.check_in)


class TestSigned:
    @pytest.mark.parametrize("tag", ["csl", "CSL", "csl-CN", "sgn", "sgn-csl", "hks"])
    def test_are_sign_languages(self, tag: str) -> None:
        assert is_signed(tag)

    @pytest.mark.parametrize("tag", ["zh", "zh-yue", "bo", "en", "ii", "zh-x-csl"])
    def test_are_not_spoken_ones(self, tag: str) -> None:
        assert not is_signed(tag)

    def test_are_known_and_need_an_interpreter(self) -> None:
        assert all(is_known(tag) and needs_interpreter(spoken(tag), YUNNAN.check_in) for tag in SIGNED)
