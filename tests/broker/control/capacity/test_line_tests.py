"""Line tests beside visits: one of a terminal, few at once, none on a worker that has no time, each with an end."""

import asyncio

import pytest

from broker.control.capacity import line_tests
from broker.control.capacity.line_tests import LineTests
from broker.control.relay_pool import LINE_TESTS
from broker.kernel.errors import Busy, NotFound
from broker.kernel.tasks import Tasks
from tests.broker.control.test_relay_pool import fill, pool_of, quickly, until  # noqa: F401
from tests.support.patience import PATIENCE


class TestLineTests:
    async def test_belong_to_the_terminal_that_opened_them(self):
        async with pool_of(0.0, 0.08) as (pool, worker):
            tests = LineTests(pool, Tasks())
            test = await tests.open("trm_1")
            tests.check(test, "trm_1")
            with pytest.raises(NotFound):
                tests.check(test, "trm_2")
            assert worker.sessions == {test}

    async def test_are_one_at_a_time_for_each_terminal(self):
        async with pool_of(0.0, 0.08) as (pool, worker):
            tests = LineTests(pool, Tasks())
            first, second = await tests.open("trm_1"), await tests.open("trm_1")
            with pytest.raises(NotFound):
                tests.check(first, "trm_1")
            async with asyncio.timeout(PATIENCE):
                while worker.sessions != {second}:
                    worker.answered.clear()
                    await worker.answered.wait()

    async def test_are_few_at_once(self):
        async with pool_of(0.0, 0.08) as (pool, _):
            tests = LineTests(pool, Tasks())
            for number in range(LINE_TESTS):
                await tests.open(f"trm_{number}")
            with pytest.raises(Busy) as refused:
                await tests.open("trm_late")
            assert refused.value.problem()["retry_after"] > 0
            with pytest.raises(NotFound):
                tests.check("line_x", "trm_late")

    async def test_wait_while_a_worker_is_busy_with_visits(self):
        async with pool_of(0.3, 0.08) as (pool, worker):
            for number in range(2):
                await pool.admit(f"s{number}")
            await until(pool, worker, lambda found: found.cpu > 0.5)
            with pytest.raises(Busy):
                await LineTests(pool, Tasks()).open("trm_1")

    async def test_take_no_place_of_a_visit(self):
        async with pool_of(0.0, 0.4) as (pool, _):
            tests = LineTests(pool, Tasks())
            for number in range(LINE_TESTS):
                await tests.open(f"trm_{number}")
            assert await fill(pool) == 2
            assert pool.workers()[0].sessions == {"s0", "s1"}

    async def test_end_by_themselves(self, monkeypatch):
        monkeypatch.setattr(line_tests, "SECONDS", 0.0)
        async with pool_of(0.0, 0.08) as (pool, _):
            tasks = Tasks()
            tests = LineTests(pool, tasks)
            test = await tests.open("trm_1")
            await tasks.wait()
            with pytest.raises(NotFound):
                tests.check(test, "trm_1")
