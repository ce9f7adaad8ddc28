"""The evidence (requirements F7): for any change of an archive the verifier names the kind, the file and the second."""

import json
import os
import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.kernel import atomic_files
from broker.kernel.canonical_json import sorted_utf8
from recorder.archive.manifest import file_facts
from recorder.evidence import file_hashes
from recorder.evidence.report import Report
from recorder.evidence.signing import Ed25519Signer, KeyProblem, Keys, beside, installed, public_key, sign, trusted
from recorder.evidence.site_chain import PURGE, open_chain
from recorder.evidence.verify import verify
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL

VISITS = ("session_one", "session_two", "session_three")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an archive of three visits of one site."""
    root = tmp_path_factory.mktemp("made") / "archive"
    for number, session in enumerate(VISITS):
        archived(make_work(root, session, WALL + timedelta(hours=number)), root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the archive that may be damaged."""
    shutil.copytree(made.parent, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return tmp_path / "copy" / "archive"


def folder(root: Path, session: str = "session_two") -> Path:
    return next(root.glob(f"*/*/*/*/{session}"))


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << at % 8]))


def kinds(report: Report) -> set[str]:
    return {one.kind for one in report.damages}


class TestAWholeArchive:
    def test_is_whole_with_the_public_key_alone(self, root: Path) -> None:
        shutil.rmtree(root.parent / "keys")
        (pem,) = (root / ".keys").iterdir()
        report = verify(None, root, Keys([public_key(pem)]))
        assert report.ok and report.recordings == 3 and list(report.heads) == ["prison-site"]
        assert report.heads["prison-site"].startswith("3:")

    def test_names_people_policy_clock_due_date_and_the_visit_before(self, root: Path) -> None:
        first, second = (atomic_files.read_json(folder(root, name) / "manifest.json") or {} for name in VISITS[:2])
        assert second["people"] == {"checked_in": ["prs_a", "prs_b"], "watchers": ["li", "wang"]}
        assert second["due_at"] == "2027-05-23T00:00:00+08:00"
        assert second["clock"]["stepped"] == 0.0 and set(second["clock"]) == {
            "synchronised",
            "offset",
            "max_error",
            "stepped",
        }
        assert (first["number"], first["previous"], second["number"]) == (1, None, 2)
        manifest = file_facts(folder(root, "session_one") / "manifest.json")["sha256"]
        assert second["previous"] == {"session": "session_one", "number": 1, "manifest": manifest}
        assert second["software"].startswith("huijian") and second["policy"]["name"] == "yunnan"

    def test_names_the_pack_that_each_visit_froze_and_counts_them(self, root: Path) -> None:
        pack = {"name": "yunnan", "version": "2", "retention_months": 6, "sha256": "ab" * 32}
        archived(make_work(root, "session_new", WALL + timedelta(days=1), policy=pack), root)
        written = atomic_files.read_json(folder(root, "session_new") / "manifest.json") or {}
        assert written["policy"] == pack
        report = verify(None, root)
        assert report.ok, "manifests of former versions, which name no hash, are whole"
        assert report.packs == {"yunnan 1 -": 3, f"yunnan 2 {'ab' * 32}": 1}

    @pytest.mark.parametrize("sha256", ["ab", "AB" * 32, 7, ["ab" * 32]])
    def test_with_a_hash_of_the_pack_that_is_none_is_malformed(self, root: Path, sha256: Any) -> None:
        pack = {"name": "yunnan", "version": "2", "retention_months": 6, "sha256": sha256}
        archived(make_work(root, "session_new", WALL + timedelta(days=1), policy=pack), root)
        (damage,) = verify(str(folder(root, "session_new")), root).damages
        assert (damage.kind, damage.detail) == ("manifest", "policy is missing or malformed")

    def test_has_a_hash_for_each_fragment_and_the_second_it_covers(self, root: Path) -> None:
        found = file_hashes.read(folder(root) / file_hashes.NAME)
        film = [piece for piece in found if piece.file == "session.mp4"]
        seconds = [piece.second for piece in film if piece.kind == "fragment"]
        assert len(seconds) >= 10 and seconds[0] == 0.0 and seconds == sorted(seconds, key=lambda s: s or 0.0)
        assert all(b - a <= 1.0 for a, b in pairwise(seconds) if a is not None and b is not None)
        size = (folder(root) / "session.mp4").stat().st_size
        assert sum(piece.bytes for piece in film) == size and film[0].start == 0

    def test_may_carry_the_national_hash_too(self, tmp_path: Path) -> None:
        (tmp_path / "abc").write_bytes(b"abc")  # GB/T 32905-2016, annex A.1
        annex = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        assert file_facts(tmp_path / "abc", sm3=True)["sm3"] == annex


