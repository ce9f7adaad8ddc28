"""Background work: kept while it runs, logged when it fails, gone when its owner closes."""

import asyncio
import gc

import pytest
from structlog.testing import capture_logs

from broker.kernel.tasks import Tasks
from tests.support.patience import PATIENCE


@pytest.fixture
async def tasks():
    tasks = Tasks()
    yield tasks
    await tasks.close()


class TestSpawn:
    async def test_work_is_kept_although_its_creator_forgets_it(self, tasks):
        done = asyncio.Event()

        async def work():
            await asyncio.sleep(0)
            done.set()

        tasks.spawn(work())
        gc.collect()
        await asyncio.wait_for(done.wait(), PATIENCE)

    async def test_a_failure_is_logged(self, tasks):
        async def work():
            raise ValueError("no")

        with capture_logs() as logs:
            await asyncio.gather(tasks.spawn(work()), return_exceptions=True)
        assert [entry["event"] for entry in logs] == ["background work failed"]

    async def test_a_cancelled_task_is_no_failure(self, tasks):
        task = tasks.spawn(asyncio.sleep(60))
        with capture_logs() as logs:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert logs == []


class TestClose:
    async def test_all_tasks_are_cancelled_also_those_spawned_on_the_way_out(self, tasks):
        ended = []

        async def last():
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("last")

        async def first():
            try:
                await asyncio.sleep(60)
            finally:
                tasks.spawn(last())
                ended.append("first")

        tasks.spawn(first())
        await asyncio.sleep(0)
        await asyncio.wait_for(tasks.close(), PATIENCE)
        assert ended[0] == "first" and not tasks._running

    async def test_waiting_cancels_nothing(self, tasks):
        ended = []

        async def work():
            await asyncio.sleep(0.01)
            ended.append(True)

        tasks.spawn(work())
        tasks.spawn(work())
        await asyncio.wait_for(tasks.wait(), PATIENCE)
        assert ended == [True, True]


class TestFinish:
    async def test_returns_the_result_or_raises_the_failure_without_a_log(self, tasks):
        async def fail():
            raise ValueError("no")

        assert await tasks.finish(asyncio.sleep(0, "result")) == "result"
        with capture_logs() as logs, pytest.raises(ValueError, match="no"):
            await tasks.finish(fail())
        assert logs == []

    async def test_work_runs_to_its_end_although_the_caller_is_cancelled(self, tasks):
        ended = asyncio.Event()

        async def work():
            await asyncio.sleep(0.01)
            ended.set()

        caller = asyncio.create_task(tasks.finish(work()))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
        assert not ended.is_set()
        await tasks.wait()
        assert ended.is_set()
