"""What the recorder process repairs at its start: holds that a database has lost, dates of a clock that was wrong."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from broker.ipc.recorder_messages import GetDifferences
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for, writing
from recorder.archive.catalog import Catalog, columns
from recorder.archive.tables import HOLDS
from recorder.evidence.signing import Keys
from recorder.retention.clock_trust import believe
from recorder.retention.holds import Chains, Holds
from recorder.retention.rules import due_at
from tests.support.patience import PATIENCE
from tests.support.recorder import RecorderProcess
from tests.support.recording.archives import archived, make_work, signer

NEVER_SET = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(database)
    yield engine
    await engine.dispose()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what another process writes, so that there is no event to wait for."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_holds_and_dates_are_repaired_at_the_start(tmp_path: Path, database: str, engine: AsyncEngine) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    key = signer(root)
    catalog, holds = Catalog(engine), Holds(engine, Chains(root, key, Keys([key.public])))
    done = archived(make_work(root, "session_one", NEVER_SET), root, NEVER_SET)
    row = {"session": "session_one", "site": done["site"], "announced": True, "created_at": NEVER_SET}
    await catalog.put(row | columns(done))
    now = SystemClock().now().wall
    await holds.add("session_one", "法院调取", "shen", now)
    async with writing(engine) as db:
        await db.execute(delete(HOLDS))
    await believe(engine, SystemClock(), "shen")
    run = Path(tempfile.mkdtemp(prefix="hj"))
    async with RecorderProcess(tmp_path, run, HUIJIAN_DATABASE_URL=database) as process:

        async def held() -> bool:
            return len(await holds.listed()) == 1

        async def dated() -> bool:
            found = await catalog.row("session_one")
            return found is not None and (found["due_at"] or NEVER_SET) >= due_at(now, 6)

        await until(held)
        await until(dated)
        differences = (await process.call(GetDifferences())).differences
        assert ("hold_row_missing", "session_one") in {(found.kind, found.session) for found in differences}
    shutil.rmtree(run, ignore_errors=True)
    facts = await holds.facts()
    assert facts.held == {"session_one"} and facts.undated == frozenset() and facts.broken == {}
