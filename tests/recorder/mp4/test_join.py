"""Joining parts to one film; parts are removed only after the film was seen to have all of their samples."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from broker.kernel import atomic_files
from recorder.evidence.verify import verify
from recorder.mp4.join import PartFile, holds_all, join
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import Feed, record

JOINED = ["hashes.jsonl", "manifest.json", "session.mp4", "timeline.jsonl"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Make a visit in two parts, with a hole of two seconds between them."""
    work, second = make_work(tmp_path / "archive"), tmp_path / "second"
    second.mkdir()
    metadata = record(second, Feed(2.0).records(), 2.0).metadata
    atomic_files.write_json(work / "part-2.json", metadata | {"part": 2, "zero_mono": metadata["zero_mono"] + 5.0})
    shutil.copy(second / "part-1.mp4", work / "part-2.mp4")
    return work


def pieces(work: Path) -> list[PartFile]:
    return [PartFile(work / "part-1.mp4", 0.0, True), PartFile(work / "part-2.mp4", 5.0, True)]


def change_a_sample(film: Path) -> None:
    """Change a byte of a picture that only its hash shows."""
    data = bytearray(film.read_bytes())
    data[len(data) // 2] ^= 1
    film.write_bytes(data)


class TestAJoinedFilm:
    def test_has_all_of_its_parts(self, work: Path) -> None:
        join(pieces(work), work / "session.mp4")
        assert holds_all(pieces(work), work / "session.mp4")

    def test_that_lacks_a_sample_or_has_another_is_found(self, work: Path) -> None:
        join(pieces(work)[:1], work / "session.mp4")
        assert holds_all(pieces(work)[:1], work / "session.mp4")
        assert not holds_all(pieces(work), work / "session.mp4")
        change_a_sample(work / "session.mp4")
        assert not holds_all(pieces(work)[:1], work / "session.mp4")

    def test_takes_the_place_of_its_parts(self, work: Path, tmp_path: Path) -> None:
        film = tmp_path / "archive" / archived(work, tmp_path / "archive")["path"]
        assert sorted(os.listdir(film.parent)) == JOINED
        written = atomic_files.read_json(film.with_name("manifest.json")) or {}
        assert [(part["part"], part["kept"], part["chain"]["fragments"] > 5) for part in written["parts"]] == [
            (1, False, True),
            (2, False, True),
        ]
        assert probe.complaints(film) == "" and verify(None, tmp_path / "archive").ok

    def test_that_is_not_whole_keeps_its_parts(
        self, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("recorder.archive.finalize.holds_all", lambda *_: False)
        film = tmp_path / "archive" / archived(work, tmp_path / "archive")["path"]
        assert sorted(os.listdir(film.parent)) == sorted([*JOINED, "part-1.mp4", "part-2.mp4"])
        assert verify(None, tmp_path / "archive").ok

    def test_of_a_part_that_changed_since_it_was_hashed_is_remarked_and_keeps_it(
        self, work: Path, tmp_path: Path
    ) -> None:
        change_a_sample(work / "part-2.mp4")
        film = tmp_path / "archive" / archived(work, tmp_path / "archive")["path"]
        assert '{"kind":"part_changed","part":2}' in film.with_name("timeline.jsonl").read_text()
        assert "part-2.mp4" in os.listdir(film.parent)

    def test_parts_of_which_a_manifest_says_nothing_are_never_removed(
        self, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Drafts of an earlier version do not list what that version could not read."""
        root = tmp_path / "archive"

        def crash(*_: Any) -> None:
            raise OSError("gone")

        with monkeypatch.context() as patch:
            patch.setattr("recorder.archive.finalize._clear", crash)
            with pytest.raises(OSError, match="gone"):
                archived(work, root)
        draft = atomic_files.read_json(work / "manifest.json") or {}
        draft["parts"] = [{key: part[key] for key in part if key != "kept"} for part in draft["parts"]]
        atomic_files.write_json(work / "manifest.json", draft)
        film = root / archived(work, root)["path"]
        assert {"part-1.mp4", "part-2.mp4"} <= set(os.listdir(film.parent))
