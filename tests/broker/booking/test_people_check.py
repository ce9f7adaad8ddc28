"""The people of a slot: number, relation, language and identity, each refused with its article (F11)."""

from dataclasses import replace

import pytest

from broker.booking.people_check import check_people
from broker.booking.slot import Person, PersonRole
from broker.kernel.errors import BadRequest, PolicyViolation
from broker.kernel.ids import PersonId, Side
from tests.support.session_story import GUANGDONG, INMATE, KIN, SLOT, YUNNAN

BOTH = pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])


def inmate(number: int = 1, **changes: object) -> Person:
    return replace(Person(PersonId(f"in-{number}"), Side.PRISON, "甲"), **changes)  # type: ignore[arg-type]


def kin(number: int = 1, relation: str = "母亲", **changes: object) -> Person:
    return replace(Person(PersonId(f"kin-{number}"), Side.VISITOR, "乙", relation), **changes)  # type: ignore[arg-type]


def helper(number: int = 1, side: Side = Side.VISITOR) -> Person:
    return Person(PersonId(f"int-{number}"), side, "丙", "翻译", role=PersonRole.INTERPRETER)


def other_inmate(relation: str = "配偶", **changes: object) -> Person:
    return kin(9, relation, detained=True, **changes)


def check(*people: Person, policy=YUNNAN, language: str = "zh") -> None:
    check_people(replace(SLOT, people=people, language=language), policy)


def refused(*people: Person, policy=YUNNAN, language: str = "zh") -> str:
    """Return the article of the refusal."""
    with pytest.raises(PolicyViolation) as refusal:
        check(*people, policy=policy, language=language)
    (article,) = refusal.value.extra["articles"]
    assert article in refusal.value.detail_zh and article in refusal.value.detail_en
    return str(article)


class TestInterpreters:
    """Yunnan 23, Guangdong 28: only where the language needs one."""

    @BOTH
    @pytest.mark.parametrize("helpers", [(1,), (1, 2)])
    @pytest.mark.parametrize("language", ["zh", "zh-CN", "cmn", "zh-Hans"])
    def test_are_refused_in_a_mandarin_visit(self, policy, helpers, language):
        article = refused(inmate(), kin(), *map(helper, helpers), policy=policy, language=language)
        assert article in ("云南 第二十三条", "广东 第二十八条")

    @BOTH
    @pytest.mark.parametrize("language", ["bo", "ii", "en", "csl", "zh-yue"])
    def test_are_demanded_where_the_language_needs_one(self, policy, language):
        refused(inmate(), kin(), policy=policy, language=language)
        check(inmate(), kin(), helper(), policy=policy, language=language)
        check(inmate(), kin(), helper(side=Side.PRISON), policy=policy, language=language)

    def test_are_refused_beyond_the_packs_number(self):
        check(inmate(), kin(), helper(1), helper(2), language="bo")
        refused(inmate(), kin(), helper(1), helper(2), helper(3), language="bo")

    def test_are_not_needed_for_a_dialect_with_a_reason_in_guangdong(self):
        speaker = kin(dialect_reason="年老")
        check(inmate(), speaker, policy=GUANGDONG, language="zh-yue")
        assert refused(inmate(), speaker, helper(), policy=GUANGDONG, language="zh-yue") == "广东 第二十八条"
        assert refused(inmate(), speaker, policy=YUNNAN, language="zh-yue") == "云南 第二十三条"


class TestLanguages:
    @pytest.mark.parametrize("language", ["xx", "zz", "klingon", "zh-zzz", "qaa", "und", "mul", "zxx", "bo-x", "enn"])
    def test_that_are_unknown_are_refused(self, language):
        with pytest.raises(BadRequest, match="BCP 47"):
            check(inmate(), kin(), helper(), language=language)

    @pytest.mark.parametrize(
        "language", ["bo-CN", "en-GB", "sgn-CN", "mn-Mong", "zh-x-lei", "zh-chaoshan", "hmn", "csl"]
    )
    def test_with_subtags_are_known(self, language):
        check(inmate(), kin(), helper(), language=language)


