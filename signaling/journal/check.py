"""The check of an export of the journal, by its files and a public key alone: the signature of its manifest, the files'
hashes, the hash of every entry and its link to the one before, and the checkpoints. What does not fit is named, with
the number of its entry. Blocks."""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from broker.control.journal.entry import Entry, digest_of
from broker.kernel import canonical_json
from recorder.evidence.checkpoints import Checkpoint, checkpoint_in, members
from recorder.evidence.signing import Keys
from signaling.journal.order import CHECKPOINTS, ENTRIES, KIND, MANIFEST, VERSION
from signaling.journal.source import line_of

BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, OSError)
"""What reading a ZIP file raises that was changed."""
LONGEST_LINE = 1 << 20
MOST = 100  # findings that are kept one by one
_HEADER = 30  # bytes of a member's own header in a ZIP file before its name (APPNOTE 4.3.7)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit: its kind (`entry`, `file`, `signature`, `checkpoint`), what it is in, and what that
    means in English and Chinese."""

    kind: str
    place: str
    en: str
    zh: str


@dataclass(slots=True)
class Checked:
    """The outcome: what the manifest says, what does not fit, and up to which entry a checkpoint vouches."""

    manifest: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    covered: int = 0
    checkpoint: int = 0

    def find(self, kind: str, place: object, en: str, zh: str) -> None:
        """Add something that does not fit."""
        if len(self.findings) < MOST:
            self.findings.append(Finding(kind, str(place), en, zh))


class Package:
    """The files of an export, in a folder or in a ZIP file."""

    def __init__(self, path: Path, packed: zipfile.ZipFile | None) -> None:
        self._path, self._packed = path, packed

    def names(self) -> set[str]:
        """Return the names of the files."""
        if self._packed is None:
            return {path.name for path in self._path.iterdir()}
        return set(self._packed.namelist())

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open one of the files. Raises KeyError where there is none, or one of BROKEN."""
        if self._packed is None:
            if not (self._path / name).is_file():
                raise KeyError(name)
            with (self._path / name).open("rb") as file:
                yield file
            return
        member = self._packed.getinfo(name)
        if member.compress_type != zipfile.ZIP_STORED:
            with self._packed.open(name) as unpacked:
                yield unpacked
            return
        with self._path.open("rb") as file:  # without the ZIP file's own checksum: it names no entry
            file.seek(member.header_offset)
            header = file.read(_HEADER)
            skipped = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            yield io.BufferedReader(_Window(file, member.header_offset + _HEADER + skipped, member.file_size))


class _Window(io.RawIOBase):
    """The bytes of a file from `start` on, `size` of them."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._left = file, size
        file.seek(start)

    def readable(self) -> bool:
        """Return True: it is read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on into a buffer."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def check(path: Path, keys: Keys) -> Checked:
    """Check an export: a ZIP file, or the folder into which it was unpacked."""
    checked = Checked()
    try:
        if path.is_dir():
            _check(Package(path, None), keys, checked)
        else:
            with zipfile.ZipFile(path) as packed:
                _check(Package(path, packed), keys, checked)
    except BROKEN as error:
        checked.find("file", path.name, f"it cannot be read ({type(error).__name__})", "文件已损坏，无法读取")
    return checked


def _check(package: Package, keys: Keys, checked: Checked) -> None:
    if not _read_manifest(package, keys, checked):
        return
    points = _checkpoints(package, keys, checked)
    named = checked.manifest["files"]
    before = len(checked.findings)
    if ENTRIES in named and ENTRIES in package.names():
        _walk(package, points, checked)
    for name in sorted({*named, *package.names()} - {MANIFEST}):
        if name == ENTRIES and len(checked.findings) > before:
            continue  # the entry is named
        _check_file(package, name, named.get(name), checked)


