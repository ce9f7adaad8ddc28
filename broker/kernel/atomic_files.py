"""The small files beside a recording: JSON that is replaced whole or not at all, and a timeline that only grows.
Everything here may block and runs in worker threads."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from broker.kernel import canonical_json

BOOT = Path("/proc/sys/kernel/random/boot_id")


def write_json(path: Path, value: Any, durable: bool = True) -> None:
    """Replace `path` by `value` at once: a reader sees the old or the new one, never half of it."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(canonical_json.indented(value))
        file.flush()
        if durable:
            os.fsync(file.fileno())
    fresh.replace(path)
    if durable:
        sync_folder(path.parent)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in `path`, None where there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # somebody's nested brackets are no reason to die
        return None
    return value if isinstance(value, dict) else None


def append_lines(path: Path, entries: list[dict[str, Any]]) -> None:
    """Add entries to a JSON-lines file and wait for the disk. A line cut off by a crash is closed first."""
    with path.open("ab+") as file:
        if file.tell() and not _ends_whole(file):
            file.write(b"\n")
        for entry in entries:
            file.write(canonical_json.line(entry))
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The readable entries of a JSON-lines file."""
    entries: list[dict[str, Any]] = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            entries.append({"event": {"kind": "unreadable"}})
    return entries


def sync_folder(path: Path) -> None:
    """Make new and renamed names in `path` durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_all(folder: Path, names: Iterable[str]) -> None:
    """Wait until the disk has these files of a folder, as far as they are there, and their names. Raises OSError."""
    for name in names:
        if (folder / name).exists():
            with (folder / name).open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def make_folder(path: Path) -> None:
    """A folder, with those above it, that a power cut does not take away again. Raises OSError."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def boot() -> str:
    """Names this run of the machine: CLOCK_MONOTONIC of another run cannot be compared."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def _ends_whole(file: Any) -> bool:
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
