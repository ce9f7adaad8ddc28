"""Small files that survive a crash: JSON that is replaced whole or not at all, and logs of JSON lines that only grow.

Every function may block and belongs into a worker thread. Forms of JSON are those of `canonical_json`.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from broker.kernel import canonical_json

_PAGE = 4096  # bytes; no machine has smaller ones


def write_json(path: Path, value: Any) -> None:
    """Replace the file at `path` by `value` at once: a reader sees the old content or the new one, never a part.

    It returns when the disk has the file. Raises OSError.
    """
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(canonical_json.indented(value))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def overwrite_json(path: Path, value: Any) -> None:
    """Write `value` over the file at `path`, which outlives a kill of the process, but not a power cut.

    A tenth of the work of `write_json`, for what is noted again and again. One write inside a page of memory is done
    whole or not at all, so that a reader sees the old content or the new one; what is longer is replaced. A shorter
    content is filled up with spaces, as the file must not be cut meanwhile. Raises OSError.
    """
    data = canonical_json.line(value)
    if len(data) > _PAGE:
        write_json(path, value)
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        size = os.fstat(file).st_size
        if size <= _PAGE:
            os.pwrite(file, data.ljust(size), 0)
            return
    finally:
        os.close(file)
    write_json(path, value)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object in the file at `path`, or None where there is no file or no object that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # a file of nested brackets must not end the process
        return None
    return value if isinstance(value, dict) else None


def append_lines(path: Path, entries: list[dict[str, Any]]) -> None:
    """Add entries to a file of JSON lines and wait for the disk. Raises OSError.

    A last line that a crash has cut off is ended first, so that it alone is unreadable.
    """
    with path.open("ab+") as file:
        if file.tell() and not _ends_with_newline(file):
            file.write(b"\n")
        for entry in entries:
            file.write(canonical_json.line(entry))
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a file of JSON lines; an unreadable line becomes an entry of the kind `unreadable`."""
    entries: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            entries.append({"event": {"kind": "unreadable"}})
    return entries


def sync_folder(path: Path) -> None:
    """Make new and renamed names in a folder durable. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_files(folder: Path, names: Iterable[str]) -> None:
    """Wait until the disk has those of these files of a folder that exist, and their names. Raises OSError."""
    for name in names:
        if (folder / name).exists():
            with (folder / name).open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, durable against a power cut. Raises OSError."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def _ends_with_newline(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