def written_again(root: Path, change: Callable[[dict[str, Any]], None]) -> Report:
    """Return the report on a manifest that was changed and signed again with the right key; the chain is not
    checked."""
    path = folder(root, "session_three") / "manifest.json"
    written = atomic_files.read_json(path) or {}
    change(written)
    del written["signature"]
    atomic_files.write_json(path, sign(written, signer(root)))
    (root / "prison-site" / "chain.jsonl").unlink()
    return verify("session_three", root)


class TestCoverage:
    """The coverage in a manifest can be computed again from the timeline (requirements F2)."""

    def test_is_in_the_manifest(self, root: Path) -> None:
        written = atomic_files.read_json(folder(root) / "manifest.json") or {}
        assert written["format"] == 4 and written["coverage"]["rule"] == 1
        spans = {one["user"]: one["spans"] for one in written["coverage"]["officers"]}
        assert set(spans) == {"li", "wang"} and spans["li"] == [pytest.approx([1.0, 3.0], abs=0.1)]

    def test_a_signed_manifest_with_another_coverage_is_found(self, root: Path) -> None:
        def longer(written: dict[str, Any]) -> None:
            written["coverage"]["officers"][0]["spans"] = [[0.0, 3.0]]

        report = written_again(root, longer)
        assert kinds(report) == {"coverage"}

    def test_an_older_manifest_without_it_is_whole(self, root: Path) -> None:
        def older(written: dict[str, Any]) -> None:
            del written["coverage"], written["rules"]
            written["format"] = 2

        assert written_again(root, older).ok

    def test_a_coverage_by_a_later_rule_is_not_compared(self, root: Path) -> None:
        def later(written: dict[str, Any]) -> None:
            written["coverage"] = {"rule": 2, "whatever": True}

        assert written_again(root, later).ok


