"""Fixtures of these tests: an archive with its database, to be purged."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.kernel.database import engine_for
from tests.support.recording.purging import PurgeSetup


@pytest.fixture
async def purging(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield PurgeSetup(engine, tmp_path / "archive")
    await engine.dispose()
