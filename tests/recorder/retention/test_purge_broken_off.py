"""A purge that is broken off: nothing stays half deleted, and each deletion has one tombstone."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from recorder.archive.catalog import PURGING
from recorder.evidence.verify import verify
from recorder.export.queue import Exports
from recorder.retention.removal import folder_of
from tests.support.recording.feed import WALL
from tests.support.recording.purging import PurgeSetup


class TestBrokenOff:
    @pytest.mark.parametrize(
        "step",
        [
            "recorder.retention.purge.approvals.use",
            "recorder.retention.purge.Purge._begin",
            "recorder.retention.purge.Purge._enter_in_chain",
            "recorder.evidence.site_chain.SiteChain.append",
            "recorder.retention.purge.removal.remove",
            "recorder.retention.removal._drop",
            "tests.support.recording.purging.Tombstones.write",
        ],
    )
    async def test_at_any_step_it_is_finished_by_the_next_run_with_one_tombstone_each(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        class Killed(BaseException):
            """The end of the process: no clean-up follows, as after kill -9."""

        def kill(*_: object) -> None:
            raise Killed

        folders = [await purging.recording(f"session_{number}") for number in range(3)]
        plan = await purging.plan()
        approval = await purging.approval(await purging.code(plan))
        with monkeypatch.context() as patch:
            patch.setattr(step, kill)
            patch.setattr("recorder.retention.purge.Purge._withdraw", kill)
            with pytest.raises(Killed):
                await purging.order(approval, plan.scope)
        outcome = await purging.purge.resume(purging.scope())
        if step.endswith("use"):
            assert outcome.withdrawn == 3 and outcome.deleted == 0 and all(one.exists() for one in folders)
            outcome = await purging.order(approval, plan.scope)
        assert outcome.deleted == 3 and not any(one.exists() for one in folders)
        assert sorted(one[0] for one in purging.tombstones.written) == ["session_0", "session_1", "session_2"]
        assert (purging.root / "prison-site" / "chain.jsonl").read_bytes().count(b'"kind":"purge"') == 3
        assert verify(None, purging.root).damages == []

    async def test_waits_while_an_export_of_it_is_being_built(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        exports = Exports(purging.engine)
        row = await exports.add("session_one", "prison-site", "事由", "某法院", ["shen"], "shen", purging.wall)
        await exports.decide(row["id"], True, "li", "", purging.wall)
        await exports.take(purging.wall)
        outcome = await purging.apply()
        assert outcome.failed == [("session_one", "OSError: an export of it is being built")] and folder.exists()
        await exports.failed(row["id"], "no_recording", purging.wall)
        assert (await purging.purge.resume(purging.scope())).deleted == 1 and not folder.exists()

    async def test_a_failed_deletion_is_reported_kept_and_tried_again(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = await purging.recording("session_one"), await purging.recording("session_two")
        rmdir = Path.rmdir

        def refuse(path: Path) -> None:
            if path == first:
                raise OSError(5, "Input/output error")
            rmdir(path)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rmdir", refuse)
            outcome = await purging.apply()
        assert outcome.deleted == 1 and not second.exists()
        assert outcome.failed == [("session_one", "OSError: Input/output error")]
        assert await purging.state("session_one") == PURGING
        assert [damage.kind for damage in verify(None, purging.root).damages if damage.path == first] != []
        assert (await purging.purge.resume(purging.scope())).deleted == 1 and not first.exists()
        assert verify(None, purging.root).damages == []

    async def test_a_broken_chain_of_one_site_keeps_no_other_from_being_deleted(self, purging: PurgeSetup) -> None:
        broken = await purging.recording("session_one")
        other = await purging.recording("session_two", WALL, site="other-site")
        chain = purging.root / "prison-site" / "chain.jsonl"
        whole = chain.read_bytes()
        chain.write_bytes(whole + b"{}\n")
        outcome = await purging.apply()
        assert outcome.deleted == 1 and not other.exists() and broken.exists()
        assert [one for one, _ in outcome.failed] == ["session_one"] and "BrokenSiteChain" in outcome.failed[0][1]
        assert await purging.state("session_one") == PURGING
        chain.write_bytes(whole)
        assert (await purging.purge.resume(purging.scope())).deleted == 1 and not broken.exists()

    async def test_a_database_that_does_not_answer_once_delays_only_one_recording(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for session in ("session_one", "session_two"):
            await purging.recording(session)
        has_tombstone, asked = purging.tombstones.known, []

        async def locked(session: str) -> bool:
            asked.append(session)
            if len(asked) == 1:
                raise OperationalError("UPDATE", {}, Exception("database is locked"))
            return await has_tombstone(session)

        monkeypatch.setattr(purging.tombstones, "known", locked)
        outcome = await purging.apply()
        assert outcome.deleted == 1 and [one for one, _ in outcome.failed] == ["session_one"]
        assert (await purging.purge.resume(purging.scope())).deleted == 1

    async def test_a_path_that_leads_elsewhere_is_not_followed(self, purging: PurgeSetup, tmp_path: Path) -> None:
        await purging.recording("session_one")
        (tmp_path / "precious").mkdir()
        await purging.catalog.set("session_one", path="../precious/x")
        outcome = await purging.apply()
        assert outcome.deleted == 0 and len(outcome.failed) == 1 and (tmp_path / "precious").exists()
        with pytest.raises(ValueError):
            folder_of("prison-site/2026/11/22/session_two/session.mp4", "session_one")


PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from broker.kernel.database import engine_for
from recorder.retention import removal
from tests.support.recording.purging import PurgeSetup

real, count = removal.remove, [0]

def remove(*args):
    count[0] += 1
    if count[0] == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    real(*args)

removal.remove = remove

async def main():
    await PurgeSetup(engine_for(sys.argv[1]), Path(sys.argv[2])).apply()

asyncio.run(main())
"""


class TestARealKill:
    async def test_in_the_middle_leaves_a_lock_that_does_not_count_and_a_plan_that_is_finished(
        self, purging: PurgeSetup, database: str
    ) -> None:
        folders = [await purging.recording(f"session_{number}") for number in range(3)]
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROGRAM, database, str(purging.root)), cwd=Path(__file__).parents[3]
        )
        assert await killed.wait() == -signal.SIGKILL
        assert [folder.exists() for folder in folders] == [False, True, True]
        outcome = await purging.purge.resume(purging.scope())
        assert outcome.deleted == 2 and not any(folder.exists() for folder in folders)
        assert verify(None, purging.root).damages == []
        assert (purging.root / "prison-site" / "chain.jsonl").read_bytes().count(b'"kind":"purge"') == 3
