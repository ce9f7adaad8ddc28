"""Copies that were made from a recording lie apart from it, each folder with a signed list of what was made: from
which manifest, when, with which hashes. A copy that was exchanged is found as the recording itself would be. Blocks."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.kernel import atomic_files
from recorder.archive.manifest import file_facts, software
from recorder.archive.manifest_check import has_files
from recorder.archive.paths import MANIFEST
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import Keys, Signer, sign
from recorder.retention.removal import DERIVED, derived_folder

SEAL = "seal.json"


def seal(recording: Path, made: Path, name: str, at: datetime, signer: Signer) -> dict[str, Any]:
    """Put `made`, a finished copy of the recording in the folder `recording`, into its place beside itself as `name`,
    and sign for it; its facts. Raises OSError."""
    folder, facts = made.parent, file_facts(made)
    value = {"session": recording.name, "software": software(), "made_at": at.isoformat(), "files": {name: facts}}
    value["manifest"] = file_facts(recording / MANIFEST)["sha256"]
    made.chmod(0o444)
    atomic_files.write_json(folder / SEAL, sign(value, signer))
    made.replace(folder / name)
    atomic_files.sync_folder(folder)
    return facts


def sealed(root: Path, session: str, name: str) -> bool:
    """Whether a copy has a seal that speaks of it."""
    value = atomic_files.read_json(derived_folder(root, session) / SEAL)
    return value is not None and has_files(value) and name in value["files"]


def folders(root: Path) -> list[Path]:
    """All folders of copies."""
    derived = root / DERIVED
    return sorted(path for path in derived.iterdir() if path.is_dir()) if derived.is_dir() else []


def check(folder: Path, recording: Path | None, keys: Keys, report: Report) -> Iterator[Damage]:
    """What is wrong with a folder of copies; `recording` is where the recording of that name lies."""
    if recording is None:
        yield Damage(folder, "added", "copies of a recording that is not there")
        return
    path = folder / SEAL
    value = atomic_files.read_json(path)
    if value is None or not has_files(value):
        there = [one for one in folder.iterdir() if not _in_making(one)]
        if there or path.exists():
            yield Damage(path, "manifest" if path.exists() else "missing", "no readable seal; make the copy again")
        return
    if why := keys.vouch(value):
        yield Damage(path, "signature", why)
    if value.get("session") != folder.name or not _is_of(recording, value):
        yield Damage(path, "changed", "the copy is of another recording")
    yield from _files(folder, value["files"], report)


def _files(folder: Path, listed: dict[str, dict[str, Any]], report: Report) -> Iterator[Damage]:
    for name, facts in listed.items():
        path = folder / name
        if not path.is_file():
            yield Damage(path, "missing", "make the copy again")
            continue
        now = file_facts(path)
        report.copies += 1
        if now != facts:
            sizes = f"{now['bytes']} bytes, written {facts['bytes']}"
            yield Damage(path, "changed", f"the copy is not what was made; {sizes}")
    for path in sorted(folder.iterdir()):
        if path.name not in listed and path.name != SEAL and not _in_making(path):
            yield Damage(path, "added")


def _is_of(recording: Path, value: dict[str, Any]) -> bool:
    manifest = recording / MANIFEST
    return not manifest.exists() or file_facts(manifest)["sha256"] == value.get("manifest")


def _in_making(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith(".new")
