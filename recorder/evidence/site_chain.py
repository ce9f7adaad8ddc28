"""The chain of a site: one line for each visit archived and for each one deleted, for each legal hold that is set or
lifted, for each recording that is dated later, and for each head of another site's chain that the site has witnessed.
Each line is signed and has the hash of the line before it. A visit that is removed leaves its line behind; a line that
is removed breaks the chain. A chain does not show that its newest end was cut off; for that its head has to be kept
elsewhere, as `recorder.evidence.chain_heads` does.

Lines are appended under a lock of the file, so that any number of processes may archive and delete at once."""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from broker.kernel import atomic_files, canonical_json
from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive.manifest_check import is_moment
from recorder.evidence.signing import Signer, sign

NAME = "chain.jsonl"
VISIT, PURGE, HOLD, LIFT, DUE, WITNESS = "visit", "purge", "hold", "lift", "due", "witness"
KINDS = (VISIT, PURGE, HOLD, LIFT, DUE, WITNESS)
_TAIL = 1 << 16


class BrokenSiteChain(Exception):
    """The file of a chain has a line that cannot be continued."""


class SiteChain:
    """The open and locked chain of one site, made by `open_chain`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = whole_lines(file)

    @property
    def number(self) -> int:
        """The number of the last visit, 0 before the first."""
        return int(self.previous["number"]) if self.previous else 0

    @property
    def previous(self) -> dict[str, Any] | None:
        """Session, number and manifest hash of the visit archived last, None before the first."""
        last = _last_visit(self.lines)
        return None if last is None else {key: last[key] for key in ("session", "number", "manifest")}

    @property
    def head(self) -> str:
        """The end of the chain; see `head_of`."""
        return head_of(self.lines)

    @property
    def newest(self) -> datetime | None:
        """The latest moment in the chain. The line of a visit carries the latest moment up to itself."""
        found: list[datetime] = []
        for value in map(_read, reversed(self.lines)):
            if is_moment(value.get("at")):
                found.append(datetime.fromisoformat(value["at"]))
                if value["kind"] == VISIT:
                    break
        return max(found, default=None)

    def find(self, session: str, kind: str) -> dict[str, Any] | None:
        """Return the last line of a kind about a session, None where there is none."""
        mark = b'"session":' + canonical_json.sorted_utf8(session)
        for line in reversed(self.lines):
            if mark in line and (value := _read(line))["kind"] == kind and value["session"] == session:
                return value
        return None

    def of_kinds(self, kinds: Sequence[str]) -> Iterator[bytes]:
        """Yield the lines of some kinds, in order."""
        return lines_of_kinds(self.lines, kinds)

    def values_of(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the values of the lines of a kind, in order. Raises BrokenSiteChain."""
        return map(_read, lines_of_kinds(self.lines, (kind,)))

    def append(self, value: dict[str, Any], signer: Signer) -> None:
        """Sign and append a line, and wait for the disk. Raises OSError."""
        before = digest(self.lines[-1]) if self.lines else GENESIS
        line = canonical_json.sorted_utf8(sign({**value, "before": before}, signer))
        self._file.seek(0, os.SEEK_END)
        self._file.write(line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)


@contextmanager
def open_chain(root: Path, site: str) -> Iterator[SiteChain]:
    """Open the chain of a site, locked against other processes. Raises OSError, BrokenSiteChain."""
    path = root / site / NAME
    atomic_files.make_folder(path.parent)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed or the process dies
        opened = SiteChain(file)
        if not opened.lines:
            atomic_files.sync_folder(path.parent)
        yield opened


def whole_lines(file: BinaryIO) -> list[bytes]:
    """Return all complete lines of the file. An incomplete last line, left by a crash, is removed where the file is
    writable."""
    lines, torn = lines_of(file)
    if torn and file.writable():
        file.truncate(file.tell() - len(torn))
    return lines


def lines_of(file: BinaryIO) -> tuple[list[bytes], bytes]:
    """Return all complete lines and the bytes after the last of them. Nothing is removed."""
    file.seek(0)
    *lines, torn = file.read().split(b"\n")  # not splitlines(), which also splits at a carriage return
    return lines, torn


def read(path: Path) -> tuple[list[bytes], bytes]:
    """Return what `lines_of` returns, read while no process appends. Raises OSError."""
    with path.open("rb") as file:
        with suppress(OSError):  # a copy may lie on a disk without locks, where no process writes
            fcntl.flock(file, fcntl.LOCK_SH)
        return lines_of(file)


def lines_of_kinds(lines: Iterable[bytes], kinds: Sequence[str], mark: bytes = b"") -> Iterator[bytes]:
    """Yield the lines of some kinds, and those with `mark` in them, without reading the others. A text inside a line
    cannot look like a kind, because its quotation marks are escaped."""
    wanted = [b'"kind":' + canonical_json.sorted_utf8(kind) for kind in kinds] + ([mark] if mark else [])
    return (line for line in lines if any(text in line for text in wanted))


def lines_of_site(root: Path, site: str) -> list[bytes]:
    """Return the complete lines of a site's chain, none where it has no chain. Raises OSError."""
    path = root / site / NAME
    return read(path)[0] if path.exists() else []


def visits_of_boot(lines: Sequence[bytes], boot: str) -> list[dict[str, Any]]:
    """Return the lines of the visits that were archived in the run `boot` of the machine: they stand at the end. Raises
    BrokenSiteChain."""
    found: list[dict[str, Any]] = []
    for line in lines_of_kinds(reversed(lines), (VISIT,)) if boot else ():
        value = _read(line)
        if value.get("boot") != boot:
            break
        found.append(value)
    return found


def newest_in_all(root: Path, kinds: Sequence[str] = KINDS, site: str = "*") -> datetime | None:
    """Return the latest moment at the ends of all chains, or of that of one site, among lines of these kinds; None
    where there is none. Only the last lines are read, and no signature is looked at."""
    moments = []
    for path in root.glob(f"{site}/{NAME}"):
        with suppress(OSError), path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            for line in file.read().split(b"\n")[1 if file.tell() > _TAIL else 0 : -1]:
                with suppress(BrokenSiteChain, ValueError):
                    value = _read(line)
                    if value["kind"] in kinds:
                        moments.append(datetime.fromisoformat(str(value.get("at"))))
    return max((moment for moment in moments if moment.tzinfo is not None), default=None)


def head_of(lines: Sequence[bytes]) -> str:
    """Return the number of the last visit and the hash of the last line, as `number:hash`. Raises BrokenSiteChain."""
    last = _last_visit(lines)
    return f"{last['number'] if last else 0}:{digest(lines[-1]) if lines else GENESIS}"


def _last_visit(lines: Sequence[bytes]) -> dict[str, Any] | None:
    return next((value for value in map(_read, reversed(lines)) if value["kind"] == VISIT), None)


def _read(line: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(line)
        if value["kind"] in KINDS and isinstance(value["session"], str) and isinstance(value["number"], int):
            return value
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenSiteChain("a line of the chain cannot be read") from error
    raise BrokenSiteChain("a line of the chain is malformed")
