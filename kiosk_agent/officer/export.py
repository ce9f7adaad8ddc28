"""Export of a terminal's logs: one `.tar.gz` with the log files, the last tests and a description of the terminal, and
beside it a file with its SHA-256. Log lines hold no names, tokens or addresses, the tests only figures."""

import errno
import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOM = 256 * 1024
"""Bytes that must be free beyond the size of the files: tables of the archive and of the file system."""
_BLOCK = 64 * 1024

Progress = Callable[[float], None]
"""Takes the share that is done, 0 to 1."""


class ExportError(Exception):
    """The logs could not be exported; `code` says why: `no_room`, `gone` or `there`."""

    for_operators = True

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Exported:
    """The file that was written, its size in bytes and its SHA-256 in hexadecimal."""

    file: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What is exported: log files, and documents by their names."""

    logs: Sequence[Path]
    documents: Mapping[str, Any]


def export(contents: Contents, folder: Path, name: str, now: float, progress: Progress) -> Exported:
    """Write `name`.tar.gz and its hash into the folder; `now` is the time of the entries, in seconds since 1970. It
    blocks. Raises ExportError, and leaves no half file behind."""
    file = folder / f"{name}.tar.gz"
    sizes = sum(path.stat().st_size for path in contents.logs if path.is_file())
    try:
        if os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize < sizes + ROOM:
            raise ExportError("no_room")
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise ExportError("there") from None
    except OSError:
        raise ExportError("gone") from None
    try:
        with os.fdopen(descriptor, "w+b") as out:
            _write(out, contents, now, _Share(max(1, sizes), progress))
            out.flush()
            os.fsync(out.fileno())
            out.seek(0)
            exported = Exported(file, file.stat().st_size, hashlib.file_digest(out, "sha256").hexdigest())
        file.with_name(f"{file.name}.sha256").write_text(f"{exported.sha256}  {file.name}\n", "ascii")
        _sync(folder)
    except OSError as error:
        with suppress(OSError):  # the medium may have been pulled out
            file.unlink()
        raise ExportError("no_room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "gone") from None
    progress(1.0)
    return exported


@dataclass(slots=True)
class _Share:
    """Progress of the bytes that have been read."""

    total: int
    tell: Progress
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.tell(min(0.99, self.done / self.total))


class _Counted(io.RawIOBase):
    """A log file that tells how much of it was read, and pads with line ends what a rotation has cut off meanwhile."""

    def __init__(self, file: IO[bytes], share: _Share) -> None:
        self._file, self._share = file, share

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._share.add(len(data))
        return data.ljust(size, b"\n") if size > 0 else data


def _write(out: IO[bytes], contents: Contents, now: float, share: _Share) -> None:
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=now) as packed,
        tarfile.open(fileobj=packed, mode="w|", bufsize=_BLOCK) as archive,
    ):
        for name, document in contents.documents.items():
            data = json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"
            archive.addfile(_entry(name, len(data), now), io.BytesIO(data))
        for path in contents.logs:
            if path.is_file():
                with path.open("rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    archive.addfile(_entry(f"logs/{path.name}", size, now), _Counted(file, share))


def _entry(name: str, size: int, now: float) -> tarfile.TarInfo:
    """Return an entry without user, group or machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, now, 0o644
    return entry


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
