"""Fixtures of the recorder's tests: a folder for sockets with a short path, a process, a database."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from broker.kernel.database import engine_for
from recorder.archive.tables import METADATA
from tests.support.recorder import RecorderProcess


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """Return a folder for sockets: their paths are limited to 107 bytes, and pytest's own folders are longer."""
    folder = Path(tempfile.mkdtemp(prefix="hj"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def database(tmp_path: Path) -> str:
    """Return the address of a database with the recorder's tables."""
    return await make_database(tmp_path)


async def make_database(folder: Path) -> str:
    """Create a database with the recorder's tables in a folder and return its address."""
    url = f"sqlite+aiosqlite:///{folder / 'huijian.sqlite'}"
    engine = engine_for(url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await engine.dispose()
    return url


@pytest.fixture
async def recorder(tmp_path: Path, run_dir: Path, database: str) -> AsyncIterator[RecorderProcess]:
    """A recorder process of one test."""
    async with RecorderProcess(tmp_path, run_dir, HUIJIAN_DATABASE_URL=database) as process:
        yield process
    await asyncio.sleep(0)