def _read_manifest(package: Package, keys: Keys, checked: Checked) -> bool:
    """Read the manifest and check its signature; whether the rest can be checked by it."""
    try:
        with package.open(MANIFEST) as file:
            data = file.read(LONGEST_LINE)
        value = json.loads(data)
        named = value["files"]
        numbers = all(isinstance(value[name], int) for name in ("first", "last", "entries"))
        right = numbers and value["kind"] == KIND and value["version"] == VERSION and isinstance(named, dict)
    except (KeyError, ValueError, TypeError, RecursionError):
        right, value, data = False, {}, b""
    if not right:
        checked.find("file", MANIFEST, "this is no export of the journal", "不是日志导出文件，或清单已损坏")
        return False
    checked.manifest = value
    if why := keys.vouch(value):
        checked.find("signature", MANIFEST, why, "清单签名无效")
    elif canonical_json.indented(value) != data:
        checked.find("signature", MANIFEST, "it is spelled differently than it was written", "清单书写与签名时不同")
    return True


def _checkpoints(package: Package, keys: Keys, checked: Checked) -> dict[int, Checkpoint]:
    """Return the genuine checkpoints by the entry that they sign."""
    found: dict[int, Checkpoint] = {}
    if CHECKPOINTS not in package.names():
        return found
    with package.open(CHECKPOINTS) as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
            try:
                point, why = checkpoint_in(line), keys.vouch(members(line))
            except ValueError:
                checked.find("checkpoint", f"{CHECKPOINTS}:{number}", "it cannot be read", "检查点无法读取")
                continue
            if why:
                checked.find("checkpoint", point.number, why, "检查点签名无效")
            else:
                found[point.seq] = point
    return found


def _walk(package: Package, points: dict[int, Checkpoint], checked: Checked) -> None:
    """Check every entry, in its order."""
    manifest = checked.manifest
    expected, head = manifest["first"], manifest.get("before")
    with package.open(ENTRIES) as file:
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            entry = _entry_in(line)
            if entry is None:
                checked.find(
                    "entry", expected, "changed: its hash is not that of its content", "内容被改，与其散列不符"
                )
                expected, head = expected + 1, None
                continue
            if entry.seq > expected:
                checked.find("entry", _span(expected, entry.seq - 1), "not there or not readable", "缺失或无法读取")
            elif head is not None and entry.prev_hash != head:
                checked.find("entry", entry.seq, "it does not follow the one before it", "与前一条不相连")
            _compare(entry, points, checked)
            expected, head = entry.seq + 1, entry.hash
    if expected <= manifest["last"]:
        checked.find("entry", _span(expected, manifest["last"]), "removed from the end", "末尾被删")
    elif head is not None and head != manifest.get("head"):
        checked.find("entry", expected - 1, "it is not the last one that was signed", "不是清单所签的最后一条")


def _compare(entry: Entry, points: dict[int, Checkpoint], checked: Checked) -> None:
    """Hold an entry against the checkpoint that signs it, if any."""
    point = points.get(entry.seq)
    if point is None:
        return
    if point.head == entry.hash:
        checked.covered, checked.checkpoint = entry.seq, point.number
    else:
        en = f"the journal was written anew before it: checkpoint {point.number} signs another entry"
        checked.find("entry", entry.seq, en, f"此条之前日志被重写，与检查点 {point.number} 不符")


def _entry_in(line: bytes) -> Entry | None:
    """Return the entry in a line; None where it is not as it was written."""
    try:
        entry = Entry(**json.loads(line))
        right = line_of(entry) == line and digest_of(entry) == entry.hash and isinstance(entry.seq, int)
    except (ValueError, TypeError, RecursionError):
        return None
    return entry if right else None


def _check_file(package: Package, name: str, named: Any, checked: Checked) -> None:
    """Hold a file against the hash that the manifest has of it."""
    if not isinstance(named, dict):
        checked.find("file", name, "the manifest does not name it", "清单中没有此文件")
        return
    try:
        with package.open(name) as file:
            digest = hashlib.sha256()
            while data := file.read(1 << 20):
                digest.update(data)
    except KeyError:
        checked.find("file", name, "it is missing", "缺少此文件")
        return
    if digest.hexdigest() != named.get("sha256"):
        checked.find("file", name, "it is not the one that was signed", "与签名时不同，已被改动")


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}..{last}"
