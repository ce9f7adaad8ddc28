"""Floods beside a live visit: strangers and known peers may cost others nothing. A few run with the whole suite;
`-m hostile`, and `make hostile` with a table, run all."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.hostile.flood import Stretch, calm, flood, harmed
from tests.hostile.rows.row import Row
from tests.hostile.rows.table import ROWS
from tests.hostile.run import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

BRIEF, SECONDS = 3.0, 5.0  # of a flood, with the whole suite and alone


class Floods:
    """The run that all tests of this module share, and the quiet stretch of its stage."""

    def __init__(self) -> None:
        self.run = Run()
        self._quiet: Stretch | None = None

    async def brief(self, row: Row) -> list[str]:
        """Run a row briefly, after the one quiet stretch; return what was broken."""
        stage = await self.run.ready(row, BRIEF)
        self._quiet = self._quiet or await calm(stage, BRIEF)
        result = await flood(stage, row, BRIEF, self._quiet)
        if harmed(result):
            self._quiet = None
            await self.run.drop()
        return result.broken

    async def whole(self, row: Row) -> list[str]:
        """Run a row as `make hostile` does; return what was broken."""
        result = await flood(await self.run.ready(row, SECONDS), row, SECONDS)
        if harmed(result):
            await self.run.drop()
        return result.broken


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def floods() -> AsyncIterator[Floods]:
    """Keep one stage for all tests of this module."""
    here = Floods()
    try:
        yield here
    finally:
        await here.run.drop()


@pytest.mark.journey
@pytest.mark.parametrize("row", [row for row in ROWS if row.brief], ids=lambda row: row.name)
async def test_a_visit_goes_on_and_people_arrive_during_a_short_flood(floods: Floods, row: Row) -> None:
    assert await floods.brief(row) == []


@pytest.mark.hostile
@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_visit_goes_on_and_people_arrive_during_a_flood(floods: Floods, row: Row) -> None:
    assert await floods.whole(row) == []


@pytest.mark.hostile
@pytest.mark.timeout(300)
async def test_the_recording_beside_the_floods_is_whole_and_so_is_the_journal(floods: Floods) -> None:
    stage = await floods.run.ready(ROWS[0], SECONDS)
    manifest = await stage.end_visit()
    await stage.begin_visit()
    assert [gap for gap in manifest["gaps"] if gap["seconds"] > 0.5] == []
    assert await stage.journal_whole()
