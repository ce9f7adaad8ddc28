"""A finished recording as a row of the catalog, and a row as what the control process is told."""

from datetime import datetime
from typing import Any

from recorder.archive.catalog import ARCHIVED, FAILED
from recorder.recording import Tell


def columns(done: dict[str, Any]) -> dict[str, Any]:
    """The catalog's columns of an archived recording."""
    row = {key: value for key, value in done.items() if key not in ("session", "site", "policy")}
    for name in ("started_at", "ended_at", "due_at"):
        row[name] = datetime.fromisoformat(done[name])
    return row


MANY = 100
"""Gaps that are told. On a bad line there are thousands: the manifest lists all, and a message has its limit."""


def tell_end(tell: Tell, row: dict[str, Any]) -> None:
    """That a recording is archived, or that it failed."""
    if row["state"] == FAILED:
        tell("archive_failed", session=row["session"], reason=row["reason"], path=row["path"])
        return
    facts = {key: row[key] for key in ("session", "path", "sha256", "bytes", "seconds", "packets", "lost")}
    longest = sorted(row["gaps"] or (), key=lambda gap: -gap["seconds"])[:MANY]
    facts["gaps"] = sorted(longest, key=lambda gap: (gap["start"], gap["track"]))
    facts["gaps_in_all"] = len(row["gaps"] or ())
    facts |= {key: row.get(key) for key in ("manifest_sha256", "head")}
    tell(ARCHIVED, **facts, started_at=_iso(row["started_at"]), ended_at=_iso(row["ended_at"]))


def _iso(moment: str | datetime) -> str:
    return moment if isinstance(moment, str) else moment.isoformat()
