"""The chain of a site: one line for each visit archived and for each one deleted, each line signed and holding the
hash of the line before. A visit that is taken away whole leaves its line behind; a line that is taken away breaks the
chain. What no chain can show is that its newest end was cut off: whoever wants to know that keeps the head elsewhere
(`recorder.evidence.chain_heads` does, and so may anybody).

Lines are appended under a lock of the file itself, so that any number of processes may archive and delete at once."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from broker.kernel import atomic_files, canonical_json
from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive.manifest_check import is_moment
from recorder.evidence.signing import Signer, sign

NAME = "chain.jsonl"
VISIT, PURGE = "visit", "purge"


class BrokenSiteChain(Exception):
    """The chain's file is not one that can be continued."""


class SiteChain:
    """The lines of one site, open and locked. Made by `ledger`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = whole_lines(file)

    @property
    def number(self) -> int:
        """The number of the last visit; 0 before the first."""
        return int(self.previous["number"]) if self.previous else 0

    @property
    def previous(self) -> dict[str, Any] | None:
        """The visit archived last: session, number and the hash of its manifest."""
        last = _last_visit(self.lines)
        return None if last is None else {key: last[key] for key in ("session", "number", "manifest")}

    @property
    def head(self) -> str:
        """Where the chain ends; see `head_of`."""
        return head_of(self.lines)

    @property
    def newest(self) -> datetime | None:
        """The latest moment that the chain speaks of. The line of a visit carries the latest one up to itself."""
        found: list[datetime] = []
        for value in map(_read, reversed(self.lines)):
            if is_moment(value.get("at")):
                found.append(datetime.fromisoformat(value["at"]))
                if value["kind"] == VISIT:
                    break
        return max(found, default=None)

    def find(self, session: str, kind: str) -> dict[str, Any] | None:
        """The line of that kind about a session."""
        mark = b'"session":' + canonical_json.sorted_utf8(session)
        for line in reversed(self.lines):
            if mark in line and (value := _read(line))["kind"] == kind and value["session"] == session:
                return value
        return None

    def append(self, value: dict[str, Any], signer: Signer) -> None:
        """Add a line, signed, and wait for the disk. Raises OSError."""
        before = digest(self.lines[-1]) if self.lines else GENESIS
        line = canonical_json.sorted_utf8(sign({**value, "before": before}, signer))
        self._file.seek(0, os.SEEK_END)
        self._file.write(line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)


@contextmanager
def open_chain(root: Path, site: str) -> Iterator[SiteChain]:
    """The chain of a site, locked against everybody else. Raises OSError, BrokenLedger."""
    path = root / site / NAME
    atomic_files.make_folder(path.parent)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, or the process dies
        opened = SiteChain(file)
        if not opened.lines:
            atomic_files.sync_folder(path.parent)
        yield opened


def whole_lines(file: BinaryIO) -> list[bytes]:
    """All lines; one that a crash cut off at the end was never written, and is removed where the file can be."""
    lines, torn = lines_of(file)
    if torn and file.writable():
        file.truncate(file.tell() - len(torn))
    return lines


def lines_of(file: BinaryIO) -> tuple[list[bytes], bytes]:
    """All whole lines, and what follows the last of them; nothing is ever removed."""
    file.seek(0)
    *lines, torn = file.read().split(b"\n")  # not splitlines(): it takes a carriage return for an end, too
    return lines, torn


def read(path: Path) -> tuple[list[bytes], bytes]:
    """As `lines_of`, once nobody is in the middle of a line. Raises OSError."""
    with path.open("rb") as file:
        with suppress(OSError):  # a copy may lie on a disk that knows no locks, where nobody writes either
            fcntl.flock(file, fcntl.LOCK_SH)
        return lines_of(file)


def head_of(lines: Sequence[bytes]) -> str:
    """Where a chain ends: the number of its last visit and the hash of its last line. Raises BrokenLedger."""
    last = _last_visit(lines)
    return f"{last['number'] if last else 0}:{digest(lines[-1]) if lines else GENESIS}"


def _last_visit(lines: Sequence[bytes]) -> dict[str, Any] | None:
    return next((value for value in map(_read, reversed(lines)) if value["kind"] == VISIT), None)


def _read(line: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(line)
        if value["kind"] in (VISIT, PURGE) and isinstance(value["session"], str) and isinstance(value["number"], int):
            return value
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenSiteChain("a line of the chain cannot be read") from error
    raise BrokenSiteChain("a line of the chain makes no sense")
