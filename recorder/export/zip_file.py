"""The ZIP of a package: written from beginning to end in constant memory, each file as it is (stored, not compressed,
because films do not get smaller and a browser can then read any part of it), with the hash of each. Sizes are written
for ZIP64, so that a film may have more than four gigabytes. Blocks."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from broker.kernel.clock import in_shanghai

CHUNK = 1 << 20
Advance = Callable[[int], None]


class PackageFile:
    """The writer of one package. `files` has the facts of each file that was added, by its path below the only
    folder."""

    def __init__(self, zip: zipfile.ZipFile, folder: str, at: datetime, advance: Advance) -> None:
        self._zip = zip
        self._folder, self._at, self._advance = folder, in_shanghai(at).timetuple()[:6], advance
        self.files: dict[str, dict[str, Any]] = {}

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a file from memory."""
        with self._zip.open(self._info(name), "w") as target:
            target.write(data)
        self.files[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    def add_file(self, name: str, path: Path) -> None:
        """Add a file of any size, and report its bytes as they are written. Raises OSError."""
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as source, self._zip.open(self._info(name), "w", force_zip64=True) as target:
            while data := source.read(CHUNK):
                target.write(data)
                digest.update(data)
                size += len(data)
                self._advance(len(data))
        self.files[name] = {"sha256": digest.hexdigest(), "bytes": size}

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(f"{self._folder}/{name}", (max(self._at[0], 1980), *self._at[1:]))
        info.external_attr = 0o444 << 16
        return info


@contextmanager
def writing(target: Path, folder: str, at: datetime, advance: Advance) -> Iterator[PackageFile]:
    """Give the writer of a ZIP that appears at `target` complete and on the disk, or not at all. Raises OSError."""
    fresh = target.with_name(f".{target.name}.new")
    try:
        with fresh.open("wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED, allowZip64=True) as zip:
                yield PackageFile(zip, folder, at, advance)
            raw.flush()
            os.fsync(raw.fileno())
        fresh.chmod(0o400)
        fresh.replace(target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