class TestNumbersOfPeople:
    @BOTH
    def test_one_inmate_meets_kin(self, policy):
        check(inmate(), kin(), policy=policy)
        assert refused(inmate(1), inmate(2), kin(), policy=policy) in ("云南 第二条", "广东 第二条、第三十七条")

    @BOTH
    def test_ten_inmates_are_nine_too_many(self, policy):
        refused(*map(inmate, range(10)), kin(), policy=policy)

    @BOTH
    def test_one_inmate_meets_one_inmate(self, policy):
        check(inmate(), other_inmate(), policy=policy)
        refused(inmate(), other_inmate(), kin(8, detained=True), policy=policy)

    def test_of_visitors_are_bounded(self):
        check(inmate(), *map(kin, range(3)))
        assert refused(inmate(), *map(kin, range(4))) == "云南 第十四条"


class TestRelations:
    @BOTH
    @pytest.mark.parametrize("relation", ["律师", "辩护人", "代理律师", "律 師", "lawyer", "其律师"])
    def test_a_defence_lawyer_is_refused_with_the_reason(self, policy, relation):
        assert "司发通〔2017〕124号" in refused(inmate(), kin(relation=relation), policy=policy)

    def test_no_decision_makes_a_family_visit_of_it(self):
        refused(inmate(), kin(relation="律师", relation_by="科长", relation_reason="特批"))
        refused(inmate(), kin(), replace(helper(), relation="律师"), language="bo")

    @pytest.mark.parametrize("relation", ["公证员", "检察官", "民警"])
    def test_an_official_needs_another_class(self, relation):
        assert refused(inmate(), kin(relation=relation)) == "云南 第三十四条"
        assert refused(inmate(), kin(relation=relation), policy=GUANGDONG) == "广东 第二十二条、第三十七条"

    @BOTH
    @pytest.mark.parametrize("relation", ["朋友", "叔叔", "", " "])
    def test_an_unknown_or_missing_one_is_refused(self, policy, relation):
        refused(inmate(), kin(relation=relation), policy=policy)

    def test_an_unknown_one_passes_with_the_decision_of_an_officer_and_a_reason(self):
        check(inmate(), kin(relation="叔叔", relation_by="审批科", relation_reason="自幼抚养"))
        for by, reason in (("审批科", ""), ("", "自幼抚养"), ("审批科", "\u200b")):
            with pytest.raises(BadRequest):
                check(inmate(), kin(relation="叔叔", relation_by=by, relation_reason=reason))

    def test_an_inmate_is_no_visitor_of_a_bureau(self):
        assert refused(inmate(), kin(relation="服刑人员")) == "云南 第三十五条至第三十七条"

    def test_interpreters_and_inmates_of_the_first_side_have_none(self):
        check(inmate(relation="本人"), kin(), helper(), language="bo")


class TestIdentities:
    @BOTH
    def test_everybody_is_known_by_an_id_or_a_number(self, policy):
        nameless = PersonId("per_abc")
        for people in (
            (inmate(id=nameless), kin()),
            (inmate(), kin(id=nameless)),
            (inmate(), other_inmate(id=nameless)),
        ):
            assert refused(*people, policy=policy) in ("云南 第八条第一项、第十一条", "广东 第九条")
        check(inmate(id=nameless, identity="d1"), kin(), policy=policy)

    def test_a_person_is_listed_once_whatever_the_side_the_role_and_the_id(self):
        for people in (
            (inmate(), kin(id=PersonId("in-1"))),
            (inmate(identity="d"), kin(identity="d")),
            (inmate(), kin(1, identity="d"), kin(2, identity="d")),
            (inmate(), kin(1), replace(helper(), id=PersonId("kin-1"))),
            (inmate(identity="d"), other_inmate(identity="d")),
        ):
            with pytest.raises(BadRequest, match="twice"):
                check(*people, language="bo" if len(people) == 3 else "zh")

    @pytest.mark.parametrize("id", ["", " ", "\u200b", "KIN-1", "kin 1", " kin-1"])
    def test_an_id_that_is_empty_or_not_in_its_form_is_refused(self, id):
        with pytest.raises(BadRequest):
            check(inmate(), kin(id=PersonId(id)))

    @pytest.mark.parametrize("name", ["", " ", "\u200b\u200d", "——"])
    def test_a_name_that_cannot_be_seen_is_none(self, name):
        with pytest.raises(BadRequest, match="name"):
            check(inmate(), kin(name=name))


def test_the_story_of_the_other_tests_is_lawful():
    check_people(SLOT, YUNNAN)
    assert {person.id for person in SLOT.people} > {INMATE, KIN}
