"""Copies made from a recording lie apart from it, each folder with a seal: a signed list of the copies, with the
manifest they were made from, the time and their hashes. An exchanged copy is found like a changed recording. Blocks."""

from collections.abc import Iterator, Mapping
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
NOTHING: Mapping[str, Path] = {}


def seal(
    recording: Path, made: Path, name: str, at: datetime, signer: Signer, beside: Mapping[str, Path] = NOTHING
) -> dict[str, Any]:
    """Rename `made`, a finished copy of the recording in folder `recording`, to `name`, sign a seal for it, and return
    its hash and size. `beside`: what was made with it, by the name that it gets, as far as it is there. Raises
    OSError."""
    folder, facts = made.parent, file_facts(made)
    others = {other: path for other, path in beside.items() if path.exists()}
    files = {name: facts} | {other: file_facts(path) for other, path in others.items()}
    value = {"session": recording.name, "software": software(), "made_at": at.isoformat(), "files": files}
    value["manifest"] = file_facts(recording / MANIFEST)["sha256"]
    for path in (made, *others.values()):
        path.chmod(0o444)
    atomic_files.write_json(folder / SEAL, sign(value, signer))
    for other, path in others.items():
        path.replace(folder / other)
    made.replace(folder / name)
    atomic_files.sync_folder(folder)
    return facts


def sealed(root: Path, session: str, name: str) -> bool:
    """Whether the seal of a session lists the copy `name`."""
    value = atomic_files.read_json(derived_folder(root, session) / SEAL)
    return value is not None and has_files(value) and name in value["files"]


def folders(root: Path) -> list[Path]:
    """Return all folders of copies in an archive."""
    derived = root / DERIVED
    return sorted(path for path in derived.iterdir() if path.is_dir()) if derived.is_dir() else []


def check(folder: Path, recording: Path | None, keys: Keys, report: Report) -> Iterator[Damage]:
    """Yield what is wrong with a folder of copies. `recording`: the folder of its recording, None where there is
    none."""
    if recording is None:
        yield Damage(folder, "added", "copies of a recording that does not exist")
        return
    path = folder / SEAL
    value = atomic_files.read_json(path)
    if value is None or not has_files(value):
        copies = [copy for copy in folder.iterdir() if not _unfinished(copy)]
        if copies or path.exists():
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
            yield Damage(path, "changed", f"the copy is not the one that was made; {sizes}")
    for path in sorted(folder.iterdir()):
        if path.name not in listed and path.name != SEAL and not _unfinished(path):
            yield Damage(path, "added")


def _is_of(recording: Path, value: dict[str, Any]) -> bool:
    manifest = recording / MANIFEST
    return not manifest.exists() or file_facts(manifest)["sha256"] == value.get("manifest")


def _unfinished(path: Path) -> bool:
    return path.name.startswith(".") or path.name.endswith(".new")
