"""The hash chain of the journal: what an entry is, in which bytes it is hashed. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime, timedelta
from typing import Any

GENESIS = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One written entry, its columns as they are in the table. `data` is canonical JSON."""

    seq: int
    at: str
    session: str | None
    kind: str
    author: str
    data: str
    prev_hash: str
    hash: str

    def columns(self) -> dict[str, Any]:
        """The values by column name."""
        return asdict(self)


def canonical(value: Any) -> str:
    """JSON with one spelling for equal things, in ASCII: sorted keys, no spaces, no NaN.

    Beyond JSON it takes dataclasses, sets, moments (ISO 8601) and durations (seconds). Raises
    TypeError or ValueError for anything else.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def digest(entry: Entry) -> str:
    """SHA-256 in hex over everything in the entry but its own hash."""
    covered = [
        entry.prev_hash,
        entry.seq,
        entry.at,
        entry.session,
        entry.kind,
        entry.author,
        entry.data,
    ]
    return hashlib.sha256(canonical(covered).encode()).hexdigest()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=canonical)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()  # what a forged column may come back as
    raise TypeError(f"a {type(value).__name__} has no place in the journal")
