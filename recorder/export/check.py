"""The check of an export package, the same as that of its own page (`verifier/checks.js`), and beyond it the tracks of
the film and what the manifest says of the timeline. A package is a folder, or the ZIP as it was downloaded. Blocks."""

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from broker.kernel import atomic_files, canonical_json
from recorder.archive import paths
from recorder.archive.manifest import file_facts
from recorder.archive.manifest_check import FROZEN_PACK, PACK_DIFFERS, frozen_hash, malformed_member, pack_differs
from recorder.archive.paths import MANIFEST
from recorder.evidence import site_chain
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import KeyProblem, Keys, PublicKey, published_key
from recorder.evidence.verify import verify
from recorder.export import contents
from recorder.export.chain_part import check_dates, check_part
from recorder.export.zip_file import CHUNK

LOCAL_HEAD = 30
"""Bytes of an entry's head before its name and further fields, whose lengths stand at its end (APPNOTE 4.3.7)."""


def check_package(package: Path, keys: Keys | None = None) -> Report:
    """Check a package: a folder or a ZIP. `keys`: the trusted keys; without them those in the package are used, which
    prove that it is consistent, but not its origin. Paths in the report are below the package's folder."""
    with _opened(package) as top:
        if top is None:
            return Report(damages=[Damage(package, "unreadable", "no export package, or a ZIP that is damaged")])
        folder = _root(top)
        report = _check(folder, top, keys)
        report.damages = [
            Damage(_below(damage.path, folder), damage.kind, damage.detail, damage.second) for damage in report.damages
        ]
    return report


@contextmanager
def _opened(package: Path) -> Iterator[Path | None]:
    """Give a folder with the package in it, or its own; a ZIP is unpacked for the time of the check."""
    if package.is_dir():
        yield package
        return
    with tempfile.TemporaryDirectory(prefix="huijian-package-") as place:
        try:
            _unpack(package, Path(place))
        except (OSError, zipfile.BadZipFile, ValueError):
            yield None
            return
        yield Path(place)


def _unpack(package: Path, place: Path) -> None:
    """Write the files of a ZIP into a folder, as their bytes are: `zipfile` would give none of a file whose checksum is
    wrong, and which second of a film was changed could not be said. Raises OSError, BadZipFile, ValueError."""
    with zipfile.ZipFile(package) as listed, package.open("rb") as raw:
        entries = listed.infolist()
        if not _plain(entries, package.stat().st_size):
            raise zipfile.BadZipFile("not a package as it was made")
        for info in entries:
            if info.is_dir():
                continue
            target = place / info.filename
            raw.seek(info.header_offset)
            head = raw.read(LOCAL_HEAD)
            raw.seek(sum(int.from_bytes(head[at : at + 2], "little") for at in (26, 28)), 1)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                _copy(raw, file, info.file_size)


def _plain(entries: list[zipfile.ZipInfo], size: int) -> bool:
    """Whether a ZIP has its files once each, in one folder, as they are, and no more than its own size: another could
    show each program other files, or fill the disk."""
    names = [info.orig_filename for info in entries]
    parts = [name.removesuffix("/").split("/") for name in names]
    right = all(
        set(path).isdisjoint(("", ".", "..")) and set(name).isdisjoint("\\\0")
        for path, name in zip(parts, names, strict=True)
    )
    inside = all(len(path) > 1 or info.is_dir() for path, info in zip(parts, entries, strict=True))
    stored = all(info.compress_type == zipfile.ZIP_STORED for info in entries)
    folders, whole = {path[0] for path in parts}, sum(info.file_size for info in entries) <= size
    return right and inside and stored and whole and len(folders) == 1 and len(set(names)) == len(names)


