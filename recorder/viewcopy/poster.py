"""The poster of a recording: one small still of both sides, for lists. It is made with the view copy, lies beside it
and is sealed with it."""

from pathlib import Path

import av
from PIL import Image

from recorder.retention import removal
from recorder.viewcopy.layout import HEIGHT, STRIP, WIDTH, Script

NAME, MADE = "poster.jpg", ".poster.made.jpg"
SIZE = (480, 135)
"""Width and height in pixels: both pictures beside each other."""
QUALITY = 80
LOOKS = 60
"""Moments of the film that are considered."""


def poster_path(root: Path, session: str) -> Path:
    """Return the path of a session's poster. Raises ValueError for an invalid id."""
    return removal.derived_folder(root, session) / NAME


def best_moment(script: Script, length: float) -> float:
    """Return the second that a poster shows: soon after the beginning, while the visit went on and both sides had a
    picture; where there is none such, the middle."""
    for look in range(LOOKS):
        second = min(20.0, length / 4) + look * length / LOOKS
        spans = (*script.holds, *script.missing[0], *script.missing[1])
        if second < length and not any(span.has(second) for span in spans):
            return second
    return length / 2


def save(frame: av.VideoFrame, target: Path) -> None:
    """Write the two pictures of a view copy's frame as a small JPEG. Raises OSError."""
    whole = Image.fromarray(frame.to_ndarray(format="rgb24"))
    pictures = whole.crop((0, STRIP, 2 * WIDTH, STRIP + HEIGHT)).resize(SIZE, Image.Resampling.LANCZOS)
    pictures.save(target, "JPEG", quality=QUALITY, optimize=True)
