"""A policy may be stricter than the law, never looser; every bound is included (Guangdong 39)."""

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.law import LAWS
from config.pack_loader import load_pack
from config.policy import RULES, LooserThanLaw

BOUNDS = [(name, bound) for name, law in LAWS.items() for bound in law.bounds]
PACKS = {name: load_pack(name) for name in LAWS}


def steps(bound):
    """The smallest step of a bound: a second of durations, one of counts."""
    return timedelta(seconds=1) if isinstance(bound.value, timedelta) else 1


def as_written(name):
    return {(one.field, one.edge, one.value, one.article) for one in LAWS[name].bounds}


@st.composite
def looser(draw):
    """A value that makes sense, on the wrong side of the bound."""
    least = [case for case in BOUNDS if case[1].edge == "at_most" or case[1].value > steps(case[1])]
    name, bound = draw(st.sampled_from(least))
    far = draw(st.integers(1, 10_000)) * steps(bound)
    if bound.edge == "at_most":
        return name, bound, bound.value + far
    return name, bound, max(bound.value - far, steps(bound))


@st.composite
def stricter(draw):
    name, bound = draw(st.sampled_from(BOUNDS))
    far = draw(st.integers(0, 10_000)) * steps(bound)
    value = bound.value + far if bound.edge == "at_least" else bound.value - far
    smallest = steps(bound)  # a limit of zero would be no visit at all
    return name, bound, max(value, smallest) if bound.edge == "at_most" else value


class TestLooserThanTheLaw:
    @given(looser())
    def test_is_refused_naming_the_article(self, case):
        name, bound, value = case
        with pytest.raises(LooserThanLaw) as refusal:
            replace(PACKS[name], **{bound.field: value})
        assert refusal.value.articles == (bound.article,)
        assert bound.field in str(refusal.value)

    def test_a_quarter_of_a_second_over_thirty_minutes_is_over(self):
        with pytest.raises(LooserThanLaw):
            replace(PACKS["yunnan"], hard_limit=timedelta(minutes=30, milliseconds=250))


class TestBounds:
    """The bounds, written out once more from the texts, so that a change of the law in the code is seen."""

    def test_says_what_yunnan_says(self):
        assert as_written("yunnan") == {
            ("hard_limit", "at_most", timedelta(minutes=30), "云南 第十四条"),
            ("max_visitors", "at_most", 3, "云南 第十四条"),
            ("min_supervisors", "at_least", 2, "云南 第二十五条"),
            ("retention_months", "at_least", 6, "云南 第十三条"),
            ("check_in_lead", "at_least", timedelta(minutes=30), "云南 第十条"),
        }

    def test_says_what_guangdong_says_and_calls_the_rest_the_owners(self):
        owners = "业主决定（广东 第二十七条未定数）"
        assert as_written("guangdong") == {
            ("hard_limit", "at_most", timedelta(minutes=30), "广东 第十一条"),
            ("max_visitors", "at_most", 7, "广东 第十一条"),
            ("min_supervisors", "at_least", 2, owners),
            ("retention_months", "at_least", 6, owners),
            ("check_in_lead", "at_least", timedelta(0), "广东 第二十三条"),
        }


class TestLawfulPolicy:
    @given(stricter())
    def test_passes(self, case):
        name, bound, value = case
        assert getattr(replace(PACKS[name], **{bound.field: value}), bound.field) == value

    @pytest.mark.parametrize(("name", "bound"), BOUNDS)
    def test_the_bound_is_included(self, name, bound):
        replace(PACKS[name], **{bound.field: bound.value})

    @pytest.mark.parametrize("name", LAWS)
    def test_the_bounds_name_fields_that_exist(self, name):
        assert {bound.field for bound in LAWS[name].bounds} <= set(RULES)


class TestNonsense:
    @pytest.mark.parametrize("rule", RULES)
    def test_negative_values_are_refused(self, rule):
        value = getattr(PACKS["yunnan"], rule)
        with pytest.raises(ValueError, match=rule):
            replace(PACKS["yunnan"], **{rule: -value or timedelta(seconds=-1)})

    def test_an_unknown_law_is_refused(self):
        with pytest.raises(ValueError, match="law"):
            replace(PACKS["yunnan"], law="none")

    def test_a_value_without_its_article_is_refused(self):
        with pytest.raises(ValueError, match="slot_reserve"):
            replace(PACKS["yunnan"], articles={**PACKS["yunnan"].articles, "slot_reserve": ""})


class TestAttentionCheck:
    """The articles ask for watching and name no numbers (Yunnan 26(3), Guangdong 27)."""

    FIVE, TEN, NOTHING = timedelta(minutes=5), timedelta(minutes=10), timedelta(0)

    @pytest.mark.parametrize("name", LAWS)
    def test_comes_after_five_to_ten_minutes_and_waits_half_a_minute(self, name):
        policy = PACKS[name]
        assert (policy.attention_min, policy.attention_max) == (self.FIVE, self.TEN)
        assert policy.attention_answer == timedelta(seconds=30)
        for field in ("attention_min", "attention_max", "attention_answer"):
            assert policy.articles[field].startswith("业主决定（")

    def test_can_be_turned_off(self):
        assert not replace(PACKS["yunnan"], attention_min=self.NOTHING, attention_max=self.NOTHING).attention_max

    @pytest.mark.parametrize(
        "changes",
        [
            {"attention_min": timedelta(minutes=11)},
            {"attention_max": NOTHING},
            {"attention_min": NOTHING},
            {"attention_answer": NOTHING},
        ],
    )
    def test_times_that_make_no_sense_are_refused(self, changes):
        with pytest.raises(ValueError, match=r"attention_min|attention check"):
            replace(PACKS["yunnan"], **changes)


class TestPolicy:
    def test_cannot_be_changed_afterwards(self):
        with pytest.raises(FrozenInstanceError):
            PACKS["yunnan"].max_visitors = 9
        with pytest.raises(TypeError):
            PACKS["yunnan"].articles["hard_limit"] = ""

    def test_can_be_compared_and_hashed(self):
        assert load_pack("yunnan") == PACKS["yunnan"]
        assert len({load_pack("yunnan"), PACKS["yunnan"]}) == 1
