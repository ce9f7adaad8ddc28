"""The requests for packages: what was withdrawn, is over or lost its recording is not handed over."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select

from broker.kernel.database import engine_for, writing
from broker.kernel.errors import Conflict
from recorder.archive.catalog import PURGED, PURGING
from recorder.archive.tables import EXPORTS, RECORDINGS
from recorder.export.queue import Exports, Row, State
from tests.support.recording.feed import WALL
from tests.support.recording.purging import PurgeSetup

NOW = WALL + timedelta(days=1)
FACTS = {"bytes": 1, "sha256": "0" * 64, "sound": True}


@pytest.fixture
async def setup(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    setup = PurgeSetup(engine, tmp_path / "archive")
    await setup.recording("session_one", seconds=1.0)
    yield setup
    await engine.dispose()


async def approved(exports: Exports, session: str = "session_one", now: datetime = NOW) -> Row:
    row = await exports.add(session, "prison-site", "事由", "某法院", ["shen"], "shen", now)
    return await exports.decide(row["id"], True, "bai", "", now)


async def built(exports: Exports) -> Row:
    id = (await approved(exports))["id"]
    await exports.take(NOW)
    return await exports.ready(id, FACTS, NOW + timedelta(days=7), NOW)


class Interrupted:
    """A connection behind which every request is withdrawn after each query."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def execute(self, statement: Any) -> Any:
        answer = await self._db.execute(statement)
        if isinstance(statement, Select):
            await self._db.execute(EXPORTS.update().values(state=State.EXPIRED))
        return answer


class TestTaking:
    async def test_leaves_a_request_that_is_withdrawn_in_the_same_moment(
        self, setup: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exports = Exports(setup.engine)
        id = (await approved(exports))["id"]
        write = exports._write

        async def write_late(work: Any) -> None:
            await write(lambda db: work(Interrupted(db)))

        monkeypatch.setattr(exports, "_write", write_late)
        assert await exports.take(NOW) is None
        assert (await exports.row(id))["state"] == State.EXPIRED

    async def test_gives_each_request_once(self, setup: PurgeSetup) -> None:
        exports = Exports(setup.engine)
        await approved(exports)
        assert await exports.take(NOW) is not None and await exports.take(NOW) is None


class TestWithdrawing:
    async def test_ends_a_request_that_is_being_built(self, setup: PurgeSetup) -> None:
        exports = Exports(setup.engine)
        id = (await approved(exports))["id"]
        await exports.take(NOW)
        assert await exports.progress(id, 0.5, NOW)
        assert (await exports.withdraw(id, NOW))["state"] == State.EXPIRED
        assert not await exports.progress(id, 0.6, NOW)
        with pytest.raises(Conflict):
            await exports.ready(id, FACTS, NOW + timedelta(days=7), NOW)


@pytest.mark.parametrize("state", [PURGING, PURGED])
class TestADeletedRecording:
    async def test_is_not_handed_over_any_more(self, setup: PurgeSetup, state: str) -> None:
        exports = Exports(setup.engine)
        row = await built(exports)
        assert await exports.fetchable(row["id"], "shen", NOW)
        await setup.catalog.set("session_one", state=state)
        with pytest.raises(Conflict, match="deleted"):
            await exports.fetchable(row["id"], "shen", NOW)
        assert [over["id"] for over in await exports.over(NOW)] == [row["id"]]

    async def test_does_not_become_ready_for_download(self, setup: PurgeSetup, state: str) -> None:
        exports = Exports(setup.engine)
        id = (await approved(exports))["id"]
        await exports.take(NOW)
        await setup.catalog.set("session_one", state=state)
        with pytest.raises(Conflict):
            await exports.ready(id, FACTS, NOW + timedelta(days=7), NOW)


async def test_a_list_of_a_site_is_cut_after_other_sites_are_left_out(
    setup: PurgeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.export.queue.MOST", 2)
    exports = Exports(setup.engine)
    mine = await approved(exports)
    async with writing(setup.engine) as db:
        for number in range(3):
            other = {**mine, "id": f"exp_{number}", "session": "session_two", "at": NOW + timedelta(hours=1)}
            await db.execute(EXPORTS.insert().values(**other))
    among = select(RECORDINGS.c.session).where(RECORDINGS.c.site == "prison-site")
    assert [row["id"] for row in await exports.listed(among=among)] == [mine["id"]]
    assert len(await exports.listed()) == 2
