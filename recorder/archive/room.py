"""The guard before files that are not recordings: they are made only where the disk has room for them beside what
recordings need."""

from pathlib import Path

from recorder.archive import paths


class NoRoom(Exception):
    """The disk has less room than the file and the recordings to come need."""


def need_room(folder: Path, bytes: int) -> None:
    """Check that the disk of a folder has so much room. Raises NoRoom, OSError."""
    missing = bytes - paths.free_bytes(folder)
    if missing > 0:
        raise NoRoom(f"{missing} bytes are missing")
