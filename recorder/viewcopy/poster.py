"""The poster of a recording: one small still of both sides, for lists. It is made with the view copy, lies beside it
and is sealed with it."""

from pathlib import Path

from recorder.retention import removal

NAME = "poster.jpg"


def poster_path(root: Path, session: str) -> Path:
    """Return the path of a session's poster. Raises ValueError for an invalid id."""
    return removal.derived_folder(root, session) / NAME
