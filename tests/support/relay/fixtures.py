"""A real worker process, shared by the tests of a file; each test finds session `s` admitted anew and no facts yet."""

from collections.abc import AsyncIterator

import pytest_asyncio

from broker.ipc.relay_messages import CloseSession
from tests.support.relay_front import RelayFront, relay_front


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[RelayFront]:
    """Start the worker process and the front before it."""
    async with relay_front() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def front(worker: RelayFront) -> RelayFront:
    """The shared worker with a new session `s` and no facts."""
    await worker.link.call(CloseSession(session="s"))
    worker.facts.clear()
    await worker.admit("s")
    return worker


@pytest_asyncio.fixture(loop_scope="module")
async def own_front() -> AsyncIterator[RelayFront]:
    """A worker of its own, for a test that ends it."""
    async with relay_front() as running:
        await running.admit("s")
        yield running
