"""The ZIP of a package: not compressed, hashed while it is written, whole or not there."""

import hashlib
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recorder.export.zip_file import writing

AT = datetime(2026, 12, 1, 1, 2, 4, tzinfo=UTC)


def test_is_stored_with_the_hash_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(os.urandom(3 << 20))
    counts: list[int] = []
    with writing(tmp_path / "x.zip", "folder", AT, counts.append) as package:
        package.add_file("a/film", tmp_path / "film")
        package.add_bytes("b", b"text")
        facts = package.files
    data = (tmp_path / "film").read_bytes()
    assert facts["a/film"] == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert sum(counts) == len(data) and max(counts) <= 1 << 20
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        assert file.testzip() is None and file.read("folder/b") == b"text" and file.read("folder/a/film") == data
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert file.infolist()[0].date_time == (2026, 12, 1, 9, 2, 4)


def test_is_not_there_when_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing(tmp_path / "x.zip", "folder", AT, lambda _: None) as package:
        package.add_file("a", tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []
