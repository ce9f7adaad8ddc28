"""Archives in which anything may have been changed: the check ends, looks at everything, and names the damage."""

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from broker.kernel import atomic_files, canonical_json
from recorder.archive.manifest import file_facts
from recorder.evidence.verify import verify
from tests.recorder.evidence.test_verify import flip, folder, kinds, made, root

__all__ = ["made", "root"]  # fixtures

HUGE = b"[" * 200_000
MANIFESTS: list[Any] = [
    HUGE,
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b'{"files": 1}',
    b'{"files": {"../../../etc/passwd": {"sha256": "' + b"0" * 64 + b'", "bytes": 1}}}',
    b'{"session": "\\ud800"}',
    b'{"number": ' + b"9" * 5000 + b"}",
]


@pytest.fixture
def quick(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an archive whose films are hashed once and not opened, because the tests change other files."""
    cached = lru_cache(None)(file_facts)
    kept = {path for path in root.rglob("*") if path.suffix == ".mp4"}
    facts = lambda path, sm3=False: cached(path, sm3) if path in kept else file_facts(path, sm3)  # noqa: E731
    monkeypatch.setattr("recorder.evidence.verify.file_facts", facts)
    monkeypatch.setattr("recorder.evidence.verify._film", lambda *_: iter(()))
    yield root


class TestOneByteAnywhere:
    def test_of_a_manifest_is_found_and_breaks_nothing_off(self, quick: Path) -> None:
        path = folder(quick) / "manifest.json"
        for at in range(path.stat().st_size):
            flip(path, at)
            report = verify("session_two", quick)
            assert report.damages and report.recordings == 1, at
            flip(path, at)
        assert verify("session_two", quick).ok


class TestAManifest:
    @pytest.mark.parametrize("data", MANIFESTS, ids=range(len(MANIFESTS)))
    def test_that_is_none_is_named_and_the_others_are_looked_at(self, root: Path, data: bytes) -> None:
        path = folder(root) / "manifest.json"
        path.write_bytes(data)
        report = verify(None, root)
        assert report.recordings == 3 and (path, "manifest") in [(one.path, one.kind) for one in report.damages]
        assert {one.path for one in report.damages} == {path}

    def test_without_any_of_its_members_is_named(self, quick: Path) -> None:
        path = folder(quick) / "manifest.json"
        whole = atomic_files.read_json(path) or {}
        for name in whole:
            for value in (None, [], {"x": 1}, "x", -1):
                if value == whole[name]:
                    continue
                path.write_bytes(canonical_json.indented({**whole, name: value}))
                assert not verify("session_two", quick).ok, (name, value)

    def test_that_makes_the_checker_fail_is_damage_of_its_own_folder(
        self, root: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = canonical_json.indented

        def fail(value: Any) -> bytes:
            if value.get("session") == "session_two":
                raise MemoryError
            return real(value)

        monkeypatch.setattr("broker.kernel.canonical_json.indented", fail)
        (damage,) = verify(None, root).damages
        assert (damage.path, damage.kind) == (folder(root) / "manifest.json", "manifest")

    def test_whose_file_cannot_be_read_is_not_the_end(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(path: Path, sm3: bool = False) -> dict[str, Any]:
            if path == folder(root) / "timeline.jsonl":
                raise OSError(5, "Input/output error")
            return file_facts(path, sm3)

        monkeypatch.setattr("recorder.evidence.verify.file_facts", broken)
        (damage,) = verify(None, root).damages
        assert (damage.kind, damage.detail) == ("unreadable", "Input/output error")


class TestAChain:
    @pytest.mark.parametrize(
        "line", [HUGE, b"null", b"7", b'{"kind": "visit"}', b'{"kind":"visit","session":"\\ud800"}', b"\xff"]
    )
    def test_with_a_line_that_is_none_is_named(self, root: Path, line: bytes) -> None:
        path = root / "prison-site" / "chain.jsonl"
        path.write_bytes(path.read_bytes() + line + b"\n")
        assert (path, "chain") in [(one.path, one.kind) for one in verify(None, root).damages]
        assert kinds(verify("session_two", root)) <= {"chain"}

    @pytest.mark.parametrize("place", ["../../../../etc", "/etc", "prison-site/2026/11/22/session_one", "", "\0"])
    def test_that_leads_elsewhere_is_not_followed(self, root: Path, place: str) -> None:
        path = root / "prison-site" / "chain.jsonl"
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        lines[1]["path"] = place
        path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
        assert "has a path that is not its own" in " ".join(one.detail for one in verify(None, root).damages)


class TestAKey:
    @pytest.mark.parametrize("at", [35, 38])  # another kind of key, and an unknown kind
    def test_of_an_unknown_kind_is_named(self, root: Path, at: int) -> None:
        (pem,) = (root / ".keys").iterdir()
        flip(pem, at)
        assert "key" in kinds(verify(None, root))
