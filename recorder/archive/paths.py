"""Paths of recordings in an archive, as two inverse functions; and the move of a finished recording into its place,
which is one rename and makes it read-only."""

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
    """The place of a recording: the prison's site, the day in Asia/Shanghai, the session."""

    site: str
    day: date
    session: str


def place_of(site: str, started: datetime, session: str) -> Place:
    """Return the place of a session that began at `started` (aware)."""
    return Place(site, in_shanghai(started).date(), session)


def path_of(place: Place) -> PurePosixPath:
    """Return the folder of a recording, relative to the archive. Raises ValueError for an invalid site or session."""
    path = PurePosixPath(place.site, f"{place.day:%Y/%m/%d}", place.session)
    if recording_at(path) != place:
        raise ValueError("not the name of a site or session")
    return path


def recording_at(path: PurePosixPath) -> Place | None:
    """Return the place of the recording in a folder (relative to the archive), None where no recording can lie."""
    match = _FOLDER.fullmatch(str(path))
    if match is None:
        return None
    site, year, month, day, session = match.groups()
    try:
        return Place(site, date(int(year), int(month), int(day)), session)
    except ValueError:
        return None


def work_folder(archive: Path, session: str) -> Path:
    """Return the folder in which a session is recorded until it is archived. Raises ValueError for an invalid id."""
    if not _SAFE.fullmatch(session):
        raise ValueError("not the name of a session")
    return archive / WORK / session


def settle(work: Path, archive: Path, place: Place) -> Path:
    """Move a finished work folder into the archive by one rename, make it read-only and return its new path.

    Raises OSError; FileExistsError where the target exists, because nothing in an archive is ever replaced.
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
    """Yield all recording folders of an archive, in order of site and day."""
    for day in sorted(archive.glob("*/[0-9]*/[0-9]*/[0-9]*")):  # a day at a time: there may be a million
        for folder in sorted(day.iterdir() if day.is_dir() else ()):
            if recording_at(PurePosixPath(folder.relative_to(archive))) is not None and folder.is_dir():
                yield folder


def find(archive: Path, session: str) -> Path | None:
    """Return the folder of an archived session, None where there is none."""
    return next(archive.glob(f"*/[0-9]*/[0-9]*/[0-9]*/{session}"), None) if _SAFE.fullmatch(session) else None


def work_folders(archive: Path) -> list[Path]:
    """Return the work folders: of sessions that are being recorded, or were when a recorder process died."""
    work = archive / WORK
    return sorted(folder for folder in work.iterdir() if folder.is_dir()) if work.is_dir() else []


def free_bytes(archive: Path) -> int:
    """Return the free bytes on the archive's disk."""
    return shutil.disk_usage(archive).free


def remove_scrap(path: Path) -> None:
    """Remove an unfinished file that can be made again. It is never called for a recording."""
    if path.exists():
        os.unlink(path)
