"""The export of the logs: one archive that its hash fits, nothing personal around it, and no half file where it
fails."""

import errno
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from kiosk_agent.officer.export import Contents, ExportError, export

NOW = 1_795_000_000.0


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """Two log files, of which one is larger than a block, and a document."""
    logs = [tmp_path / "kiosk.log", tmp_path / "kiosk.log.1", tmp_path / "kiosk.log.2"]
    logs[0].write_text("newest\n")
    logs[1].write_text("older\n" * 50_000)
    return Contents(logs, {"tests.json": {"tests": [{"at": "2026-11-30", "figures": {"level": -30.0}}]}})


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """The folder of a mounted medium."""
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


class TestTheArchive:
    def test_holds_logs_and_documents_and_its_hash_fits(self, contents: Contents, stick: Path) -> None:
        shares: list[float] = []
        found = export(contents, stick, "huijian-trm_a", NOW, shares.append)
        data = found.file.read_bytes()
        assert (found.size, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        assert (stick / "huijian-trm_a.tar.gz.sha256").read_text() == f"{found.sha256}  huijian-trm_a.tar.gz\n"
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert archive.getnames() == ["tests.json", "logs/kiosk.log", "logs/kiosk.log.1"]
            assert json.load(archive.extractfile("tests.json") or io.BytesIO())["tests"][0]["figures"]["level"] == -30
            assert (archive.extractfile("logs/kiosk.log.1") or io.BytesIO()).read() == b"older\n" * 50_000
            assert {(entry.uname, entry.gname, entry.uid) for entry in archive} == {("", "", 0)}
        assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 3

    def test_of_the_same_contents_is_the_same(self, contents: Contents, stick: Path) -> None:
        first, second = (export(contents, stick, name, NOW, lambda share: None) for name in ("a", "b"))
        assert first.sha256 == second.sha256

    def test_is_whole_although_a_log_is_cut_off_meanwhile(
        self, contents: Contents, stick: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sizes = os.fstat

        def larger(descriptor: int) -> object:
            found = sizes(descriptor)
            return SimpleNamespace(st_size=found.st_size + 1000, st_mode=found.st_mode)

        monkeypatch.setattr("kiosk_agent.officer.export.os.fstat", larger)
        found = export(contents, stick, "a", NOW, lambda share: None)
        with tarfile.open(found.file) as archive:
            assert (archive.extractfile("logs/kiosk.log") or io.BytesIO()).read() == b"newest\n" + b"\n" * 1000


class TestItIsRefused:
    def test_on_a_medium_without_room(self, contents: Contents, stick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        full = SimpleNamespace(f_bavail=10, f_frsize=4096)
        monkeypatch.setattr("kiosk_agent.officer.export.os.statvfs", lambda folder: full)
        with pytest.raises(ExportError) as refused:
            export(contents, stick, "a", NOW, lambda share: None)
        assert refused.value.code == "no_room" and list(stick.iterdir()) == []

    @pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "no_room"), (errno.EIO, "gone")])
    def test_on_a_medium_that_fails_and_no_half_file_stays(
        self, contents: Contents, stick: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str
    ) -> None:
        def fails(descriptor: int) -> None:
            raise OSError(number, "")

        monkeypatch.setattr("kiosk_agent.officer.export.os.fsync", fails)
        with pytest.raises(ExportError) as refused:
            export(contents, stick, "a", NOW, lambda share: None)
        assert refused.value.code == code and list(stick.iterdir()) == []

    def test_on_a_medium_that_was_pulled_out(self, contents: Contents, tmp_path: Path) -> None:
        with pytest.raises(ExportError) as refused:
            export(contents, tmp_path / "none", "a", NOW, lambda share: None)
        assert refused.value.code == "gone"

    def test_where_a_file_or_link_of_that_name_is_there(self, contents: Contents, stick: Path, tmp_path: Path) -> None:
        (stick / "a.tar.gz").symlink_to(tmp_path / "victim")
        with pytest.raises(ExportError) as refused:
            export(contents, stick, "a", NOW, lambda share: None)
        assert refused.value.code == "there" and not (tmp_path / "victim").exists()