class TestRules:
    """Yunnan 12, Guangdong 24: both rooms have acknowledged the rules of a visit, or the recording says that they have
    not."""

    def test_is_in_the_manifest(self, root: Path) -> None:
        written = atomic_files.read_json(folder(root) / "manifest.json") or {}
        facts = {"text": "yunnan-notice", "language": "zh", "manner": "touch"}
        assert written["rules"] == {
            side: {"since": "2026-11-22T01:55:00+00:00", "terminal": f"trm_{side}", **facts}
            for side in ("prison", "visitor")
        }

    @pytest.mark.parametrize("change", ["other", "none", "left out"])
    def test_a_signed_manifest_that_says_something_else_than_the_timeline_is_found(
        self, root: Path, change: str
    ) -> None:
        def changed(written: dict[str, Any]) -> None:
            match change:
                case "other":
                    written["rules"]["visitor"]["manner"] = "key"
                case "none":
                    written["rules"] = {}
                case "left out":
                    del written["rules"]

        assert kinds(written_again(root, changed)) == {"rules"}

    def test_a_recording_without_the_acknowledgement_of_a_room_is_found(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        lines = (work / "timeline.jsonl").read_text().splitlines(keepends=True)
        (work / "timeline.jsonl").write_text("".join(line for line in lines if '"trm_visitor"' not in line))
        archived(work, root)
        report = verify("session_one", root)
        assert [(damage.kind, damage.detail) for damage in report.damages] == [
            ("rules", "no acknowledgement of the rules by the room of the visitor side")
        ]

    def test_what_a_former_version_began_to_record_is_whole_without(self, tmp_path: Path) -> None:
        """Its plan says nothing of rules: the recording keeps the format of that version."""
        root = tmp_path / "archive"
        work = make_work(root)
        plan = atomic_files.read_json(work / "plan.json") or {}
        del plan["rules"]
        atomic_files.write_json(work / "plan.json", plan)
        folder = (root / archived(work, root)["path"]).parent
        written = atomic_files.read_json(folder / "manifest.json") or {}
        assert written["format"] == 3 and "rules" not in written
        assert verify("session_one", root).ok


class TestOneByte:
    """One changed byte is found in its file, wherever it is."""

    @pytest.mark.parametrize("name", ["session.mp4", "timeline.jsonl", "hashes.jsonl", "manifest.json"])
    def test_in_a_file_of_a_visit(self, root: Path, name: str) -> None:
        path = folder(root) / name
        size = path.stat().st_size
        for at in {0, size - 1, *random.Random(name).sample(range(size), 12)}:
            flip(path, at)
            report = verify("session_two", root)
            assert path in {one.path for one in report.damages}, at
            flip(path, at)
        assert verify("session_two", root).ok

    def test_in_the_chain_of_the_site_or_in_a_key(self, root: Path) -> None:
        (pem,) = (root / ".keys").iterdir()
        for path in (root / "prison-site" / "chain.jsonl", pem):
            size = path.stat().st_size
            for at in {0, size - 2, *random.Random(1).sample(range(size - 2), 8)}:
                flip(path, at)
                assert not verify(None, root).ok, (path.name, at)
                flip(path, at)
        assert verify(None, root).ok

    @pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
    def test_is_named_by_the_second(self, root: Path, share: float) -> None:
        path = folder(root) / "session.mp4"
        found = [piece for piece in file_hashes.read(path.with_name(file_hashes.NAME)) if piece.kind == "fragment"]
        hit = found[int(len(found) * share)]
        flip(path, hit.start + hit.bytes // 2)
        (damage,) = verify(path, root).damages
        assert (damage.kind, damage.second, damage.path) == ("changed", hit.second, path)

    @pytest.mark.parametrize("last", [b"\r", b"\r\n", b" \n"])
    def test_between_two_lines_of_the_chain(self, root: Path, last: bytes) -> None:
        path = root / "prison-site" / "chain.jsonl"
        path.write_bytes(path.read_bytes().replace(b"\n", last, 1))
        assert "chain" in kinds(verify(None, root))

    def test_or_letter_of_a_signature_anywhere_in_the_chain(self, root: Path) -> None:
        path = root / "prison-site" / "chain.jsonl"
        data, letters = path.read_bytes(), b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        at = data.rindex(b"==")
        for letter in letters:  # the last letter before the padding has unused bits
            changed = data[: at - 1] + bytes([letter]) + data[at:]
            path.write_bytes(changed)
            assert (changed == data) == verify(None, root).ok, letter

    def test_or_member_of_a_signature(self, root: Path) -> None:
        path = root / "prison-site" / "chain.jsonl"
        *lines, last = path.read_bytes().splitlines()
        value = json.loads(last)
        value["signature"]["more"] = 1
        path.write_bytes(b"\n".join([*lines, sorted_utf8(value), b""]))
        assert kinds(verify(None, root)) == {"chain"}

    def test_of_a_key_that_changes_nothing_but_its_spelling(self, root: Path) -> None:
        (pem,) = (root / ".keys").iterdir()
        pem.write_bytes(pem.read_bytes() + b"\n")
        assert "key" in kinds(verify(None, root))

    def test_of_the_timeline_is_named_by_the_second_too(self, root: Path) -> None:
        path = folder(root) / "timeline.jsonl"
        flip(path, path.read_bytes().index(b'"watchers"') + 3)
        (damage,) = verify(path, root).damages
        assert (damage.kind, damage.second) == ("changed", 1.0)


class TestWholeFiles:
    def test_an_edited_timeline_is_found_from_the_second_on(self, root: Path) -> None:
        path = folder(root) / "timeline.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
        damage = verify(path, root).damages[0]
        assert (damage.path.name, damage.kind, damage.second) == ("timeline.jsonl", "truncated", 1.0)

    def test_a_film_cut_short_is_found_from_the_second_on(self, root: Path) -> None:
        path = folder(root) / "session.mp4"
        hit = [piece for piece in file_hashes.read(path.with_name(file_hashes.NAME)) if piece.kind == "fragment"][6]
        os.truncate(path, hit.start + 10)
        assert ("truncated", hit.second) in [(one.kind, one.second) for one in verify(path, root).damages]

    @pytest.mark.parametrize("name", ["session.mp4", "timeline.jsonl", "hashes.jsonl", "manifest.json"])
    def test_a_dropped_file_is_missing(self, root: Path, name: str) -> None:
        (folder(root) / name).unlink()
        assert ("missing", name) in [(one.kind, one.path.name) for one in verify(None, root).damages]

    @pytest.mark.parametrize("name", ["session.mp4", "timeline.jsonl", "manifest.json"])
    def test_two_swapped_files_are_found_in_both_visits(self, root: Path, name: str) -> None:
        (folder(root, "session_one") / "timeline.jsonl").write_bytes(b"{}\n")  # the films of the test are alike
        (folder(root, "session_one") / "session.mp4").write_bytes(b"other film")
        path, other = folder(root, "session_one") / name, folder(root) / name
        path.rename(path.with_name("aside"))
        other.rename(path)
        path.with_name("aside").rename(other)
        assert {folder(root, "session_one"), folder(root)} <= {
            damage.path.parent for damage in verify(None, root).damages
        }

    def test_two_swapped_visits_are_found(self, root: Path) -> None:
        path, other = folder(root, "session_one"), folder(root)
        path.rename(path.with_name("aside"))
        other.rename(path)
        path.with_name("aside").rename(other)
        assert "misplaced" in kinds(verify(None, root))

    def test_an_added_file_is_named(self, root: Path) -> None:
        (folder(root) / "more.txt").write_text("x")
        assert kinds(verify(None, root)) == {"added"}

    @pytest.mark.parametrize("name", ["part-9.mp4", "part-1.mp4", ".hidden", "session.mp4.new"])
    def test_an_added_file_is_named_under_any_name(self, root: Path, name: str) -> None:
        (folder(root) / name).write_bytes(b"x")
        (damage,) = verify(None, root).damages
        assert (damage.kind, damage.path.name) == ("added", name)

    @pytest.mark.parametrize("place", ["film.mp4", "2026/film.mp4", "2026/11/film.mp4", "2026/11/22/film.mp4", "x/y"])
    def test_a_file_between_the_recordings_is_named(self, root: Path, place: str) -> None:
        path = root / "prison-site" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        assert kinds(verify(None, root)) == {"added"}

    def test_bytes_behind_the_last_line_of_the_chain_are_named(self, root: Path) -> None:
        with (root / "prison-site" / "chain.jsonl").open("ab") as file:
            file.write(b"garbage")
        (damage,) = verify(None, root).damages
        assert damage.kind == "added" and "7 bytes" in damage.detail

    def test_a_part_from_which_nothing_could_be_read_is_kept_and_listed(self, tmp_path: Path) -> None:
        root = tmp_path / "archive"
        work = make_work(root)
        (work / "part-2.mp4").write_bytes(b"no film")
        archived(work, root)
        path = folder(root, "session_one") / "part-2.mp4"
        assert verify(None, root).ok and path.exists()
        path.chmod(0o600)
        flip(path, 2)
        assert kinds(verify(None, root)) == {"changed"}


class TestWholeVisits:
    @pytest.mark.parametrize("session", VISITS)
    def test_a_removed_visit_is_named(self, root: Path, session: str) -> None:
        shutil.rmtree(folder(root, session))
        (damage,) = verify(None, root).damages
        assert damage.kind == "removed" and session in damage.detail

    def test_removed_with_its_line_breaks_the_chain(self, root: Path) -> None:
        shutil.rmtree(folder(root))
        path = root / "prison-site" / "chain.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(lines[0] + lines[2])
        assert "chain" in kinds(verify(None, root))

    def test_removed_at_the_end_with_its_line_shows_in_the_head(self, root: Path) -> None:
        before = verify(None, root).heads
        shutil.rmtree(folder(root, "session_three"))
        path = root / "prison-site" / "chain.jsonl"
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
        report = verify(None, root)
        assert report.ok and report.heads != before  # nothing in the archive shows it; the stored head does
        report = verify(None, root, heads={site: [head] for site, head in before.items()})
        assert [(one.kind, one.path) for one in report.damages] == [("cut", path)]

    def test_stored_heads_of_any_earlier_moment_are_in_the_chain(self, root: Path) -> None:
        early = verify(None, root).heads
        archived(make_work(root, "session_four"), root)
        assert verify(None, root, heads={site: [head] for site, head in early.items()}).ok

    def test_a_removed_site_is_missed(self, root: Path) -> None:
        heads = verify(None, root).heads
        shutil.rmtree(root / "prison-site")
        report = verify(None, root, heads={site: [head] for site, head in heads.items()})
        assert [(one.kind, one.path.parent.name) for one in report.damages] == [("missing", "prison-site")]
        assert report.exit_code == 1

    def test_added_without_a_line_is_unknown(self, root: Path) -> None:
        shutil.copytree(folder(root), folder(root).with_name("session_new"))
        assert {"misplaced", "added"} <= kinds(verify(None, root))

    def test_deleted_by_order_is_no_damage_but_a_leftover_is(self, root: Path) -> None:
        with open_chain(root, "prison-site") as chain:
            line = {"kind": PURGE, "session": "session_two", "number": 2, "manifest": "ab"}
            chain.append(line, signer(root))
        assert kinds(verify(None, root)) == {"purge_unfinished"}
        shutil.rmtree(folder(root))
        assert verify(None, root).ok

    def test_without_any_chain_are_not_whole(self, root: Path) -> None:
        (root / "prison-site" / "chain.jsonl").unlink()
        assert kinds(verify(None, root)) == {"missing"}


class TestForgery:
    """An archive that an attacker has made again with another key."""

    def test_is_not_trusted(self, root: Path) -> None:
        forger = Ed25519Signer(Ed25519PrivateKey.generate())
        path = folder(root) / "manifest.json"
        written = atomic_files.read_json(path) or {}
        atomic_files.write_json(path, sign({**written, "reason": {"code": "other"}}, forger))
        assert "signature" in kinds(verify(path, root))

    def test_with_the_keys_exchanged_is_seen_by_a_key_from_elsewhere(self, root: Path, tmp_path: Path) -> None:
        (genuine,) = (root / ".keys").iterdir()
        shutil.copy(genuine, tmp_path / "kept.pem")
        shutil.rmtree(root)
        archived(make_work(root.parent.parent / "forged" / "archive"), root.parent.parent / "forged" / "archive")
        forged = root.parent.parent / "forged" / "archive"
        assert verify(None, forged).ok
        assert kinds(verify(None, forged, Keys([public_key(tmp_path / "kept.pem")]))) == {"key", "signature", "chain"}

    def test_by_leaving_the_signature_out_is_seen(self, root: Path) -> None:
        path = folder(root) / "manifest.json"
        written = atomic_files.read_json(path) or {}
        written.pop("signature")
        atomic_files.write_json(path, written)
        assert {"signature", "changed"} <= kinds(verify(path, root))

    def test_with_a_key_added_to_the_archive_is_seen_by_the_installation(self, root: Path) -> None:
        forger = installed(root.parent / "other", root)
        for visit in VISITS:
            path = folder(root, visit) / "manifest.json"
            atomic_files.write_json(
                path, sign({**(atomic_files.read_json(path) or {}), "reason": {"code": "other"}}, forger)
            )
        found = kinds(verify(None, root, trusted(root.parent / "keys")))
        assert {"key", "signature", "changed"} <= found


class TestKeys:
    def test_of_earlier_times_are_trusted_where_the_installation_kept_them(self, root: Path) -> None:
        keys = root.parent / "keys"
        (old,) = (root / ".keys").iterdir()
        (keys / "archive-ed25519.pem").unlink()
        installed(keys, root)
        assert {"key", "signature"} <= kinds(verify(None, root, trusted(keys)))
        (keys / "trusted").mkdir()
        shutil.copy(old, keys / "trusted")
        assert verify(None, root, trusted(keys)).ok

    def test_that_cannot_be_read_are_not_replaced_by_others(self, tmp_path: Path) -> None:
        with pytest.raises(KeyProblem):
            trusted(tmp_path)

    def test_are_made_once_and_closed_to_others(self, tmp_path: Path) -> None:
        key = installed(tmp_path / "keys", tmp_path / "archive")
        again = installed(tmp_path / "keys", tmp_path / "archive")
        (private,) = (tmp_path / "keys").iterdir()
        assert key.key == again.key and private.stat().st_mode & 0o777 == 0o600
        assert list(beside(tmp_path / "archive").by_id) == [key.key]

    @pytest.mark.parametrize("spoil", [lambda p: p.chmod(0o644), lambda p: p.write_text("no key")])
    def test_that_are_wrong_stop_the_recorder(self, tmp_path: Path, spoil: Callable[[Path], object]) -> None:
        installed(tmp_path / "keys", tmp_path / "archive")
        spoil(next((tmp_path / "keys").iterdir()))
        with pytest.raises(KeyProblem):
            installed(tmp_path / "keys", tmp_path / "archive")


class TestNumbers:
    def test_are_not_given_twice_when_a_visit_dies_between_manifest_and_chain(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = tmp_path / "archive"
        first, second = make_work(root, "session_one"), make_work(root, "session_two")

        def crash(*_: object) -> None:
            raise OSError("gone")

        with monkeypatch.context() as patch:
            patch.setattr("recorder.evidence.site_chain.SiteChain.append", crash)
            with pytest.raises(OSError, match="gone"):
                archived(first, root)
        assert json.loads((first / "manifest.json").read_text())["number"] == 1
        archived(second, root)
        archived(first, root)
        numbers = {
            name: (atomic_files.read_json(folder(root, name) / "manifest.json") or {})["number"] for name in VISITS[:2]
        }
        assert numbers == {"session_two": 1, "session_one": 2} and verify(None, root).ok

    def test_a_line_cut_off_by_a_crash_is_removed(self, root: Path) -> None:
        with (root / "prison-site" / "chain.jsonl").open("ab") as file:
            file.write(b'{"kind":"vis')
        archived(make_work(root, "session_four"), root)
        assert verify(None, root).ok
