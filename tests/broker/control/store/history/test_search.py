"""Searches of the history find what has all their words, page by page, by an index and without sorting."""

from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.dialects import sqlite

from broker.control.store.history import search as searching
from broker.control.store.history.search import Place, Search, place_in
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.history.facets import facets_of
from broker.history.folding import folded
from broker.kernel.database import reading
from tests.support.history.drawn import fill, slot_of, visit_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT = 240


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(tmp_path_factory):
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('history') / 'h.sqlite'}"
    await migrate(url)
    async with Store(url) as store:
        await fill(store, range(COUNT))
        yield store


def sessions(numbers):
    return [slot_of(number).session for number in numbers]


async def found(store, **asked):
    """Return the sessions of all pages of a search, which must say how many they are."""
    result, after = [], None
    while True:
        page = await store.search_visits(Search(**asked, after=after, limit=17))
        result += [row.session for row in page.rows]
        assert not page.more
        after = page.next
        if after is None:
            assert len(result) == page.found
            return result


def expected(holds):
    return sessions(number for number in reversed(range(COUNT)) if holds(visit_of(number)))


class TestWords:
    """Each word and their combinations, compared with a look at every visit."""

    @pytest.mark.parametrize(
        "facets",
        [
            [],
            [("site", "prison-3")],
            [("site", "bureau-3")],
            [("room", "p-3-1")],
            [("slot", "YN-2026-000012")],
            [("slot", slot_of(12).session)],
            [("state", "archived")],
            [("ending", "time_limit")],
            [("article", "YN-16-2")],
            [("intervention", "warning")],
            [("intervention", "any")],
            [("alert", "room_lost")],
            [("alert", "any")],
            [("alert", "one_minute")],
            [("quality", "poor")],
            [("supervisor", "prison-3-sup-2")],
            [("watched", "auditor-1")],
            [("site", "prison-0"), ("intervention", "warning"), ("state", "archived")],
            [("state", "refused"), ("quality", "good")],
            [("site", "none")],
        ],
    )
    async def test_have_to_be_there_all_of_them(self, filled, facets):
        wanted = set(facets)
        asked = [(facet, (value,)) for facet, value in facets]
        assert await found(filled, facets=asked) == expected(lambda visit: wanted <= facets_of(visit))

    async def test_of_several_values_any_counts_once(self, filled):
        asked = [("supervisor", ("prison-3-sup-2", "prison-3-sup-3"))]
        wanted = {("supervisor", value) for value in asked[0][1]}
        assert await found(filled, facets=asked) == expected(lambda visit: bool(wanted & facets_of(visit)))

    async def test_lengths_and_days_are_bounds(self, filled, monkeypatch):
        since, until = slot_of(40).starts_at, slot_of(80).starts_at
        assert await found(filled, since=since, until=until) == sessions(reversed(range(40, 80)))
        by_length = expected(lambda visit: visit.seconds is not None and 350 <= visit.seconds <= 400)
        assert by_length and await found(filled, min_seconds=350.0, max_seconds=400.0) == by_length
        monkeypatch.setattr(searching, "COMMON", 1)  # as if there were thousands: all lengths are read first
        assert await found(filled, facets=[("state", ("archived",))], min_seconds=350.0, max_seconds=400.0) == by_length
        poor = await found(filled, facets=[("quality", ("poor",))], min_seconds=350.0, max_seconds=400.0)
        assert poor == [
            session for session in by_length if ("quality", "poor") in facets_of(visit_of(int(session[4:])))
        ]

    async def test_the_oldest_come_first_on_demand(self, filled):
        assert await found(filled, newest=False) == sessions(range(COUNT))


class TestNames:
    @pytest.mark.parametrize("text", ["王", "李", "伟芳", "平", "王伟", "X", "香平伟", "%", "_"])
    async def test_any_part_of_a_name_is_found(self, filled, text):
        def inmate(visit):
            return any(text in folded(person.name) for person in visit.slot.people if person.inmate)

        def visitor(visit):
            return any(text in folded(person.name) for person in visit.slot.people if not person.inmate)

        assert await found(filled, inmate=text) == expected(inmate)
        assert await found(filled, visitor=text) == expected(visitor)

    async def test_whole_names_with_signs_between_are_found(self, filled):
        name = slot_of(7).people[0].name
        assert slot_of(7).session in await found(filled, inmate=f" {name[0]}·{name[1:]} ")

    async def test_an_id_finds_its_person_alone(self, filled):
        assert await found(filled, inmate="in-12") == sessions([12])
        assert await found(filled, visitor="kin-12-1") == sessions([12])
        assert await found(filled, visitor="in-12") == []

    async def test_a_text_without_any_letter_finds_nothing_but_fails_nothing(self, filled):
        assert await found(filled, inmate="·") == []


class TestPages:
    async def test_a_cursor_is_a_place_in_the_order(self):
        assert place_in(str(Place(1700000000, 12))) == Place(1700000000, 12)
        assert place_in(str(Place(-5, 12))) == Place(-5, 12)
        with pytest.raises(ValueError, match="invalid"):
            place_in("x-1")

    async def test_visits_of_the_same_moment_are_all_on_some_page(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tests.support.history.drawn.slot_of", lambda number: slot_of(number, step=timedelta(0)))
        url = f"sqlite+aiosqlite:///{tmp_path / 'h.sqlite'}"
        await migrate(url)
        async with Store(url) as store:
            await fill(store, range(40))
            for newest in (True, False):
                assert sorted(await found(store, newest=newest)) == sessions(range(40))

    async def test_the_number_is_exact_up_to_a_bound_and_says_so_beyond(self, filled, monkeypatch):
        monkeypatch.setattr(searching, "COUNTED", 100)
        page = await filled.search_visits(Search(limit=10))
        assert (page.found, page.more, len(page.rows)) == (100, True, 10)


class TestPlans:
    """What SQLite says of how it reads: by keys, in order, without a sort or a walk through a table."""

    @pytest.mark.parametrize(
        "search",
        [
            Search(),
            Search(since=slot_of(3).starts_at),
            Search(after=Place(1, 1)),
            Search([("site", ("prison-3",))]),
            Search([("site", ("prison-3",)), ("state", ("archived",))], newest=False, after=Place(1, 1)),
            Search([("state", ("archived",))], inmate="王小明", min_seconds=5.0),
            Search(min_seconds=5.0),
        ],
    )
    async def test_are_by_keys(self, filled, search):
        async with reading(filled.engine) as db:
            terms = await searching._terms(db, search)
            ordered = terms.terms or [searching.ALL]
            for query in (searching.page(ordered, terms, search), searching.counted(ordered, terms, search)):
                compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
                plan = [row[3] for row in await db.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
                assert not [step for step in plan if "TEMP B-TREE" in step], plan
                walks = [step for step in plan if step.startswith("SCAN")]
                assert all("INDEX" in step or "anon_1" in step for step in walks), plan  # anon_1: what is counted
