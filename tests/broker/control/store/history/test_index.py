"""The index of the history has each visit once, as its sources have it, and forgets names for good."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from broker.control.store.history.search import Search
from broker.control.store.history.tables import visit_facets, visit_people, visits
from broker.history.facets import facets_of
from broker.history.visit import VisitState
from broker.kernel.database import reading
from tests.support.history.drawn import fill, visit_of


async def rows(store, table):
    async with reading(store.engine) as db:
        return list((await db.execute(select(table))).mappings())


@pytest.fixture
async def filled(store):
    await fill(store, range(3))
    return store


async def test_a_visit_that_is_written_again_is_the_same(filled):
    before = [await rows(filled, table) for table in (visits, visit_facets, visit_people)]
    await filled.index_visits([visit_of(number) for number in range(3)])
    after = [await rows(filled, table) for table in (visits, visit_facets, visit_people)]
    assert after == before


async def test_only_present_facets_stay_when_a_visit_changes(filled):
    visit = replace(visit_of(0), state=VisitState.ENDED)
    await filled.index_visits([visit])
    found = {(row["facet"], row["value"]) for row in await rows(filled, visit_facets) if row["visit"] == 1}
    assert found == facets_of(visit)
    assert ("state", "archived") not in found


async def test_what_the_film_showed_stays_when_the_film_is_deleted(filled):
    await filled.index_visits([replace(visit_of(0), state=VisitState.ENDED, film=None)])
    row = await filled.visit_row(visit_of(0).slot.session)
    assert row.state == "ended" and row.film_seconds == visit_of(0).film.seconds and row.coverage_visitor == 0.9


async def test_names_that_are_forgotten_are_nowhere_and_do_not_come_back(filled):
    visit = visit_of(0)
    name = visit.slot.people[0].name
    assert (await filled.search_visits(Search(inmate=name))).found == 1
    assert await filled.forget_people([visit.slot.session]) == 1
    assert await filled.forget_people([visit.slot.session]) == 0
    await filled.index_visits([visit])
    assert (await filled.search_visits(Search(inmate=name))).found == 0
    row = await filled.visit_row(visit.slot.session)
    assert not row.named and row.ending == visit.ending.code
    assert not [facet for facet, _ in row.facets if facet in ("inmate", "visitor")]
    assert not [person for person in await rows(filled, visit_people) if person["visit"] == row.id]


async def test_visits_that_the_index_lacks_are_found_and_drills_are_none(store):
    await fill(store, range(4))
    async with reading(store.engine) as db:
        assert (await db.execute(select(func.count()).select_from(visits))).scalar() == 4
    assert await store.slots_to_index("", 10) == []
    assert len(await store.slots_to_index("", 10, everything=True)) == 4
    assert len(await store.slots_to_index("slt_" + "0" * 25 + "1", 10, everything=True)) == 2


async def test_of_visits_whose_names_are_forgotten_nothing_more_is_read(store):
    await fill(store, range(2))
    for number in range(2):
        await store.index_visits([replace(visit_of(number), state=VisitState.ENDED)])
    await store.forget_people([visit_of(0).slot.session])
    assert [slot.session for slot in await store.slots_to_index("", 10)] == [visit_of(1).slot.session]


@pytest.mark.parametrize("early", [VisitState.SCHEDULED, VisitState.RUNNING])
async def test_what_was_read_too_early_does_not_replace_an_ending(filled, early):
    before = await filled.visit_row(visit_of(0).slot.session)
    await filled.index_visits([replace(visit_of(0), state=early, ending=None, film=None)])
    assert await filled.visit_row(visit_of(0).slot.session) == before


async def test_a_visit_is_found_by_its_quality_when_the_film_is_deleted(filled):
    fair = next(number for number in range(3) if visit_of(number).film is not None)
    quality = next(facet for facet in facets_of(visit_of(fair)) if facet[0] == "quality")
    asked = Search(facets=[(quality[0], (quality[1],))])
    before = [row.session for row in (await filled.search_visits(asked)).rows]
    await filled.index_visits([replace(visit_of(fair), state=VisitState.ENDED, film=None)])
    assert [row.session for row in (await filled.search_visits(asked)).rows] == before
