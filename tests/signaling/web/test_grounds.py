"""Grounds as officers choose them: their articles as the regulations print them, and the usual ones first."""

import pytest
from playwright.async_api import Page

from config.articles.citations import cited
from config.pack_loader import load_pack

CITED = """async (asked) => {
    const { cited } = await import("/web/i18n/citations.js");
    return asked.map(([code, article]) => { const { zh, en } = cited(code, article); return [zh, en]; });
}"""
ORDER = """async ([grounds, kind, begun]) => {
    const { fits, inOrder } = await import("/web/ui/grounds.js");
    return inOrder(grounds.filter(fits(kind)), kind, begun).map(({ code }) => code);
}"""
PACKS = ["yunnan", "guangdong", "demo"]


@pytest.mark.parametrize("name", PACKS)
async def test_pages_cite_every_ground_as_the_server_does(scripts: Page, name: str) -> None:
    grounds = [(ground.code, ground.article) for ground in load_pack(name).interventions]
    asked = [*grounds, *((code, "") for code, _ in grounds), ("YN-14-FAMILY", ""), ("", "")]
    assert await scripts.evaluate(CITED, asked) == [list(cited(*each)) for each in asked]


async def _order(scripts: Page, name: str, kind: str, begun: bool) -> list[str]:
    members = ("code", "must_end", "may_hold", "by_agreement", "usual")
    grounds = [{key: getattr(ground, key) for key in members} for ground in load_pack(name).interventions]
    found: list[str] = await scripts.evaluate(ORDER, [grounds, kind, begun])
    return found


class TestOrder:
    """Yunnan 16 and 17, Guangdong 29: what must end the visit stands first in a stop, then what happens most."""

    async def test_a_stop_begins_with_what_happens_in_visits(self, scripts: Page) -> None:
        assert (await _order(scripts, "yunnan", "end", True))[:3] == ["YN-17-8", "YN-17-7", "YN-17-6"]
        assert (await _order(scripts, "guangdong", "end", True))[:2] == ["GD-29-2", "GD-29-3"]

    async def test_before_the_visit_it_begins_with_what_keeps_it_from_beginning(self, scripts: Page) -> None:
        assert (await _order(scripts, "yunnan", "end", False))[:4] == ["YN-17-1", "YN-17-2", "YN-17-3", "YN-17-4"]

    @pytest.mark.parametrize("name", PACKS)
    async def test_all_grounds_that_fit_are_there_once_and_the_farewell_is_none_of_them(
        self, scripts: Page, name: str
    ) -> None:
        pack = load_pack(name).interventions
        ends = [ground.code for ground in pack if ground.may_end and not ground.by_agreement]
        found = await _order(scripts, name, "end", True)
        assert sorted(found) == sorted(ends)
        must = [ground.code for ground in pack if ground.must_end and not ground.by_agreement]
        assert set(found[: len(must)]) == set(must)
