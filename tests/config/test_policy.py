"""A policy may be stricter than the law, never looser; every bound is included (Guangdong 39)."""

import re
import tomllib
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.law import LAWS
from config.pack_loader import load_pack, packs
from config.policy import RULES, LooserThanLaw

BOUNDS = [(name, bound) for name, law in LAWS.items() for bound in law.bounds]
PACKS = {name: load_pack(name) for name in LAWS}
OWNERS = "业主决定（"
OTHERS = ("alerts.one_minute", "extension.times")
"""Numbers that contradict another number of their section before they reach the bound."""


def steps(bound):
    """The smallest step of a bound: a second of durations, one of counts."""
    return timedelta(seconds=1) if isinstance(bound.value, timedelta) else 1


def changed(policy, field, value):
    """The policy with another number for a rule, which may be one of a section."""
    section, _, rule = field.rpartition(".")
    if not section:
        return replace(policy, **{field: value})
    return replace(policy, **{section: replace(getattr(policy, section), **{rule: value})})


def of_the_articles(name):
    return {
        (one.field, one.edge, one.value, one.article)
        for one in LAWS[name].bounds
        if not one.article.startswith(OWNERS) or one.edge == "at_least"
    }


@st.composite
def looser(draw):
    """A value that makes sense, on the wrong side of the bound."""
    least = [case for case in BOUNDS if case[1].edge == "at_most" or case[1].value > steps(case[1])]
    least = [case for case in least if case[1].field not in OTHERS]
    name, bound = draw(st.sampled_from(least))
    far = draw(st.integers(1, 10_000)) * steps(bound)
    if bound.edge == "at_most":
        return name, bound, bound.value + far
    return name, bound, max(bound.value - far, steps(bound))


class TestLooserThanTheLaw:
    @given(looser())
    def test_is_refused_naming_the_article(self, case):
        name, bound, value = case
        with pytest.raises(LooserThanLaw) as refusal:
            changed(PACKS[name], bound.field, value)
        assert refusal.value.articles == (bound.article,)
        assert bound.field in str(refusal.value) and bound.article in str(refusal.value)

    def test_a_quarter_of_a_second_over_thirty_minutes_is_over(self):
        with pytest.raises(LooserThanLaw):
            replace(PACKS["yunnan"], hard_limit=timedelta(minutes=30, milliseconds=250))


def numbers(document, prefix=""):
    """Each entry of a pack that is a number, or a list of numbers: its name and its table's head."""
    for name, entry in document.items():
        if isinstance(entry, dict) and "value" not in entry:
            yield from numbers(entry, f"{prefix}{name}.")
        elif isinstance(entry, dict):
            values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
            if "unit" in entry or (values and all(type(value) is int for value in values)):
                yield f"{prefix}{name}", entry


def text_of(name):
    return resources.files("config").joinpath("packs", f"{name}.toml").read_text("utf-8")


NUMBERS = [(name, rule) for name in packs() for rule, _ in numbers(tomllib.loads(text_of(name)))]
BEYOND = 10**7  # of whatever unit


class TestEveryNumberOfAPack:
    """No number is without a bound: a new key whose hostile value passes fails here."""

    def hostile(self, tmp_path, name, rule, value):
        text = re.sub(
            rf"(\[{re.escape(rule)}\][^\n]*\nvalue = )[^\n]*", lambda found: found[1] + value, text_of(name), count=1
        )
        assert text != text_of(name)
        path = tmp_path / f"{name}.toml"
        path.write_text(text, "utf-8")
        return load_pack(path)

    @pytest.mark.parametrize(("name", "rule"), NUMBERS)
    def test_is_refused_beyond_all_measure(self, tmp_path, name, rule):
        value = f"[{BEYOND}]" if rule == "extension.steps" else str(BEYOND)
        with pytest.raises(ValueError, match=rule.rpartition(".")[2]) as refusal:
            self.hostile(tmp_path, name, rule, value)
        if name != "demo" and rule not in ("attention_min", "extension.steps", "suspension.least", *OTHERS):
            assert isinstance(refusal.value, LooserThanLaw)  # the others contradict another number of the pack already
            assert "第" in refusal.value.articles[0]

    @pytest.mark.parametrize(
        ("rule", "value"),
        [
            ("sessions_per_supervisor", 3),
            ("hold_grace", timedelta(hours=10)),
            ("late_grace", timedelta(days=1)),
            ("slot_reserve", timedelta(hours=2)),
            ("self_test_fresh", timedelta(hours=1)),
            ("attention_answer", timedelta(hours=1)),
            ("attention_max", timedelta(minutes=11)),
            ("attention_min", timedelta(seconds=1)),
            ("attention_max", timedelta(0)),
            ("check_in_lead", timedelta(hours=10)),
            ("check_in.max_interpreters", 3),
            ("alerts.black", timedelta(hours=1)),
        ],
    )
    @pytest.mark.parametrize("name", LAWS)
    def test_that_the_articles_leave_open_has_the_owners_bound(self, name, rule, value):
        with pytest.raises(LooserThanLaw) as refusal:
            changed(PACKS[name], rule, value)
        assert refusal.value.articles[0].startswith(OWNERS) and "owner decided" in str(refusal.value)


class TestBounds:
    """The bounds, written out once more from the texts, so that a change of the law in the code is seen."""

    def test_says_what_yunnan_says(self):
        assert of_the_articles("yunnan") >= {
            ("hard_limit", "at_most", timedelta(minutes=30), "云南 第十四条"),
            ("max_visitors", "at_most", 3, "云南 第十四条"),
            ("min_supervisors", "at_least", 2, "云南 第二十五条"),
            ("retention_months", "at_least", 6, "云南 第十三条"),
            ("check_in_lead", "at_least", timedelta(minutes=30), "云南 第十条"),
        }

    def test_says_what_guangdong_says_and_calls_the_rest_the_owners(self):
        owners = "业主决定（广东 第二十七条未定数）"
        assert of_the_articles("guangdong") >= {
            ("hard_limit", "at_most", timedelta(minutes=30), "广东 第十一条"),
            ("max_visitors", "at_most", 7, "广东 第十一条"),
            ("min_supervisors", "at_least", 2, owners),
            ("retention_months", "at_least", 6, owners),
            ("check_in_lead", "at_least", timedelta(0), "广东 第二十三条"),
        }


class TestLawfulPolicy:
    @pytest.mark.parametrize(("name", "bound"), BOUNDS)
    def test_the_bound_is_included(self, name, bound):
        if bound.field == "extension.times":  # in Guangdong's pack none is allowed, so it has no steps
            name = "yunnan"
        policy = replace(PACKS[name], attention_min=timedelta(minutes=1))
        assert changed(policy, bound.field, bound.value).number(bound.field) == bound.value

    @pytest.mark.parametrize("name", packs())
    def test_of_each_pack_keeps_every_bound_of_its_law(self, name):
        policy = load_pack(name)
        bounds = [bound for bound in LAWS[policy.law].bounds if bound.demo or not policy.demo]
        assert bounds and all(bound.allows(policy.number(bound.field)) for bound in bounds)


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

    @pytest.mark.parametrize("name", LAWS)
    def test_is_turned_off_in_a_demonstration_only(self, name):
        off = {"attention_min": self.NOTHING, "attention_max": self.NOTHING}
        with pytest.raises(LooserThanLaw, match="attention_min"):
            replace(PACKS[name], **off)
        assert not replace(PACKS[name], demo=True, **off).attention_max

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
        with pytest.raises(ValueError, match=r"attention_m|attention check"):
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
