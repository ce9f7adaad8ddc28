"""Canonical JSON: every form in which Huijian hashes, signs or stores JSON, in one place.

Equal values have one spelling in each form, so that a hash or a signature can be computed again from the value. There
are four forms because the bytes of each are fixed by journals and archives that exist:

- `sorted_ascii`: the journal. Its columns are text in any database, hence ASCII. Only it takes dataclasses.
- `sorted_utf8`: signatures and the lines of a site chain. UTF-8, so that a line shows Chinese names as they are.
- `indented`: manifests and other files that are replaced whole. As `sorted_utf8`, but one member a line, for readers.
- `line`: timelines and lists of hashes. Members stay in the order of the writer; the line is hashed as it was written.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from typing import Any


def sorted_ascii(value: Any) -> str:
    """Return `value` as ASCII with sorted members and no spaces.

    Beyond JSON it takes dataclasses, sets, moments (ISO 8601), durations (seconds) and bytes (hex). Raises TypeError
    for other types and ValueError for NaN and infinity.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_as_json)


def sorted_utf8(value: Any) -> bytes:
    """Return `value` as UTF-8 with sorted members and no spaces. Raises TypeError or ValueError."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def indented(value: Any) -> bytes:
    """Return `value` as UTF-8 with sorted members, each on a line of its own. Raises TypeError or ValueError."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def line(value: Any) -> bytes:
    """Return `value` as one line of UTF-8 with its newline, members unsorted. Raises TypeError or ValueError."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _as_json(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=sorted_ascii)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes):
        return value.hex()  # a forged column may come back from the database as bytes
    raise TypeError(f"a {type(value).__name__} has no canonical JSON")
