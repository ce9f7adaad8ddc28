"""The deletion of a recording's files: its folder, its copies, and the folders that are then empty. A repeated call
goes on where the last one stopped. Independently of the caller, a recording is deleted only when it is due by what is
signed and its deletion is entered in the chain of its site. Blocks."""

import os
import stat
from pathlib import Path, PurePosixPath

from broker.kernel import atomic_files
from broker.kernel.clock import Clock
from recorder.archive import paths
from recorder.evidence.signing import Keys
from recorder.retention.due_proof import Unproven, proof

DERIVED = ".derived"


def unfinished(target: Path) -> Path:
    """Return the name under which a derived file is written until it is complete."""
    return target.with_name(f".{target.name}.new{target.suffix}")


def derived_folder(root: Path, session: str) -> Path:
    """Return the folder of the copies of a recording. Raises ValueError for an invalid session."""
    paths.work_folder(root, session)  # checks the name
    return root / DERIVED / session


def folder_of(path: str, session: str) -> PurePosixPath:
    """Return the folder of a recording, relative to the archive, from its path in the catalog. Raises ValueError for
    any other place."""
    named = PurePosixPath(path)
    folder = named if paths.recording_at(named) is not None else named.parent
    place = paths.recording_at(folder)
    if place is None or place.session != session:
        raise ValueError(f"{path} is not the recording of {session}")
    return folder


def remove(root: Path, folder: PurePosixPath, session: str, clock: Clock, keys: Keys) -> None:
    """Delete a recording and its copies. `keys`: the trusted keys for manifest and chain.

    Raises NotDue or Unproven before any file is touched, OSError where a file is left.
    """
    proven = proof(root, folder, session, keys)
    proven.check(session, clock.now().wall)
    if not proven.ordered:
        raise Unproven(
            f"The deletion of {session} is not entered in the chain of its site.",
            f"单位链中没有销毁 {session} 的记录。",
        )
    _clear(derived_folder(root, session))
    _clear(root / folder)
    for parent in list((root / folder).parents)[:3]:  # day, month, year; never the site, which has its chain
        if not _drop(parent):
            break


def _clear(folder: Path) -> None:
    """Remove a folder with its contents. Links are removed, not followed."""
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        folder.unlink()
        return
    folder.chmod(0o700)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            _clear(entry)
        else:
            entry.unlink()
    folder.rmdir()
    atomic_files.sync_folder(folder.parent)


def _drop(folder: Path) -> bool:
    """Remove a folder if it is empty; return whether it is gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        if any(os.scandir(folder)):
            return False
        raise
    atomic_files.sync_folder(folder.parent)
    return True
