"""What a journal says of its own beginning: entries that were old enough may have been removed, up to a checkpoint, and
an entry of the chain says so (`JournalRemoved`). The rest is proven by that checkpoint, whose head the first entry that
is left names as the one before it. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.control.journal.entry import Entry
from broker.kernel.hash_chain import Point

REMOVED = "JournalRemoved"
"""Kind of the entry that says up to where the journal was removed: `through`, `head`, `checkpoint`, both officers."""
LEAST = timedelta(days=181)
"""The shortest six calendar months. What was signed less long before its removal was removed against the rule."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What one entry says: all entries up to `through`, whose hash was `head`, were removed at the moment `at` on the
    word of a checkpoint."""

    through: int
    head: str
    checkpoint: int
    at: datetime


def removal_in(entry: Entry) -> Removal | None:
    """Return the removal that an entry tells of, None for any other entry and for one that cannot be read."""
    if entry.kind != REMOVED:
        return None
    try:
        data = json.loads(entry.data)
        return Removal(
            int(data["through"]), str(data["head"]), int(data["checkpoint"]), datetime.fromisoformat(entry.at)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def explains(removal: Removal, first: int, before: str | None, points: Iterable[Point]) -> bool:
    """Whether a removal explains that a journal begins with the entry `first`, which names the hash `before` (None: it
    cannot be read). It may have been broken off, so that some entries before its end are left. Where there are
    checkpoints, one of them must be the removal's, and old enough."""
    if removal.through < first - 1 or (removal.through == first - 1 and before not in (None, removal.head)):
        return False
    points = list(points)
    return not points or any(_is_of(point, removal) for point in points)


def _is_of(point: Point, removal: Removal) -> bool:
    same = (point.number, point.seq, point.head) == (removal.checkpoint, removal.through, removal.head)
    return same and removal.at - datetime.fromisoformat(point.at) >= LEAST
