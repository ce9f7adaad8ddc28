"""The archive: names in both directions, one rename, joining, checking, recovering; with real files and no process."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from broker.ipc.framing import News, encode
from broker.ipc.recorder_messages import DifferencesFound, Gap, RecorderFact, RecordingArchived
from broker.kernel import atomic_files
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for
from broker.kernel.errors import Conflict, StorageUnavailable
from recorder.archive import paths
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import Rules
from recorder.archive.paths import Place, path_of, place_of, recording_at
from recorder.archive.tables import METADATA
from recorder.archiver import end_fact
from recorder.evidence.verify import verify
from tests.recorder.test_process import plan
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, WALL, Feed, instant, record
from tests.support.recording.service import RecorderParts, recorder_parts

CASES = [
    (Place("yn-prison-1", date(2026, 11, 22), "session_abc"), "yn-prison-1/2026/11/22/session_abc"),
    (Place("a", date(2027, 1, 1), "s-1"), "a/2027/01/01/s-1"),
]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make a work folder with one clean part of three seconds."""
    return make_work(tmp_path / "archive")


class TestNames:
    @pytest.mark.parametrize(("place", "path"), CASES)
    def test_go_both_ways(self, place: Place, path: str) -> None:
        assert path_of(place) == PurePosixPath(path) and recording_at(PurePosixPath(path)) == place

    @pytest.mark.parametrize(
        "path", ["a/2026/13/01/s", "a/2026/11/22", "../2026/11/22/s", "a/2026/11/22/s/x", ".work/s"]
    )
    def test_other_paths_are_no_recordings(self, path: str) -> None:
        assert recording_at(PurePosixPath(path)) is None

    @pytest.mark.parametrize("session", ["..", "a/b", "", "x" * 65])
    def test_a_session_cannot_name_a_place_outside(self, session: str, tmp_path: Path) -> None:
        with pytest.raises(ValueError):
            path_of(Place("a", date(2026, 1, 1), session))
        with pytest.raises(ValueError):
            paths.work_folder(tmp_path, session)

    def test_the_day_is_that_of_shanghai(self) -> None:
        assert place_of("a", datetime(2026, 11, 22, 16, 30, tzinfo=UTC), "s").day == date(2026, 11, 23)


class TestFinalising:
    def test_moves_the_whole_session_at_once_and_closes_it_to_writing(self, work: Path, tmp_path: Path) -> None:
        done = archived(work, tmp_path / "archive")
        film = tmp_path / "archive" / done["path"]
        assert done["path"] == "prison-site/2026/11/22/session_one/session.mp4"
        assert sorted(os.listdir(film.parent)) == [
            "hashes.jsonl",
            "manifest.json",
            "session.mp4",
            "timeline.jsonl",
        ]
        assert not work.exists() and film.stat().st_mode & 0o222 == 0 and film.parent.stat().st_mode & 0o222 == 0
        manifest = json.loads((film.parent / "manifest.json").read_text())
        assert manifest["files"]["session.mp4"] == {"sha256": done["sha256"], "bytes": film.stat().st_size}
        assert manifest["policy"] == {"name": "yunnan", "version": "1", "retention_months": 6}

    @pytest.mark.parametrize("step", ["_close_timeline", "_clear", "_seal", "paths.settle", "file_hashes.write"])
    def test_can_be_repeated_after_a_crash_at_any_step(
        self, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def crash(*_: object) -> None:
            raise OSError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(f"recorder.archive.finalize.{step}", crash)
            with pytest.raises(OSError, match="gone"):
                archived(work, tmp_path / "archive")
        archived(work, tmp_path / "archive")
        assert verify("session_one", tmp_path / "archive").ok

    def test_never_replaces_what_lies_in_the_archive(self, work: Path, tmp_path: Path) -> None:
        target = tmp_path / "archive" / "prison-site/2026/11/22/session_one"
        target.mkdir(parents=True)
        with pytest.raises(FileExistsError):
            archived(work, tmp_path / "archive")
        assert work.exists()

    def test_joins_parts_and_keeps_the_hole(self, work: Path, tmp_path: Path) -> None:
        second = tmp_path / "second"
        second.mkdir()
        record(second, Feed(2.0).records(), 2.0)
        metadata = atomic_files.read_json(second / "part-1.json") or {}
        atomic_files.write_json(work / "part-2.json", metadata | {"part": 2, "zero_mono": metadata["zero_mono"] + 5.0})
        shutil.copy(second / "part-1.mp4", work / "part-2.mp4")
        done = archived(work, tmp_path / "archive")
        film = tmp_path / "archive" / done["path"]
        assert all(abs(length - 7.0) < 0.1 for length in probe.lengths(film))
        assert probe.complaints(film) == ""
        assert [round(gap["seconds"], 1) for gap in done["gaps"] if gap["cause"] == "recorder"] == [2.0] * 5
        assert 4.95 < next(at for at in probe.times(film, 0) if at > 3.1) < 5.05
        assert verify(film, tmp_path / "archive").ok


def flip(path: Path) -> None:
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def shorten(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-100])


