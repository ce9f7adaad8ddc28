"""The check of a package by `huijian verify`: what was changed, added or left out is named."""

import copy
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.kernel import atomic_files
from recorder.evidence import file_hashes
from recorder.evidence.report import Report
from recorder.evidence.signing import Ed25519Signer, Keys, installed, sign, trusted
from recorder.evidence.verify import verify
from recorder.export.check import check_package
from tests.recorder.export.conftest import Made
from tests.support.recording.packages import list_again, recording, sign_again, unpacked, with_entries

FOLDER = "huijian-session_two"
MIXED = {
    "twice": f"{FOLDER}/export.json",
    "beside the folder": "more.txt",
    "in another folder": "other/more.txt",
    "above": f"{FOLDER}/../{FOLDER}/cover.pdf",
    "by another spelling": f"{FOLDER}/./cover.pdf",
    "without a name between": f"{FOLDER}//cover.pdf",
    "with a sign that only some take for a folder": f"{FOLDER}\\cover.pdf",
}
"""Entries by which a ZIP shows each program other files."""


def found(report: Report) -> set[tuple[str, str]]:
    return {(damage.path.as_posix(), damage.kind) for damage in report.damages}


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


class TestThePolicyPack:
    """The rules that the session froze are in the package, word for word, and prove themselves by their hash."""

    def test_is_the_text_whose_hash_the_manifest_names(self, package: Path) -> None:
        manifest = atomic_files.read_json(recording(package) / "manifest.json") or {}
        text = (package / "pack.json").read_bytes()
        assert hashlib.sha256(text).hexdigest() == manifest["policy"]["sha256"]
        assert json.loads(text)["pack"]["name"] == manifest["policy"]["name"]

    def test_with_one_changed_byte_is_named(self, package: Path) -> None:
        flip(package / "pack.json", 100)
        assert found(check_package(package)) == {("pack.json", "changed"), ("pack.json", "frozen_pack")}

    def test_that_was_exchanged_and_signed_with_the_right_key_is_named_all_the_same(
        self, made: Made, package: Path
    ) -> None:
        flip(package / "pack.json", 100)
        list_again(package, installed(made.root.parent / "keys", made.root))
        (damage,) = check_package(package).damages
        assert (damage.path.as_posix(), damage.kind) == ("pack.json", "frozen_pack")
        assert "规则包文本与冻结的散列不符" in damage.detail

    def test_is_missed_where_it_was_taken_out(self, package: Path) -> None:
        (package / "pack.json").unlink()
        assert found(check_package(package)) == {("pack.json", "missing")}

    def test_is_in_no_package_of_former_versions_which_are_whole_as_before(self, made: Made, package: Path) -> None:
        (package / "pack.json").unlink()
        list_again(package, installed(made.root.parent / "keys", made.root))
        assert check_package(package).ok

    def test_that_differs_in_the_database_is_packed_and_listed_as_a_damage(self, made: Made, tmp_path: Path) -> None:
        order = msgspec.structs.replace(made.order, target=str(tmp_path / "x.zip"), pack=f"{made.order.pack} ")
        folder = unpacked(order, tmp_path / "unpacked")
        index = atomic_files.read_json(folder / "export.json") or {}
        assert [(damage["file"], damage["kind"]) for damage in index["damages"]] == [("pack.json", "frozen_pack")]
        assert found(check_package(folder)) == {("pack.json", "frozen_pack")}


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

    def test_files_beside_the_folder_of_the_package(self, package: Path) -> None:
        (package.parent / "more.txt").write_text("x")
        (package.parent / "other").mkdir()
        (package.parent / "other" / "export.txt").write_text("x")
        assert found(check_package(package.parent)) == {("../more.txt", "added"), ("../other/export.txt", "added")}
        assert check_package(package).ok

    def test_unreadable_parts_of_old_formats_that_the_index_does_not_vouch_for(self, made: Made, package: Path) -> None:
        signer = installed(made.root.parent / "keys", made.root)
        sign_again(package, signer, format=2)
        assert check_package(package).damages == []
        part = recording(package) / "part-001.mp4"
        name = part.relative_to(package).as_posix()
        part.write_bytes(b"part")
        assert found(check_package(package)) == {(name, "added")}
        list_again(package, signer)
        assert check_package(package).damages == []
        part.write_bytes(b"Part")
        assert found(check_package(package)) == {(name, "changed")}
        part.unlink()
        assert found(check_package(package)) == {(name, "missing")}

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    @pytest.mark.parametrize("name", MIXED.values(), ids=MIXED)
    def test_a_zip_that_shows_each_program_other_files(self, made: Made, tmp_path: Path, name: str) -> None:
        (damage,) = check_package(with_entries(Path(made.order.target), tmp_path / "x.zip", name)).damages
        assert damage.kind == "unreadable"

    def test_a_zip_whose_files_would_fill_the_disk(self, made: Made, tmp_path: Path) -> None:
        """Its entries share the same bytes, so that a small file becomes as large as its maker likes."""
        target = Path(shutil.copy(made.order.target, tmp_path / "x.zip"))
        target.chmod(0o600)
        with zipfile.ZipFile(target, "a") as file:
            film = max(file.infolist(), key=lambda info: info.file_size)
            for number in range(50):
                info = copy.copy(film)
                info.filename = f"{FOLDER}/{number}"
                file.filelist.append(info)
            file.writestr(f"{FOLDER}/last", b"x")
        (damage,) = check_package(target).damages
        assert damage.kind == "unreadable"

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
