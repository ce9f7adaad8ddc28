"""The manifest of a finished recording: hashes, lengths, gaps, policy and software, by which the recording can be
checked later. Hashing and `stored_coverage` read files and block; the other functions are pure."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3, Hash

from broker.kernel import atomic_files
from broker.kernel.clock import discipline
from recorder.archive.paths import MANIFEST, TIMELINE
from recorder.archive.timeline_coverage import coverage, officers_in
from recorder.pipeline.track_clock import Gap

FORMAT = 4
"""Number of the manifest format. Format 3 did not say that the rooms had acknowledged the `rules`. In format 2
unreadable parts were not listed, and there was no `coverage` (which officer watched at which seconds). Readers accept
older formats too."""
WITHOUT_RULES = 3
RULES_ACKNOWLEDGED = "rules_acknowledged"
"""Kind of the timeline's event by which a room has acknowledged the rules of its visit."""
_OF_RULES = ("since", "terminal", "text", "language", "manner")
_CHUNK = 1 << 20


def software() -> str:
    """Return the name and the version of this program."""
    try:
        return f"huijian {version('huijian')}"
    except PackageNotFoundError:
        return "huijian"


def file_facts(path: Path, sm3: bool = False) -> dict[str, Any]:
    """Return SHA-256 and size of a file, and its SM3 (GB/T 32905) where `sm3` is set. Blocks while it reads."""
    digest, national, size = hashlib.sha256(), Hash(SM3()) if sm3 else None, 0
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            digest.update(data)
            if national is not None:
                national.update(data)
            size += len(data)
    facts: dict[str, Any] = {"sha256": digest.hexdigest(), "bytes": size}
    return facts if national is None else facts | {"sm3": national.finalize().hex()}


def people_in(timeline: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the ids of the people on both sides and of the officers who watched, from the timeline."""
    found: dict[str, set[str]] = {"checked_in": set(), "watchers": set()}
    for entry in timeline:
        event = entry.get("event") or {}
        if event.get("kind") == "people":
            found["checked_in"].update(str(person) for person in event.get("checked_in") or ())
            found["watchers"].update(officer.user for officer in officers_in(event))
    return {group: sorted(ids) for group, ids in found.items()}


def extensions_in(timeline: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each extension: approved by whom, when, by how many seconds, under which article (Yunnan 14, 27(3))."""
    found: list[dict[str, Any]] = []
    for entry in timeline:
        event = entry.get("event") or {}
        if (event.get("kind"), event.get("what")) == ("action", "ExtensionApproved"):
            facts = {name: event.get(name) for name in ("id", "by", "site", "role", "added", "article", "reason")}
            found.append({"at": entry.get("at"), **facts})
    return found


def terminals_in(timeline: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the terminals that published each side's picture and sound, in their order (Yunnan 27(1))."""
    found: dict[str, list[str]] = {}
    for entry in timeline:
        event = entry.get("event") or {}
        terminals = found.setdefault(str(event.get("side")), []) if event.get("kind") == "publisher" else None
        if terminals is not None and str(event.get("terminal")) not in terminals[-1:]:
            terminals.append(str(event.get("terminal")))
    return dict(sorted(found.items()))


def rules_in(timeline: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what the room of each side has acknowledged: since when, by which terminal, which text, in which language
    and how (Yunnan 12, Guangdong 24). The last time counts."""
    found: dict[str, dict[str, Any]] = {}
    for entry in timeline:
        event = entry.get("event") or {}
        if event.get("kind") == RULES_ACKNOWLEDGED:
            found[str(event.get("side"))] = {name: event.get(name) for name in _OF_RULES}
    return dict(sorted(found.items()))


def clock_facts(timeline: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return how far this machine's clock can be trusted: what the kernel knows of its reference, and by how many
    seconds the wall clock was moved against the monotonic clock during the visit."""
    apart = [
        datetime.fromisoformat(entry["at"]).timestamp() - entry["mono"]
        for entry in timeline
        if "mono" in entry and "at" in entry
    ]
    reference = discipline()
    return {
        "synchronised": reference.synchronised if reference else None,
        "offset": round(reference.offset, 6) if reference else None,
        "max_error": round(reference.max_error, 6) if reference else None,
        "stepped": round(max(apart) - min(apart), 3) if apart else 0.0,
    }


def stored_coverage(film: Path) -> dict[str, Any]:
    """Return the coverage in the manifest beside a film, with `kept` True; or, for an older manifest without one, the
    coverage computed from the timeline, with `kept` False.

    Raises FileNotFoundError where there is no readable manifest.
    """
    written = atomic_files.read_json(film.with_name(MANIFEST))
    if written is None:
        raise FileNotFoundError(MANIFEST)
    stored = written.get("coverage")
    if isinstance(stored, dict):
        return {"kept": True, **stored}
    return {"kept": False, **coverage(atomic_files.read_lines(film.with_name(TIMELINE)), written).to_json()}


def compose(
    plan: dict[str, Any],
    *,
    reason: dict[str, Any],
    ended_at: str,
    tracks: Sequence[dict[str, Any]],
    gaps: Sequence[Gap],
    parts: Sequence[dict[str, Any]],
    chain: dict[str, Any] | None,
    files: dict[str, dict[str, Any]],
    people: dict[str, list[str]],
    clock: dict[str, Any],
    due: str,
    extensions: Sequence[dict[str, Any]] = (),
    rules: dict[str, dict[str, Any]] | None = None,
    terminals: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """Return the unsigned manifest of one session. `plan`: the members of the command `start`. What a former version
    began to record says nothing of rules, and keeps that version's format."""
    longer = {"extensions": list(extensions)} if extensions else {}
    acknowledged = {"rules": rules or {}} if "rules" in plan else {}
    published = {"terminals": terminals} if terminals else {}
    return {
        "format": FORMAT if acknowledged else WITHOUT_RULES,
        "software": software(),
        **{key: plan[key] for key in ("session", "site", "slot", "policy", "sides", "starts_at", "started_at")},
        "ended_at": ended_at,
        "due_at": due,
        "people": people,
        **acknowledged,
        **published,
        **longer,
        "clock": clock,
        "reason": reason,
        "tracks": list(tracks),
        "gaps": [gap.to_json() for gap in gaps],
        "parts": list(parts),
        "chain": chain,
        "files": files,
    }