def _copy(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count > 0 and (data := source.read(min(count, CHUNK))):
        target.write(data)
        count -= len(data)


def _root(folder: Path) -> Path:
    """Return the folder that has the index: this one, or one in it."""
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    if (folder / contents.INDEX).exists() or (len(inner) == 1 and inner[0].name == contents.ARCHIVE):
        return folder
    indexed = [path for path in inner if (path / contents.INDEX).exists()]
    return indexed[0] if indexed else inner[0] if len(inner) == 1 else folder


def _below(path: Path, folder: Path) -> Path:
    if path.is_relative_to(folder):
        return path.relative_to(folder)
    return Path("..", path.relative_to(folder.parent)) if path.is_relative_to(folder.parent) else path


def _check(folder: Path, top: Path, keys: Keys | None) -> Report:
    """Check the package in a folder. `top`: that folder, or the one in which it lies."""
    report = Report(own_keys=keys is None)
    trusted = _keys(folder / contents.KEYS, keys, report)
    index = _index(folder / contents.INDEX, trusted, report)
    recording = _recording(folder / contents.ARCHIVE, index)
    covered = _covered(recording)
    if index is not None:
        report.damages += _files(folder, top, covered, index["files"], report)
    if recording is None:
        report.damages.append(Damage(folder / contents.ARCHIVE, "missing", "the package has no recording"))
        return report
    found = verify(recording, folder / contents.ARCHIVE, trusted)
    added = {damage.path for damage in report.damages if damage.kind == "added"}
    report.damages += [damage for damage in found.damages if damage.kind != "added" or damage.path not in added]
    report.recordings, report.packs = found.recordings, found.packs
    report.files += found.files
    report.bytes += found.bytes
    report.damages += _chain(folder, recording, index, trusted)
    report.damages += _pack(folder / contents.PACK, recording)
    return report


def _keys(folder: Path, trusted: Keys | None, report: Report) -> Keys:
    """Return the keys to check by, and report files that do not hold the key of their name, or one that is not
    trusted."""
    found: list[PublicKey] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        try:
            key = published_key(path)
        except (KeyProblem, OSError) as error:
            report.damages.append(Damage(path, "key", str(error)))
            continue
        found.append(key)
        if trusted is not None and key.id not in trusted.by_id:
            report.damages.append(Damage(path, "key", "not one of the trusted keys"))
    return trusted or Keys(found)


def _index(path: Path, keys: Keys, report: Report) -> dict[str, Any] | None:
    """Return the index, None where it cannot be used."""
    written = atomic_files.read_json(path)
    why = "no readable index" if written is None else contents.malformed_member(written)
    if written is None or why:
        report.damages.append(Damage(path, "manifest" if path.exists() else "missing", why))
        return None
    if path.read_bytes() != canonical_json.indented(written):
        report.damages.append(Damage(path, "changed", "spelled differently than it was written"))
    if why := keys.vouch(written):
        report.damages.append(Damage(path, "signature", why))
    return written


def _recording(archive: Path, index: dict[str, Any] | None) -> Path | None:
    """Return the folder of the recording that the index names, or of any where there is no index."""
    if index is None:
        return next(iter(paths.recordings(archive)), None)
    place = paths.recording_at(PurePosixPath(index["recording"]))
    folder = archive / index["recording"]
    return folder if place is not None and folder.is_dir() else None


def _covered(recording: Path | None) -> Callable[[Path], bool]:
    """Return whether a file is checked with the recording, piece by piece: those that its manifest lists, and itself.
    Where the manifest cannot be used, which is reported, all files in its folder count."""
    if recording is None:
        return lambda path: False
    written = atomic_files.read_json(recording / MANIFEST)
    if written is None or malformed_member(written):
        return lambda path: path.is_relative_to(recording)
    own = {recording / name for name in (*written["files"], MANIFEST)}
    return lambda path: path in own


def _files(
    folder: Path, top: Path, covered: Callable[[Path], bool], listed: dict[str, Any], report: Report
) -> Iterator[Damage]:
    """Yield what is wrong with the files that are not checked with the recording, and which do not belong here."""
    for name, facts in listed.items():
        path = folder / name
        if covered(path):
            continue
        if not path.is_file():
            yield Damage(path, "missing")
            continue
        now = file_facts(path)
        report.files += 1
        report.bytes += now["bytes"]
        if now != facts:
            kind = "changed" if now["bytes"] >= facts["bytes"] else "truncated"
            yield Damage(path, kind, f"sha256 {now['sha256']}, written {facts['sha256']}")
    expected = {folder / name for name in (*listed, contents.INDEX)}
    for path in sorted(_all_files(top)):
        if path not in expected and not covered(path):
            yield Damage(path, "added", "the index does not list it")


def _all_files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _chain(folder: Path, recording: Path, index: dict[str, Any] | None, keys: Keys) -> Iterator[Damage]:
    """Yield what is wrong with the part of the chain, and with dates."""
    path = recording / MANIFEST
    if index is not None and path.is_file() and file_facts(path)["sha256"] != index["manifest"]:
        yield Damage(path, "changed", "the index names another manifest")
    site = recording.relative_to(folder / contents.ARCHIVE).parts[0]
    chain = folder / contents.ARCHIVE / site / site_chain.NAME
    lines: list[bytes] = []
    if chain.is_file():
        lines, torn = site_chain.read(chain)
        for kind, detail in check_part(lines, index, keys):
            yield Damage(chain, kind, detail)
        if torn:
            yield Damage(chain, "added", f"{len(torn)} bytes of an incomplete line after the last one")
    manifest = atomic_files.read_json(path)
    if manifest is not None and not malformed_member(manifest):
        for why in check_dates(lines, manifest, index or {}):
            yield Damage(path, "date", why)


def _pack(path: Path, recording: Path) -> Iterator[Damage]:
    """Yield whether the policy pack in the package is another one than the session froze. Former packages have none."""
    manifest = atomic_files.read_json(recording / MANIFEST)
    if not path.is_file() or manifest is None or malformed_member(manifest):
        return
    if pack_differs(path.read_bytes(), frozen_hash(manifest)):
        yield Damage(path, FROZEN_PACK, PACK_DIFFERS)
