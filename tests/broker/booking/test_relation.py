"""Relations: kin meet, lawyers and officials need an approval of another kind (Yunnan 34 to 37; Guangdong 22, 37)."""

import pytest

from broker.booking.relation import Standing, standing
from tests.support.session_story import GUANGDONG, YUNNAN

LAWYERS = (
    *(
        "律师",
        "律 师",
        "律　师",
        "律\u200b师",
        "律-师",
        "律·师",
        "律師",
        "辩护律师",
        "代理律师",
        "辩护人",
        "其律师",
        "法律援助律师",
    ),
    *(
        "lawyer",
        "Lawyer",
        "ｌａｗｙｅｒ",
        "defence counsel",
        "Attorney",
        "母亲（律师）",
        "律师兼表哥",
        "诉讼代理人",
        "辯護人",
    ),
)


class TestDefenceLawyers:
    @pytest.mark.parametrize("policy", [YUNNAN, GUANGDONG])
    @pytest.mark.parametrize("relation", LAWYERS)
    def test_are_found_however_they_are_written(self, policy, relation):
        assert standing(relation, "李某", policy.booking) is Standing.COUNSEL

    @pytest.mark.parametrize("name", ["李律师", "王 律師", "辩护人张某"])
    def test_are_found_in_a_name(self, name):
        assert standing("母亲", name, YUNNAN.booking) is Standing.COUNSEL


class TestGuardiansWithWordsOfLawyersAndCourts:
    """监护人 (Yunnan 37): a minor's guardian is 法定代理人, and a court may have appointed one. An officer decides."""

    @pytest.mark.parametrize("relation", ["法定代理人", "其法定代理人", "法院指定监护人", "法院判定的监护人"])
    def test_are_no_lawyers_and_no_officials(self, relation):
        assert standing(relation, "李某", YUNNAN.booking) in (Standing.UNKNOWN, Standing.KIN)

    @pytest.mark.parametrize("relation", ["法定代理人（律师）", "法院指定辩护人", "诉讼代理人"])
    def test_a_lawyer_beside_it_stays_one(self, relation):
        assert standing(relation, "李某", YUNNAN.booking) is Standing.COUNSEL


class TestOfficials:
    @pytest.mark.parametrize(
        "relation",
        [
            "公证员",
            "检察官",
            "警察",
            "民警",
            "公安机关",
            "法院",
            "纪委",
            "监委",
            "Notary",
            "police officer",
            "檢察官",
            "公證處",
        ],
    )
    def test_are_no_kin(self, relation):
        assert standing(relation, "李某", YUNNAN.booking) is Standing.OFFICIAL


class TestOthers:
    def test_a_visitor_who_is_an_inmate_is_told_apart(self):
        assert standing("服刑人员", "李某", YUNNAN.booking) is Standing.INMATE

    @pytest.mark.parametrize("relation", ["朋友", "叔叔", "同事", "未婚妻"])
    def test_an_unknown_relation_is_for_an_officer_to_decide(self, relation):
        assert standing(relation, "李某", YUNNAN.booking) is Standing.UNKNOWN

    @pytest.mark.parametrize("relation", ["", " ", "\u200b", "——", "（）"])
    def test_none_is_missing(self, relation):
        assert standing(relation, "李某", YUNNAN.booking) is Standing.MISSING

    def test_kin_are_kin(self):
        assert standing("母亲", "李某", YUNNAN.booking) is Standing.KIN
