"""The check of a package by `huijian verify`: what was changed, added or left out is named."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.kernel import atomic_files
from recorder.evidence import file_hashes
from recorder.evidence.report import Report
from recorder.evidence.signing import Ed25519Signer, Keys, installed, sign, trusted
from recorder.evidence.verify import verify
from recorder.export.check import check_package
from tests.recorder.export.conftest import Made


def found(report: Report) -> set[tuple[str, str]]:
    return {(damage.path.as_posix(), damage.kind) for damage in report.damages}


def recording(package: Path) -> Path:
    return next(package.glob("archive/*/*/*/*/*"))


class TestAWholePackage:
    def test_is_whole_as_a_folder_and_as_the_zip_that_was_downloaded(self, made: Made, package: Path) -> None:
        keys = trusted(made.root.parent / "keys")
        for place in (package, Path(made.order.target)):
            report = check_package(place, keys)
            assert report.damages == [] and report.ok and report.recordings == 1 and not report.own_keys

    def test_is_consistent_by_its_own_keys_which_proves_no_origin(self, package: Path) -> None:
        report = check_package(package)
        assert report.ok and report.own_keys

    def test_has_an_archive_that_the_usual_verifier_takes(self, made: Made, package: Path) -> None:
        keys = trusted(made.root.parent / "keys")
        assert verify("session_two", package / "archive", keys).ok

    def test_names_who_asked_who_approved_for_whom_and_why(self, made: Made, package: Path) -> None:
        index = atomic_files.read_json(package / "export.json") or {}
        assert index["requested_by"]["id"] == "shen" and index["approved_by"]["id"] == "bai"
        assert (index["receiver"], index["reason"]) == (made.order.receiver, made.order.reason)
        assert index["damages"] == [] and index["chain"]["complete"] is True
        assert set(index["files"]) == {
            path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()
        } - {"export.json"}


class TestWhatIsFound:
    @pytest.mark.parametrize("name", ["view.mp4", "cover.pdf", "verify.html", "heads.txt", "timeline.html"])
    def test_a_copy_that_was_exchanged_added_cut_short_or_left_out(self, package: Path, name: str) -> None:
        path = package / name
        size = path.stat().st_size
        os.truncate(path, size - 1)
        assert found(check_package(package)) == {(name, "truncated")}
        path.write_bytes(b"x" * size)
        assert found(check_package(package)) == {(name, "changed")}
        path.rename(package / "more.bin")
        assert found(check_package(package)) == {(name, "missing"), ("more.bin", "added")}

    def test_a_changed_second_of_the_film(self, package: Path) -> None:
        path = recording(package) / "session.mp4"
        pieces = [piece for piece in file_hashes.read(path.with_name(file_hashes.NAME)) if piece.kind == "fragment"]
        flip(path, pieces[5].start + 20)
        damages = check_package(package).damages
        assert {(damage.path.name, damage.second) for damage in damages} == {("session.mp4", pieces[5].second)}

    def test_a_recording_that_was_taken_out_whole(self, package: Path) -> None:
        shutil.rmtree(recording(package))
        assert ("archive", "missing") in found(check_package(package))

    def test_a_package_without_its_index(self, package: Path) -> None:
        (package / "export.json").unlink()
        assert found(check_package(package)) == {("export.json", "missing")}

    def test_lines_that_were_taken_from_the_end_of_the_chain(self, package: Path) -> None:
        path = next(package.glob("archive/*/chain.jsonl"))
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:1]))
        name = path.relative_to(package).as_posix()
        assert found(check_package(package)) == {(name, "truncated"), (name, "cut")}

    def test_an_index_that_was_written_again_by_another_key(self, made: Made, package: Path) -> None:
        forger = Ed25519Signer(Ed25519PrivateKey.generate())
        index = atomic_files.read_json(package / "export.json") or {}
        atomic_files.write_json(package / "export.json", sign({**index, "receiver": "other"}, forger))
        assert found(check_package(package, trusted(made.root.parent / "keys"))) == {("export.json", "signature")}

    def test_a_package_that_was_signed_by_another_installation(self, package: Path) -> None:
        other = Keys([Ed25519Signer(Ed25519PrivateKey.generate()).public])
        kinds = {kind for _, kind in found(check_package(package, other))}
        assert {"key", "signature", "chain"} <= kinds

    def test_dates_that_contradict_each_other(self, made: Made, package: Path) -> None:
        """A package by the right key that says it was made before the recording was archived."""
        index = atomic_files.read_json(package / "export.json") or {}
        del index["signature"]
        signer = installed(made.root.parent / "keys", made.root)
        atomic_files.write_json(
            package / "export.json", sign({**index, "made_at": "2026-11-01T00:00:00+08:00"}, signer)
        )
        (damage,) = check_package(package).damages
        assert (damage.path.name, damage.kind) == ("manifest.json", "date")

    @pytest.mark.parametrize("change", [{"files": []}, {"chain": None}, {"manifest": "ab"}, {"recording": "../x"}])
    def test_an_index_with_members_that_are_none(self, package: Path, change: dict[str, Any]) -> None:
        index = atomic_files.read_json(package / "export.json") or {}
        (package / "export.json").write_text(json.dumps({**index, **change}))
        assert found(check_package(package)) == {("export.json", "manifest")}

    @pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all" * 100])
    def test_a_zip_that_is_none(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / "x.zip").write_bytes(data)
        (damage,) = check_package(tmp_path / "x.zip").damages
        assert damage.kind == "unreadable"


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << at % 8]))
