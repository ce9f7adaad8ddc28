"""The file that takes the system's own entries while the database does not answer: they survive the end of the process,
and memory stays small. It lies beside the database, only grows, and is removed when everything in it is in the chain.

The oldest entries are in the file and newer ones in memory, so that their order is kept. How much of a file has been
entered stands in the chain itself, in the same transaction: a process that dies between leaves nothing out and enters
nothing twice. Blocks; for worker threads."""

import json
import os
from itertools import islice
from pathlib import Path

from broker.control.journal.entry import Noted
from broker.kernel import atomic_files
from broker.kernel.ids import new_id

NAME = "journal.waiting"
CAUGHT_UP = "JournalCaughtUp"
"""Kind of the entry behind each stretch that was entered from a file: `file` and `lines`, those entered so far."""
_MEMBERS = ("at", "session", "kind", "author", "data")


class Spill:
    """One file of waiting entries. `waiting` is how many of them are not in the chain."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.id, self._lines = _opened(path)
        self._entered = 0
        self.found = self._lines > 0
        """Whether an earlier process has left the file, of which the chain may hold a part."""

    @property
    def waiting(self) -> int:
        """The number of entries that are in the file and not in the chain."""
        return self._lines - self._entered

    @property
    def entered(self) -> int:
        """The number of entries of the file that are in the chain."""
        return self._entered

    def skip(self, lines: int) -> None:
        """Leave out the first entries of the file: they are in the chain."""
        self._entered, self.found = min(self._lines, lines), False

    def append(self, entries: list[Noted]) -> None:
        """Add entries and wait for the disk. Raises OSError; then the file is as it was before."""
        lines = [{name: getattr(noted, name) for name in _MEMBERS} for noted in entries]
        if not self._lines and not self._entered:
            self.id = new_id("spl")
            self._path.unlink(missing_ok=True)  # nothing of it was readable
            lines.insert(0, {"file": self.id})
        before = self._path.stat().st_size if self._path.exists() else 0
        self._path.touch(0o600)
        try:
            atomic_files.append_lines(self._path, lines)
        except OSError:
            os.truncate(self._path, before)  # the entries stay with the caller: none may be in both places
            raise
        if not before:
            atomic_files.sync_folder(self._path.parent)
        self._lines += len(entries)

    def first(self, most: int) -> list[Noted]:
        """Return the oldest entries that are not in the chain. Raises OSError."""
        with self._path.open("rb") as file:
            entries = (noted for noted in map(_noted, file) if noted is not None)
            return list(islice(entries, self._entered, self._entered + most))

    def drop(self, count: int) -> None:
        """Note that the next entries are in the chain; a file of which all are is removed. Raises OSError."""
        self._entered += count
        if not self.waiting:
            self._path.unlink(missing_ok=True)
            atomic_files.sync_folder(self._path.parent)
            self._lines = self._entered = 0


def _opened(path: Path) -> tuple[str, int]:
    """Return the id of the file and how many entries it has."""
    if not path.exists():
        return "", 0
    with path.open("rb") as file:
        head = _object(file.readline())
        return str(head.get("file", "")), sum(1 for line in file if _noted(line) is not None)


def _noted(line: bytes) -> Noted | None:
    """Return the entry in a line, None for the head of the file and for a line that a crash has cut off."""
    value = _object(line)
    if any(name not in value for name in _MEMBERS):
        return None
    return Noted(0, value["at"], 0.0, value["session"], value["kind"], value["author"], value["data"])


def _object(line: bytes) -> dict[str, str]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