class TestVerify:
    @pytest.mark.parametrize(
        ("damage", "name", "kinds"),
        [
            (flip, "session.mp4", {"changed"}),
            (flip, "timeline.jsonl", {"changed"}),
            (shorten, "session.mp4", {"truncated"}),
            (Path.unlink, "session.mp4", {"missing"}),
            (Path.unlink, "manifest.json", {"missing", "removed"}),
            (lambda path: path.write_text("{"), "manifest.json", {"manifest", "changed"}),
            (lambda path: path.with_name("more.mp4").write_text("x"), "session.mp4", {"added"}),
        ],
    )
    def test_names_the_file_and_the_kind_of_damage(
        self, work: Path, tmp_path: Path, damage: Callable[[Path], Any], name: str, kinds: set[str]
    ) -> None:
        root = tmp_path / "archive"
        film = root / archived(work, root)["path"]
        film.parent.chmod(0o700)
        film.with_name(name).chmod(0o600)
        damage(film.with_name(name))
        report = verify(None, root)
        assert {one.kind for one in report.damages} == kinds
        assert report.exit_code == 1

    def test_a_whole_recording_can_be_named_by_path_by_file_or_by_id(self, work: Path, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        done = archived(work, root)
        film = root / done["path"]
        for target in (film, film.parent, str(film), done["path"], "session_one", None):
            report = verify(target, root)
            assert report.ok and report.exit_code == 0 and report.files == 3

    def test_a_recording_in_another_ones_place_is_found(self, work: Path, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        folder = (root / archived(work, root)["path"]).parent
        folder.chmod(0o700)
        folder.rename(folder.with_name("session_two"))
        assert {one.kind for one in verify(None, root).damages} == {"misplaced", "removed", "added"}

    def test_an_empty_archive_is_not_whole(self, tmp_path: Path) -> None:
        assert verify(None, tmp_path).exit_code == 2
        assert verify("session_none", tmp_path).exit_code == 1


def test_an_hour_on_a_bad_line_fits_into_one_message(work: Path, tmp_path: Path) -> None:
    """A fact over the limit would break the link, be sent again, and break it again."""
    gaps = [
        {"track": n % 4, "start": n * 0.2, "seconds": 0.1 + (n == 7000), "cause": "loss", "packets": 9}
        for n in range(9000)
    ]
    atomic_files.append_lines(work / "part-1.gaps.jsonl", gaps)
    fact = end_fact(archived(work, tmp_path / "archive"))
    assert isinstance(fact, RecordingArchived)
    assert len(encode(News(fact=fact))) < 20_000
    assert fact.gaps_in_all == 9000 and Gap(**gaps[7000]) in fact.gaps


class Still:
    """A clock that stands still."""

    now = staticmethod(lambda: instant(BEGIN))


@pytest.fixture
async def parts(tmp_path: Path, database: str) -> AsyncIterator[RecorderParts]:
    catalog = Catalog(engine_for(database))
    (tmp_path / "archive").mkdir(exist_ok=True)
    yield recorder_parts(tmp_path / "archive", Rules(0, 0), catalog, Still(), lambda _: None)
    await catalog.close()


class TestRecovery:
    """Every difference between intents, files and catalog is reported, and no file is deleted."""

    async def test_an_intent_without_files_fails_visibly(self, parts: RecorderParts) -> None:
        await parts.sessions.catalog.intend("session_gone", "a", 1, "x", "yunnan 1", WALL)
        assert await parts.recover() == ["intent_without_files"]
        row = await parts.sessions.catalog.row("session_gone")
        assert row is not None and (row["state"], row["reason"]) == ("failed", "no_files")

    async def test_what_never_began_can_begin(self, parts: RecorderParts) -> None:
        """A kill between the intent and the first file must not keep the session from being recorded."""
        await parts.sessions.catalog.intend("session_one", "prison-site", 1, "x", "yunnan 1", WALL)
        await parts.recover()
        parts.sessions.clock = SystemClock()
        assert await parts.sessions.start(plan(session="session_one")) == 2
        row = await parts.sessions.catalog.row("session_one")
        assert row is not None and (row["state"], row["reason"], row["announced"]) == ("recording", None, False)
        await parts.sessions.drain()

    async def test_a_plan_is_on_the_disk_before_the_intent(
        self, parts: RecorderParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def gone(*_: object) -> None:
            raise StorageUnavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(parts.sessions.catalog, "intend", gone)
            with pytest.raises(StorageUnavailable):
                await parts.sessions.start(plan(session="session_one"))
        parts.sessions.active.clear()  # the process dies here
        assert await parts.recover() == ["work_without_row"]
        parts.sessions.clock = SystemClock()
        assert await parts.sessions.start(plan(session="session_one")) == 1
        await parts.sessions.drain()

    async def test_an_unfinished_session_is_taken_over(self, parts: RecorderParts) -> None:
        make_work(parts.sessions.archive_dir)
        await parts.sessions.catalog.intend("session_one", "prison-site", 1, "x", "yunnan 1", WALL)
        assert await parts.recover() == ["unfinished"]
        assert "session_one" in parts.sessions.active

    async def test_an_archived_file_that_the_catalog_missed_is_entered(self, parts: RecorderParts) -> None:
        archived(make_work(parts.sessions.archive_dir), parts.sessions.archive_dir)
        await parts.sessions.catalog.intend("session_one", "prison-site", 1, "x", "yunnan 1", WALL)
        assert await parts.recover() == ["archived_without_notice"]
        assert [row["session"] for row in await parts.sessions.catalog.unannounced()] == ["session_one"]
        assert await parts.recover() == []

    async def test_files_without_any_row_get_one(self, parts: RecorderParts) -> None:
        archived(make_work(parts.sessions.archive_dir), parts.sessions.archive_dir)
        make_work(parts.sessions.archive_dir, "session_two")
        assert await parts.recover() == ["work_without_row"]
        assert await parts.review() == ["file_without_row"]
        row = await parts.sessions.catalog.row("session_one")
        assert row is not None and row["state"] == "archived" and len(row["seconds"]) == 5
        assert await parts.review() == []

    async def test_an_archived_session_is_not_recorded_again(self, parts: RecorderParts) -> None:
        archived(make_work(parts.sessions.archive_dir), parts.sessions.archive_dir)
        for look in (parts.recover, parts.review):
            with pytest.raises(Conflict):
                await parts.sessions.start(plan(session="session_one"))
            await look()
        with pytest.raises(Conflict):
            await parts.sessions.start(plan(session="session_one"))

    async def test_a_lost_plan_does_not_cost_the_film(self, parts: RecorderParts) -> None:
        work = make_work(parts.sessions.archive_dir)
        (work / "plan.json").write_bytes(b"")
        await parts.sessions.catalog.intend("session_one", "prison-site", 1, "x", "yunnan 1", WALL)
        assert await parts.recover() == ["plan_lost"]
        done = archived(work, parts.sessions.archive_dir)
        assert done["state"] == "archived" and min(done["seconds"]) > 2.9
        assert done["site"] == "prison-site" and done["policy"] == {"name": "yunnan", "version": "1"}

    @pytest.mark.parametrize(("films", "reason"), [(True, "no_plan"), (False, "no_files")])
    async def test_a_work_folder_without_plan_and_row_gets_a_row_and_can_go_on(
        self, parts: RecorderParts, films: bool, reason: str
    ) -> None:
        work = make_work(parts.sessions.archive_dir)
        (work / "plan.json").unlink()
        for film in [] if films else list(work.iterdir()):
            film.unlink()
        assert await parts.recover() == ["work_without_plan"]
        row = await parts.sessions.catalog.row("session_one")
        assert row is not None and (row["state"], row["reason"]) == ("failed", reason)
        assert await parts.recover() == []
        parts.sessions.clock = SystemClock()
        assert await parts.sessions.start(plan(session="session_one")) == (2 if films else 1)
        await parts.sessions.drain()

    @pytest.mark.parametrize(
        ("damage", "kind"),
        [
            (lambda folder: (folder / "session.mp4").unlink(), "film_missing"),
            (lambda folder: (folder / "manifest.json").unlink(), "row_without_files"),
            (lambda folder: (folder / "manifest.json").write_text("{}"), "manifest_changed"),
            (shutil.rmtree, "row_without_files"),
        ],
    )
    async def test_damage_to_the_files_of_a_row_is_reported(
        self, parts: RecorderParts, damage: Callable[[Path], Any], kind: str
    ) -> None:
        root = parts.sessions.archive_dir
        folder = (root / archived(make_work(root), root)["path"]).parent
        await parts.review()
        folder.chmod(0o700)
        for file in folder.iterdir():
            file.chmod(0o600)
        damage(folder)
        assert kind in await parts.review()

    async def test_files_of_a_deleted_recording_are_reported(self, parts: RecorderParts) -> None:
        archived(make_work(parts.sessions.archive_dir), parts.sessions.archive_dir)
        await parts.review()
        await parts.sessions.catalog.set("session_one", state="purged")
        assert await parts.review() == ["purged_with_files"]

    async def test_nothing_of_the_archive_is_read_before_recordings_can_begin(
        self, parts: RecorderParts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(3):
            archived(make_work(parts.sessions.archive_dir, f"session_{number}"), parts.sessions.archive_dir)
        with monkeypatch.context() as patch:
            patch.setattr("recorder.recovery._facts", lambda *_: pytest.fail("read"))
            assert await parts.recover() == []
        assert len(await parts.review()) == 3
        with monkeypatch.context() as patch:
            patch.setattr("recorder.recovery._facts", lambda *_: pytest.fail("read"))
            assert await parts.review() == []

    async def test_each_difference_is_told_until_it_is_journaled(self, parts: RecorderParts) -> None:
        sent: list[RecorderFact] = []
        parts.alarms.report_fact = sent.append
        for number in range(3):
            archived(make_work(parts.sessions.archive_dir, f"session_{number}"), parts.sessions.archive_dir)
        await parts.review()
        assert sent == [DifferencesFound()]
        first = parts.alarms.differences.first()
        assert [(one.number, one.kind) for one in first] == [(n, "file_without_row") for n in (1, 2, 3)]
        parts.alarms.differences.noted(2)
        again: list[RecorderFact] = []
        parts.alarms.announce([], again.append)
        assert DifferencesFound() in again and [one.number for one in parts.alarms.differences.first()] == [3]


class TestCatalogTables:
    def test_have_the_columns_that_were_agreed(self) -> None:
        assert {table.name: len(table.columns) for table in METADATA.sorted_tables} == {
            "recordings": 21,
            "recording_intents": 5,
            "legal_holds": 9,
            "purge_permits": 9,
            "recorder_locks": 6,
            "clock_marks": 6,
            "view_copies": 9,
            "chain_heads": 3,
            "retention_seen": 3,
            "exports": 20,
        }
