"""Scenarios of whole visits through REST and WebSocket, with real processes and real media.

The tests share one running installation, and one event loop with it (`loop_scope="session"`): each holds a visit of its
own in the same two rooms, and ends it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.installation import LONG_LIMIT, Installation, long_pack, short_pack
from tests.support.installation import installation as run_installation


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run a Huijian under the demonstration's rules, with a limit of LONG_LIMIT seconds."""
    async with run_installation(long_pack(tmp_path_factory.mktemp("pack"))) as running:
        running.minutes = round(LONG_LIMIT / 60)
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def short_installation(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Run a Huijian whose visits end after SHORT_LIMIT seconds, for scenarios that wait for the limit."""
    async with run_installation(short_pack(tmp_path_factory.mktemp("pack"))) as running:
        yield running
