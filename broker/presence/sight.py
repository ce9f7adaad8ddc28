"""The law on how a picture has to be shown for its officer to count (Yunnan 25, Guangdong 27): large enough to see what
people do, and not hidden. Pure.

The page measures; what is enough is decided here, once for all pages and clients.
"""

from enum import StrEnum
from typing import Final

LEAST_WIDTH: Final = 160
"""CSS pixels; in a smaller picture a face has fewer than about 30 pixels, and a gesture cannot be told."""
LEAST_HEIGHT: Final = 90
"""CSS pixels: the height of a 16:9 picture of `LEAST_WIDTH`."""
LEAST_SEEN: Final = 90
"""Per cent of a picture's area that neither the edge of the window nor another element may hide."""


class Flaw(StrEnum):
    """Why a picture that moves is not seen."""

    TOO_SMALL = "too_small"
    COVERED = "covered"


def flaw(width: int | None, height: int | None, seen: int | None) -> Flaw | None:
    """Why a picture of this size in CSS pixels, of which `seen` per cent are visible, does not count; None where it
    does. What a page does not measure (None) is judged as it was before pages measured: the picture counts."""
    if (width is not None and width < LEAST_WIDTH) or (height is not None and height < LEAST_HEIGHT):
        return Flaw.TOO_SMALL
    return Flaw.COVERED if seen is not None and seen < LEAST_SEEN else None
