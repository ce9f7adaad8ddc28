"""The chain of a site: one line for each visit archived and for each one deleted, each line signed and holding the
hash of the line before. A visit that is taken away whole leaves its line behind; a line that is taken away breaks the
chain. What no chain can show is that its newest end was cut off: whoever wants to know that keeps the head elsewhere
(the catalog does).

Lines are appended under a lock of the file itself, so that any number of processes may archive and delete at once."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from recorder import papers
from recorder.signing import Signer, sign

NAME = "chain.jsonl"
GENESIS = "0" * 64
VISIT, PURGE = "visit", "purge"


class BrokenLedger(Exception):
    """The chain's file is not one that can be continued."""


class Ledger:
    """The lines of one site, open and locked. Made by `ledger`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.lines = whole_lines(file)

    @property
    def number(self) -> int:
        """The number of the last visit; 0 before the first."""
        return next((int(value["number"]) for value in self._back() if value["kind"] == VISIT), 0)

    @property
    def previous(self) -> dict[str, Any] | None:
        """The visit archived last: session, number and the hash of its manifest."""
        last = next((value for value in self._back() if value["kind"] == VISIT), None)
        return None if last is None else {key: last[key] for key in ("session", "number", "manifest")}

    def find(self, session: str, kind: str) -> dict[str, Any] | None:
        """The line of that kind about a session."""
        mark = f'"session":{json.dumps(session)}'.encode()
        for line in reversed(self.lines):
            if mark in line and (value := _read(line))["kind"] == kind and value["session"] == session:
                return value
        return None

    def append(self, value: dict[str, Any], signer: Signer) -> None:
        """Add a line, signed, and wait for the disk. Raises OSError."""
        before = digest(self.lines[-1]) if self.lines else GENESIS
        line = spelled(sign({**value, "before": before}, signer))
        self._file.seek(0, os.SEEK_END)
        self._file.write(line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.lines.append(line)

    def _back(self) -> Iterator[dict[str, Any]]:
        return map(_read, reversed(self.lines))


@contextmanager
def ledger(root: Path, site: str) -> Iterator[Ledger]:
    """The chain of a site, locked against everybody else. Raises OSError, BrokenLedger."""
    path = root / site / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, or the process dies
        opened = Ledger(file)
        if not opened.lines:
            papers.sync_folder(path.parent)
        yield opened


def whole_lines(file: BinaryIO) -> list[bytes]:
    """All lines; one that a crash cut off at the end was never written, and is removed where the file can be."""
    file.seek(0)
    data = file.read()
    end = data.rfind(b"\n") + 1
    if end < len(data) and file.writable():
        file.truncate(end)
    return data[:end].splitlines()


def spelled(value: dict[str, Any]) -> bytes:
    """A line as it is written; equal values have one spelling."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(line: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(line).hexdigest()


def _read(line: bytes) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(line)
        if value["kind"] in (VISIT, PURGE) and isinstance(value["session"], str) and isinstance(value["number"], int):
            return value
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenLedger("a line of the chain cannot be read") from error
    raise BrokenLedger("a line of the chain makes no sense")
