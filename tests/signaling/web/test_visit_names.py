"""How visits are named: the prisoner and the county first, the room second, and no two visits of a list alike."""

from typing import Any

from playwright.async_api import Page

from tests.support.monitor.visits import person, session, side

NAMES = """async ([sessions, language]) => {
    const { Sessions } = await import("/web/state/sessions.js");
    const { dayOf } = await import("/web/state/clock.js");
    const { setLanguage } = await import("/web/i18n/i18n.js");
    const { visitName, visitLine } = await import("/web/i18n/session_words.js");
    setLanguage(language);
    const known = new Sessions();
    sessions.forEach((session) => known.update(session));
    const all = known.ofDay(dayOf(new Date(sessions[0].starts_at)));
    const named = all.map((each) => [each.id, [visitName(each), visitLine(each)]]);
    setLanguage("zh");
    return Object.fromEntries(named);
}"""
WANG, LI = person("王建国"), person("李红")


def _visit(name: str, *inmates: dict[str, Any], kin: str = "王秀兰", **changes: Any) -> dict[str, Any]:
    view = session(name)
    view["sides"]["prison"]["people"] = list(inmates) or [WANG]
    view["sides"]["visitor"]["people"] = [person(kin, "母亲")]
    return {**view, **changes}


async def _named(scripts: Page, *sessions: dict[str, Any], language: str = "zh") -> dict[str, list[str]]:
    found: dict[str, list[str]] = await scripts.evaluate(NAMES, [list(sessions), language])
    return found


class TestOneVisit:
    async def test_it_is_named_by_the_prisoner_and_the_county_and_its_rooms_come_second(self, scripts: Page) -> None:
        name, line = (await _named(scripts, _visit("ses_a")))["ses_a"]
        assert name == "王建国 ⇄ 官渡区司法局"
        assert line == "王建国 ⇄ 官渡区司法局 · 三监区 1 号会见室 ⇄ 会见室 2"

    async def test_between_two_prisons_both_prisoners_are_named(self, scripts: Page) -> None:
        visit = _visit("ses_a", between_inmates=True)
        visit["sides"]["visitor"] = side("yunnan-2", "云南第二监狱", "五监区会见室", LI)
        assert (await _named(scripts, visit))["ses_a"][0] == "王建国 ⇄ 李红（云南第二监狱）"
        assert (await _named(scripts, visit, language="en"))["ses_a"][0] == "王建国 ⇄ 李红 (云南第二监狱)"

    async def test_interpreters_are_not_named_and_of_many_prisoners_the_first_and_their_number(
        self, scripts: Page
    ) -> None:
        interpreter = person("周敏", role="interpreter")
        assert (await _named(scripts, _visit("ses_a", WANG, interpreter)))["ses_a"][0].startswith("王建国 ⇄")
        many = _visit("ses_a", WANG, LI, person("赵刚"))
        assert (await _named(scripts, many))["ses_a"][0] == "王建国等3人 ⇄ 官渡区司法局"

    async def test_a_drill_says_that_it_is_one_and_names_no_person(self, scripts: Page) -> None:
        drill = (await _named(scripts, _visit("ses_a", drill=True)))["ses_a"][0]
        assert drill == "演练 · 云南第一监狱 ⇄ 官渡区司法局"

    async def test_a_visit_whose_people_are_not_listed_names_the_prison(self, scripts: Page) -> None:
        visit = _visit("ses_a")
        visit["sides"]["prison"]["people"] = []
        assert (await _named(scripts, visit))["ses_a"][0] == "云南第一监狱 ⇄ 官渡区司法局"


class TestVisitsThatWouldReadAlike:
    async def test_different_names_carry_nothing_more(self, scripts: Page) -> None:
        named = await _named(scripts, _visit("ses_a"), _visit("ses_b", LI))
        assert [name for name, _ in named.values()] == ["王建国 ⇄ 官渡区司法局", "李红 ⇄ 官渡区司法局"]

    async def test_two_prisoners_of_one_name_are_set_apart_by_their_kin(self, scripts: Page) -> None:
        named = await _named(scripts, _visit("ses_a"), _visit("ses_b", kin="张丽"))
        assert {name for name, _ in named.values()} == {
            "王建国 ⇄ 官渡区司法局（王秀兰）",
            "王建国 ⇄ 官渡区司法局（张丽）",
        }

    async def test_prisoners_of_two_prisons_are_set_apart_by_the_prison_first(self, scripts: Page) -> None:
        other = _visit("ses_b", kin="张丽")
        other["sides"]["prison"]["site_name"] = "云南第二监狱"
        named = await _named(scripts, _visit("ses_a"), other)
        assert named["ses_b"][0] == "王建国 ⇄ 官渡区司法局（云南第二监狱）"

    async def test_the_same_people_twice_a_day_are_set_apart_by_the_time(self, scripts: Page) -> None:
        first, second = _visit("ses_a"), _visit("ses_b")
        first["starts_at"], second["starts_at"] = "2026-03-02T01:40:00Z", "2026-03-02T06:00:00Z"
        named = await _named(scripts, first, second)
        assert (named["ses_a"][0], named["ses_b"][0]) == (
            "王建国 ⇄ 官渡区司法局（09:40）",
            "王建国 ⇄ 官渡区司法局（14:00）",
        )

    async def test_blanks_and_widths_alone_make_no_difference(self, scripts: Page) -> None:
        named = await _named(scripts, _visit("ses_a"), _visit("ses_b", person("王 建国"), kin="张丽"))
        assert all("（" in name for name, _ in named.values())

    async def test_whatever_is_alike_no_two_names_are(self, scripts: Page) -> None:
        visits = [_visit(f"ses_{kin}{at}", kin=kin) for kin in ("王秀兰", "张丽", "") for at in range(3)]
        visits += [
            _visit("ses_x"),
            _visit("other_x"),
            _visit("ses_drill1", drill=True),
            _visit("ses_drill2", drill=True),
        ]
        for language in ("zh", "en"):
            named = await _named(scripts, *visits, language=language)
            assert len({name for name, _ in named.values()}) == len(visits), named

    async def test_a_new_view_keeps_what_sets_it_apart_until_the_list_is_made_again(self, scripts: Page) -> None:
        script = """async (sessions) => {
            const { Sessions } = await import("/web/state/sessions.js");
            const known = new Sessions();
            sessions.forEach((session) => known.update(session));
            known.ofDay("");
            known.update({ ...sessions[0], state: "live" });
            return known.get(sessions[0].id).apart;
        }"""
        visits = [_visit("ses_a", state="ready"), _visit("ses_b", kin="张丽", state="ready")]
        assert await scripts.evaluate(script, visits) == ["王秀兰"]
