"""The approval of a purge: a code that takes two officers and counts for one run, and the lock: one purge at a time."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from broker.kernel.clock import boot_id
from broker.kernel.errors import Conflict, Forbidden
from recorder.archive.tables import LOCKS
from recorder.retention import approvals
from recorder.retention.approvals import Lock
from tests.support.patience import PATIENCE
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, SECOND, PurgeSetup


class TestTheCode:
    async def test_needs_another_person_and_works_once(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        plan = await purging.plan()
        code = await purging.code(plan, by="shen")
        with pytest.raises(Forbidden, match="Two"):
            await purging.approval(code, user="shen")
        with pytest.raises(Forbidden, match="valid"):
            await purging.approval("AAAA-BBBB-CCCC-DDDD")
        approval = await purging.approval(code.lower())
        await purging.order(approval, plan.scope)
        with pytest.raises(Conflict, match="used"):
            await purging.approval(code)

    async def test_ends_after_a_day_and_is_not_good_before_it_was_issued(self, purging: PurgeSetup) -> None:
        code = await purging.code(await purging.plan())
        for away in (approvals.LIFE, -SECOND):
            purging.wall = DUE + away
            with pytest.raises(Forbidden, match="expired"):
                await purging.approval(code)

    async def test_approves_what_was_shown_and_nothing_that_came_later(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        plan = await purging.plan()
        approval = await purging.approval(await purging.code(plan))
        late = await purging.recording("session_two", WALL + timedelta(days=1))
        purging.wall = DUE + timedelta(hours=23)
        assert (await purging.order(approval, plan.scope)).deleted == 1 and late.exists()

    async def test_is_not_stored(self, purging: PurgeSetup, tmp_path: Path) -> None:
        code = await purging.code(await purging.plan())
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("huijian.sqlite*"))
        assert code.encode() not in stored


class TestTwoAtOnce:
    async def test_the_second_is_refused_while_the_first_lives(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        async with Lock(purging.engine, "purge", purging).held():
            with pytest.raises(Conflict, match="running"):
                await purging.apply()
        assert (await purging.apply()).deleted == 1

    async def test_of_many_with_one_code_one_deletes(self, purging: PurgeSetup) -> None:
        for number in range(3):
            await purging.recording(f"session_{number}")
        plan = await purging.plan()
        approval = await purging.approval(await purging.code(plan))
        found = await asyncio.gather(*(purging.order(approval, plan.scope) for _ in range(4)), return_exceptions=True)
        done = [one for one in found if not isinstance(one, BaseException)]
        assert [one.deleted for one in done if one.deleted] == [3] and len(purging.tombstones.written) == 3
        assert all(isinstance(one, Conflict) for one in found if isinstance(one, BaseException))

    @pytest.fixture
    def owned(self, purging: PurgeSetup) -> Callable[..., Awaitable[None]]:
        """Return a function that gives the lock to another owner."""

        async def own(**changes: Any) -> None:
            row = {"name": "purge", "owner": "own_x", "boot": boot_id(), "pid": os.getpid()}
            row |= {"until": purging.wall + timedelta(days=1), "begun": approvals._start_of(os.getpid())}
            async with purging.engine.begin() as db:
                await db.execute(LOCKS.insert().values(**row | changes))

        return own

    async def test_the_lock_of_a_dead_process_does_not_count(
        self, purging: PurgeSetup, owned: Callable[..., Awaitable[None]]
    ) -> None:
        await purging.recording("session_one")
        process = await asyncio.create_subprocess_exec("sleep", "60")
        begun = approvals._start_of(process.pid)
        process.kill()
        await process.wait()
        assert begun is not None
        await owned(pid=process.pid, begun=begun)
        assert (await purging.apply()).deleted == 1

    @pytest.mark.parametrize(
        ("changes", "lives"),
        [
            ({"until": DUE - timedelta(hours=3)}, True),  # it lives, also during a long step
            ({"begun": 12345}, False),  # another process has its number now
            ({"begun": None}, True),  # of an earlier version, which has only a lease
            ({"begun": None, "until": DUE - SECOND}, False),
            ({"boot": "elsewhere", "pid": 1, "begun": 1}, True),
            ({"boot": "elsewhere", "pid": 1, "begun": 1, "until": DUE - SECOND}, False),
        ],
    )
    async def test_a_live_process_keeps_it_at_any_time_of_day(
        self, purging: PurgeSetup, owned: Callable[..., Awaitable[None]], changes: dict[str, Any], lives: bool
    ) -> None:
        await owned(**changes)
        taken = Lock(purging.engine, "purge", purging).held()
        if lives:
            with pytest.raises(Conflict, match="running"):
                await taken.__aenter__()
        else:
            async with taken:
                pass

    async def test_a_lock_is_renewed_while_one_step_takes_long(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(approvals, "RENEW", 0.01)
        async with Lock(purging.engine, "purge", purging).held():
            purging.wall += timedelta(hours=1)
            async with asyncio.timeout(PATIENCE):
                while True:
                    async with purging.engine.connect() as db:
                        until = (await db.execute(select(LOCKS.c.until))).scalar_one()
                    if until == purging.wall + approvals.LEASE:
                        break
                    await asyncio.sleep(0.01)
