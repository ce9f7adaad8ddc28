"""The purge: nothing is deleted early or without two officers, and nothing stays half deleted."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from broker.kernel.clock import boot_id
from broker.kernel.database import engine_for
from broker.kernel.errors import Conflict, Forbidden, NotFound
from recorder.archive.catalog import ARCHIVED, PURGED, PURGING
from recorder.archive.tables import LOCKS, RECORDINGS
from recorder.evidence.signing import Keys, trusted
from recorder.evidence.verify import verify
from recorder.export.queue import Exports
from recorder.retention import approvals, removal
from recorder.retention.approvals import Lock
from recorder.retention.due_proof import NotDue, Unproven
from recorder.retention.holds import Holds
from recorder.retention.policy_changes import extend_due_dates
from recorder.retention.removal import derived_folder, folder_of
from recorder.retention.rules import due_at
from tests.support.patience import PATIENCE
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, SECOND, PurgeSetup


@pytest.fixture
async def purging(tmp_path: Path, database: str) -> AsyncIterator[PurgeSetup]:
    engine = engine_for(database)
    (tmp_path / "archive").mkdir()
    yield PurgeSetup(engine, tmp_path / "archive")
    await engine.dispose()


class TestWhatIsDue:
    async def test_is_deleted_with_its_copies_and_empty_folders(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        copies = derived_folder(purging.root, "session_one")
        copies.mkdir(parents=True)
        (copies / "view.mp4").write_bytes(b"copy")
        outcome = await purging.apply()
        assert (outcome.deleted, outcome.failed, outcome.kept) == (1, [], [])
        assert not folder.exists() and not copies.exists()
        assert [path.name for path in (purging.root / "prison-site").iterdir()] == ["chain.jsonl"]
        assert await purging.state("session_one") == PURGED

    async def test_leaves_a_tombstone_with_hashes_dates_rule_and_officers(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        row = await purging.catalog.row("session_one") or {}
        await purging.apply()
        ((session, author, data),) = purging.tombstones.written
        assert (session, author, data["second"], data["rule"]) == ("session_one", "user:li", "shen", "云南 第十三条")
        assert (data["sha256"], data["manifest_sha256"]) == (row["sha256"], row["manifest_sha256"])
        assert data["number"] == 1 and data["due_at"] == DUE.astimezone(row["due_at"].tzinfo).isoformat()

    async def test_leaves_an_archive_that_verifies(self, purging: PurgeSetup) -> None:
        for number in range(3):
            await purging.recording(f"session_{number}", WALL + timedelta(days=number))
        await purging.apply()
        report = verify(None, purging.root)
        assert report.ok and report.recordings == 2

    async def test_is_nothing_a_second_before_the_due_moment(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        purging.wall = DUE - SECOND
        assert (await purging.plan()).recordings == 0
        with pytest.raises(NotDue, match="Nothing is due"):
            await purging.apply()
        assert folder.exists() and await purging.state("session_one") == ARCHIVED

    async def test_is_nothing_early_even_for_a_code_and_a_scope_that_name_it(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        plan = await purging.plan()
        approval = await purging.approval(await purging.code(plan))
        purging.wall = DUE - SECOND
        for scope in (plan.scope, purging.scope()):
            with pytest.raises(NotDue):
                await purging.order(approval, scope)
        assert folder.exists() and await purging.state("session_one") == ARCHIVED

    async def test_is_nothing_early_when_the_clock_goes_back_in_the_middle(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = await purging.recording("session_one")
        use = approvals.use

        async def use_and_turn_back(*args: Any) -> None:
            await use(*args)
            purging.wall = DUE - SECOND

        monkeypatch.setattr("recorder.retention.purge.approvals.use", use_and_turn_back)
        assert (await purging.apply()).kept == [("session_one", "not_due")]
        assert folder.exists() and await purging.state("session_one") == ARCHIVED

    async def test_stays_when_the_database_has_a_date_that_is_too_early(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        await purging.catalog.set("session_one", due_at=WALL)
        purging.wall = DUE - SECOND
        assert (await purging.plan()).kept == {"not_due": 1}
        with pytest.raises(NotDue):
            await purging.apply()
        assert folder.exists()

    async def test_stays_when_every_date_in_the_database_was_altered(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        long_ago = WALL - timedelta(days=300)
        await purging.catalog.set("session_one", due_at=WALL, ended_at=long_ago, started_at=long_ago)
        purging.wall = DUE - SECOND
        outcome = await purging.apply()
        assert (outcome.deleted, outcome.kept) == (0, [("session_one", "not_due")]) and folder.exists()
        assert verify(None, purging.root).damages == []
        row = await purging.catalog.row("session_one") or {}
        assert (row["state"], row["due_at"], row["purge"]) == (ARCHIVED, DUE, None)  # and the date is corrected
        purging.wall = DUE
        assert (await purging.apply()).deleted == 1

    async def test_is_due_by_the_later_date_of_manifest_and_chain(self, purging: PurgeSetup) -> None:
        nine = {"name": "yunnan", "version": "1", "retention_months": 9}
        folder = await purging.recording("session_one", policy=nine)
        await purging.catalog.set("session_one", due_at=WALL)
        for spoil in (lambda: None, lambda: (folder / "manifest.json").write_bytes(b"{}")):
            folder.chmod(0o700)
            (folder / "manifest.json").chmod(0o600)
            spoil()
            for wall in (DUE, due_at(WALL, 9) - SECOND):
                purging.wall = wall
                await purging.catalog.set("session_one", due_at=WALL)
                assert (await purging.apply()).kept == [("session_one", "not_due")]
        purging.wall = due_at(WALL, 9)
        assert (await purging.apply()).deleted == 1

    async def test_stays_where_no_signed_record_has_its_due_date(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        folder.chmod(0o700)
        (folder / "manifest.json").unlink()
        (purging.root / "prison-site" / "chain.jsonl").write_bytes(b"")
        ((session, why),) = (await purging.apply()).failed
        assert session == "session_one" and why.startswith("Unproven") and folder.exists()

    @pytest.mark.parametrize("wall", [WALL, DUE - SECOND, DUE])
    async def test_is_not_removed_by_a_direct_call_early_or_without_an_order(
        self, purging: PurgeSetup, wall: datetime
    ) -> None:
        folder = await purging.recording("session_one")
        purging.wall = wall
        place = PurePosixPath(folder.relative_to(purging.root))
        keys = trusted(purging.root.parent / "keys")
        with pytest.raises(Unproven if wall == DUE else NotDue):
            removal.remove(purging.root, place, "session_one", purging, keys)
        with pytest.raises(Unproven):
            removal.remove(purging.root, place, "session_one", purging, Keys(()))
        if wall < DUE:
            row = (await purging.purge._rows(select(RECORDINGS)))[0]
            with pytest.raises(NotDue):
                await purging.purge._delete(row)
        assert folder.exists() and verify(None, purging.root).ok

    async def test_waits_for_a_longer_policy_of_today(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        plan = await purging.plan(prison_site=9)
        assert plan.recordings == 0 and plan.kept == {}  # its date is later by now
        purging.wall = due_at(WALL, 9)
        assert (await purging.apply(prison_site=9)).deleted == 1

    async def test_stays_as_long_as_any_policy_since_has_asked_for(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        for months in (9, 12, 8, 6):
            assert (await purging.plan(prison_site=months)).recordings == 0
        row = await purging.catalog.row("session_one") or {}
        assert row["due_at"] == due_at(WALL, 12)
        purging.wall = due_at(WALL, 12) - SECOND
        assert (await purging.plan(prison_site=6)).recordings == 0
        purging.wall = due_at(WALL, 12)
        assert (await purging.apply(prison_site=6)).deleted == 1

    async def test_stays_by_a_policy_that_was_lowered_before_the_next_look(self, purging: PurgeSetup) -> None:
        assert await extend_due_dates(purging.engine, {"prison-site": 12}, purging.wall) == 0
        await purging.recording("session_one")  # under its own six
        assert await extend_due_dates(purging.engine, {"prison-site": 12}, purging.wall) == 0  # nothing has changed
        assert await extend_due_dates(purging.engine, {"prison-site": 6}, purging.wall) == 1
        assert (await purging.catalog.row("session_one") or {})["due_at"] == due_at(WALL, 12)

    async def test_of_other_sites_is_not_lengthened_and_many_are_in_pages(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recorder.retention.policy_changes.PAGE", 2)
        for number in range(5):
            ended = WALL + timedelta(days=number)
            row = {"session": f"session_{number}", "site": "a" if number else "b", "state": ARCHIVED}
            row |= {"announced": True, "created_at": ended, "ended_at": ended, "due_at": due_at(ended, 6)}
            await purging.catalog.put(row)
        assert await extend_due_dates(purging.engine, {"a": 7, "b": 6}, purging.wall) == 4
        dues = [(await purging.catalog.row(f"session_{number}") or {})["due_at"] for number in range(5)]
        assert dues == [due_at(WALL + timedelta(days=number), 7 if number else 6) for number in range(5)]

    async def test_of_a_failed_recording_is_deleted_the_same_way(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        await purging.catalog.set("session_one", state="failed", path=str(folder.relative_to(purging.root)))
        assert (await purging.apply()).deleted == 1 and not folder.exists()

    async def test_without_a_date_stays_and_is_counted(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        await purging.catalog.set("session_one", due_at=None)
        purging.wall = DUE + timedelta(days=9999)
        assert (await purging.plan()).kept == {"undated": 1}


class TestHolds:
    async def test_keep_a_recording_that_is_due(self, purging: PurgeSetup) -> None:
        folder = await purging.recording("session_one")
        holds = Holds(purging.engine)
        await holds.add("session_one", "法院调取", "shen", purging.wall)
        purging.wall = DUE + timedelta(days=3650)
        assert (await purging.plan()).kept == {"held": 1}
        with pytest.raises(NotDue):
            await purging.apply()
        assert folder.exists()
        assert await holds.lift("session_one", "结案", "shen", purging.wall) == 1
        assert (await purging.apply()).deleted == 1

    async def test_set_after_the_code_was_issued_make_the_code_worthless(self, purging: PurgeSetup) -> None:
        await purging.recording("session_one")
        folder = await purging.recording("session_two")
        plan = await purging.plan()
        approval = await purging.approval(await purging.code(plan))
        await Holds(purging.engine).add("session_two", "x", "shen", purging.wall)
        with pytest.raises(Conflict, match="changed"):
            await purging.order(approval, plan.scope)
        assert folder.exists() and {await purging.state(f"session_{one}") for one in ("one", "two")} == {ARCHIVED}

    async def test_set_while_the_purge_runs_still_save_what_is_not_yet_touched(
        self, purging: PurgeSetup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await purging.recording("session_one")
        folder = await purging.recording("session_two")
        write = purging.tombstones.write

        async def hold_then_write(*args: object) -> None:
            await Holds(purging.engine).add("session_two", "x", "shen", purging.wall)
            await write(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(purging.tombstones, "write", hold_then_write)
        outcome = await purging.apply()
        assert outcome.deleted == 1 and outcome.kept == [("session_two", "held")]
        assert folder.exists() and await purging.state("session_two") == ARCHIVED

    async def test_are_refused_for_deleted_or_unknown_recordings(self, purging: PurgeSetup) -> None:
        holds = Holds(purging.engine)
        with pytest.raises(NotFound):
            await holds.add("session_one", "x", "shen", purging.wall)
        with pytest.raises(NotFound):
            await holds.lift("session_one", "x", "shen", purging.wall)
        await purging.recording("session_one")
        await purging.apply()
        with pytest.raises(Conflict):
            await holds.add("session_one", "x", "shen", purging.wall)


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
