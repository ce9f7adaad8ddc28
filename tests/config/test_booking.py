"""Rules for booking in packs: sites, inmates and relations, bound by the articles (Yunnan 2, 36; Guangdong 2, 37)."""

from dataclasses import replace
from pathlib import Path

import pytest

from config.booking import BOOKING_RULES
from config.law import LAWS
from config.pack_loader import load_pack, packs
from config.policy import LooserThanLaw

YUNNAN, GUANGDONG = load_pack("yunnan"), load_pack("guangdong")


@pytest.mark.parametrize("name", packs())
def test_each_rule_cites_an_article(name):
    assert set(load_pack(name).booking.articles) == set(BOOKING_RULES)


def test_yunnan_knows_prisons_only_and_guangdong_rehabilitation_units_too():
    assert YUNNAN.booking.inmate_sites == {"prison"}
    assert GUANGDONG.booking.inmate_sites == {"prison", "rehab"}


@pytest.mark.parametrize(
    "change",
    [
        {"inmate_sites": frozenset({"prison", "rehab"})},
        {"visitor_sites": frozenset({"bureau", "city"})},
        {"inmates": 2},
    ],
)
def test_a_pack_that_is_looser_than_the_law_is_refused(change):
    with pytest.raises(LooserThanLaw):
        replace(YUNNAN, booking=replace(YUNNAN.booking, **change))


@pytest.mark.parametrize("change", [{"relations": ()}, {"relations": ((" ",),)}, {"inmates": 0}])
def test_a_pack_that_makes_no_sense_is_refused(change):
    with pytest.raises(ValueError):
        replace(YUNNAN.booking, **change)


def test_a_pack_that_was_written_before_these_rules_has_those_of_its_laws_pack(tmp_path):
    text = tmp_path / "own.toml"
    kept = _pack_text("yunnan")
    begin, end = kept.index("# 预约 booking"), kept.index("# 提醒 alerts")
    text.write_text(kept[:begin] + kept[end:], "utf-8")
    assert load_pack(text).booking == YUNNAN.booking


def _pack_text(name):
    return (Path(__file__).parents[2] / "config" / "packs" / f"{name}.toml").read_text("utf-8")


class TestRelations:
    """Yunnan 36 and 37, and Guangdong 37, in the words of people and of other systems."""

    @pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])
    @pytest.mark.parametrize(
        "relation",
        [
            "母亲",
            "配偶",
            "妻",
            "儿子",
            "妹妹",
            "外祖母",
            "养父",
            "继女",
            "岳父",
            "公婆",
            "儿媳",
            "嫂子",
            "监护人",
            "媽媽",
            "孫女",
            "養子",
            " 母 亲 ",
            "母\u200b亲",
            "其母",
            "罪犯的父亲",
            "罪犯之妻",
            "Mother",
            "ＭＯＴＨＥＲ",
            "Mother-in-law",
        ],
    )
    def test_kin_and_guardians_are_known(self, policy, relation):
        assert policy.booking.knows(relation)

    @pytest.mark.parametrize(
        "relation", ["", " ", "朋友", "同事", "律师", "叔叔", "表哥", "其", "罪犯", "未婚妻", "前夫", "mom?"]
    )
    def test_others_are_not(self, relation):
        assert not YUNNAN.booking.knows(relation)


def test_the_law_of_each_province_says_which_article_a_refusal_names():
    for law in LAWS.values():
        booking = law.booking
        cited = (booking.sites_article, booking.inmates_article, booking.official, booking.private_counsel)
        cited += (booking.interpreter, booking.pairing, booking.province, booking.identity, booking.relation)
        assert all("第" in text for text in cited)
