"""Where recordings lie, as two inverse functions, and how a finished one moves there: whole, at once, read-only."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath

from broker.kernel import atomic_files
from broker.kernel.clock import in_shanghai

WORK = ".work"
FILM, TIMELINE, MANIFEST = "session.mp4", "timeline.jsonl", "manifest.json"
PLAN = "plan.json"  # in a work folder only
_FOLDER = re.compile(r"([a-z0-9][a-z0-9-]{0,62})/(\d{4})/(\d{2})/(\d{2})/([A-Za-z0-9_-]{1,64})")
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """Which recording: the prison's site, the day on the clocks of Shanghai, the session."""

    site: str
    day: date
    session: str


def place_of(site: str, started: datetime, session: str) -> Place:
    """The place of a session that began at `started` (aware)."""
    return Place(site, in_shanghai(started).date(), session)


def path_of(place: Place) -> PurePosixPath:
    """The folder of a recording, relative to the archive. Raises ValueError for names that are no names."""
    path = PurePosixPath(place.site, f"{place.day:%Y/%m/%d}", place.session)
    if recording_at(path) != place:
        raise ValueError("not the name of a site or session")
    return path


def recording_at(path: PurePosixPath) -> Place | None:
    """Which recording lies in a folder (relative to the archive); None where none can."""
    match = _FOLDER.fullmatch(str(path))
    if match is None:
        return None
    site, year, month, day, session = match.groups()
    try:
        return Place(site, date(int(year), int(month), int(day)), session)
    except ValueError:
        return None


def work_folder(archive: Path, session: str) -> Path:
    """Where a session is recorded until it is finished. Raises ValueError."""
    if not _SAFE.fullmatch(session):
        raise ValueError("not the name of a session")
    return archive / WORK / session


def settle(work: Path, archive: Path, place: Place) -> Path:
    """Move a finished work folder into the archive by one rename, and close it to writing. Raises OSError.

    FileExistsError where something lies there already: nothing in an archive is ever replaced.
    """
    target = archive / path_of(place)
    atomic_files.make_folder(target.parent)
    if target.exists():
        raise FileExistsError(str(target))
    for file in work.iterdir():
        file.chmod(0o444)
    work.rename(target)
    atomic_files.sync_folder(target.parent)
    atomic_files.sync_folder(work.parent)
    target.chmod(0o555)
    return target


def recordings(archive: Path) -> Iterator[Path]:
    """All recording folders of an archive, in order of site and day."""
    for day in sorted(archive.glob("*/[0-9]*/[0-9]*/[0-9]*")):  # a day at a time: there may be a million
        for folder in sorted(day.iterdir() if day.is_dir() else ()):
            if recording_at(PurePosixPath(folder.relative_to(archive))) is not None and folder.is_dir():
                yield folder


def find(archive: Path, session: str) -> Path | None:
    """The folder of a session, None if there is none."""
    return next(archive.glob(f"*/[0-9]*/[0-9]*/[0-9]*/{session}"), None) if _SAFE.fullmatch(session) else None


def work_folders(archive: Path) -> list[Path]:
    """Sessions that are being recorded, or were when a process died."""
    work = archive / WORK
    return sorted(folder for folder in work.iterdir() if folder.is_dir()) if work.is_dir() else []


def free_bytes(archive: Path) -> int:
    """Room left on the archive's disk for us."""
    return shutil.disk_usage(archive).free


def remove_scrap(path: Path) -> None:
    """Remove an unfinished product of our own that can be made again; never a recording."""
    if path.exists():
        os.unlink(path)
