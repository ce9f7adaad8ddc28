"""Articles are cited as the regulations print them: 第…条第（…）项, in Chinese numerals."""

import pytest

from config.articles.citations import cited, numeral
from config.articles.grounds import ITEMS
from config.pack_loader import load_pack


class TestCodes:
    """Yunnan 16 to 18 and Guangdong 25, 29 and 36 number their items （一）、（二）…; Yunnan 18 has none."""

    @pytest.mark.parametrize(
        ("code", "zh", "en"),
        [
            ("YN-16-2", "第十六条第（二）项", "Article 16(2)"),
            ("YN-17-10", "第十七条第（十）项", "Article 17(10)"),
            ("YN-18", "第十八条", "Article 18"),
            ("GD-25-3", "第二十五条第（三）项", "Article 25(3)"),
            ("GD-36", "第三十六条", "Article 36"),
            ("GD-36-2", "第三十六条第（二）项", "Article 36(2)"),
            ("YN-14-FAMILY", "第十四条", "Article 14"),
            ("END-COMPLETED", "", ""),
        ],
    )
    def test_a_code_is_cited_by_its_numbers(self, code: str, zh: str, en: str) -> None:
        assert cited(code) == (zh, en)

    def test_the_packs_article_is_cited_without_its_province(self) -> None:
        assert cited("SAY-GUIDE", "云南 第二十六条第一项、第二项").zh == "第二十六条第（一）项、第（二）项"
        assert cited("WARN-SPEECH", "广东 第二十八条、第二十九条第二项") == (
            "第二十八条、第二十九条第（二）项",
            "Articles 28, 29(2)",
        )
        assert cited("WARN-RULES", "广东 第二十四条、附件承诺书") == (
            "第二十四条、附件承诺书",
            "Article 24, 附件承诺书",
        )

    def test_numbers_are_those_of_the_regulations(self) -> None:
        chinese = ["一", "十", "十一", "二十", "三十六", "九十九"]
        assert [numeral(number) for number in (1, 10, 11, 20, 36, 99)] == chinese


class TestPacks:
    """Every ground of every pack that comes with the package."""

    @pytest.mark.parametrize("name", ["yunnan", "guangdong", "demo"])
    def test_a_ground_of_an_article_is_cited_with_its_item(self, name: str) -> None:
        for ground in load_pack(name).interventions:
            citation = cited(ground.code, ground.article)
            assert citation == cited(ground.code) or ground.code not in ITEMS, ground.code
            assert bool(citation.zh) is (ground.code in ITEMS or "第" in ground.article)

    def test_no_two_items_are_cited_alike(self) -> None:
        for law in ("YN", "GD"):
            codes = [code for code in ITEMS if code.startswith(law)]
            assert len({cited(code).zh for code in codes}) == len(codes)
