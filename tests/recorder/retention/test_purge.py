"""The purge: nothing is deleted early, and nothing that is held."""

from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import pytest
from sqlalchemy import select

from broker.kernel.errors import Conflict, NotFound
from recorder.archive.catalog import ARCHIVED, PURGED
from recorder.archive.tables import RECORDINGS
from recorder.evidence.signing import Keys, trusted
from recorder.evidence.verify import verify
from recorder.retention import approvals, removal
from recorder.retention.due_proof import NotDue, Unproven
from recorder.retention.holds import Holds
from recorder.retention.policy_changes import extend_due_dates
from recorder.retention.removal import derived_folder
from recorder.retention.rules import due_at
from tests.support.recording.feed import WALL
from tests.support.recording.purging import DUE, SECOND, PurgeSetup


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
