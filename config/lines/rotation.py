"""A log file of bounded size: it is renamed to `.1` once it is full, `.1` to `.2` and so on, and the oldest is removed.
The disk of a terminal is looked after by no administrator, and its logs leave it on a USB stick."""

import os
from pathlib import Path
from typing import IO

BYTES = 1_000_000
"""Size at which a file is full: three of a quiet terminal's weeks, some hours of one in trouble."""
FILES = 5
"""Files that are kept, the present one among them."""


class RotatingFile:
    """Text stream into `path`, closed to other users. Raises OSError where the folder cannot be made."""

    def __init__(self, path: Path, largest: int = BYTES, files: int = FILES) -> None:
        self._path, self._largest, self._files = path, largest, files
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = self._open()

    def write(self, text: str) -> None:
        """Append a text, into a new file where this one is full. Raises OSError."""
        if self._file.tell() >= self._largest:
            self._rotate()
        self._file.write(text)

    def flush(self) -> None:
        """Hand what was written to the system. Raises OSError."""
        self._file.flush()

    def _open(self) -> IO[str]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        file = os.fdopen(descriptor, "a", encoding="utf-8")
        file.seek(0, os.SEEK_END)
        return file

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._files - 1, 0, -1):
            older = self.name(number - 1)
            if older.exists():
                older.replace(self.name(number))
        self._file = self._open()

    def name(self, number: int) -> Path:
        """Return the path of the file with this number; 0 is the present one."""
        return self._path if number == 0 else self._path.with_name(f"{self._path.name}.{number}")
