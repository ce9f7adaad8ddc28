"""Checking the chain of a site (see `recorder.ledger`): every line is genuine and follows the one before, every visit
with a line is there with the very manifest that was entered, and no visit is there without one. Blocks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recorder import archive
from recorder.archive import MANIFEST
from recorder.ledger import GENESIS, NAME, PURGE, VISIT, digest, spelled, whole_lines
from recorder.manifest import file_facts
from recorder.report import Damage, Report
from recorder.signing import Keys


@dataclass(slots=True)
class _Walk:
    """Where a walk along the lines of one site has got to."""

    before: str = GENESIS
    previous: dict[str, Any] | None = None
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)


def check_sites(root: Path, keys: Keys, report: Report) -> None:
    """Check the chains of all sites of an archive."""
    sites = {folder.relative_to(root).parts[0] for folder in archive.recordings(root)}
    sites |= {path.parent.name for path in root.glob(f"*/{NAME}")}
    for site in sorted(sites):
        report.damages += _check_site(root, site, keys, report)


def check_line(folder: Path, root: Path, written: dict[str, Any], keys: Keys) -> Iterator[Damage]:
    """Whether a recording is the one that its site's chain speaks of."""
    path = root / str(written["site"]) / NAME
    walk = _Walk()
    for number, line in enumerate(_lines(path), 1):
        if json.dumps(written["session"]).encode() in line:
            value, why = _genuine(line, keys)
            if value is None:
                yield Damage(path, "chain", f"line {number}: {why}")
            elif value["kind"] == VISIT and value["session"] == written["session"]:
                walk.visits[value["session"]] = value
    known = walk.visits.get(written["session"])
    if known is None:
        yield Damage(folder, "added", "the chain of the site does not know it")
    elif file_facts(folder / MANIFEST)["sha256"] != known["manifest"]:
        yield Damage(folder / MANIFEST, "changed", "the chain of the site holds another one")


def _check_site(root: Path, site: str, keys: Keys, report: Report) -> Iterator[Damage]:
    path = root / site / NAME
    if not path.exists():
        yield Damage(path, "missing", "the site has recordings and no chain")
        return
    walk = _Walk()
    for number, line in enumerate(_lines(path), 1):
        value, why = _genuine(line, keys)
        why = why or _follows(walk, value or {})
        if why:
            yield Damage(path, "chain", f"line {number}: {why}")
        walk.before = digest(line)
        if value is not None:
            _enter(walk, value)
    report.heads[site] = f"{walk.previous['number'] if walk.previous else 0}:{walk.before}"
    yield from _visits(root, walk)
    for folder in archive.recordings(root):
        if folder.relative_to(root).parts[0] == site and folder.name not in walk.visits:
            yield Damage(folder, "added", "the chain of the site does not know it")


def _lines(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return whole_lines(file)


def _genuine(line: bytes, keys: Keys) -> tuple[dict[str, Any] | None, str]:
    try:
        value = json.loads(line)
        known = value["kind"] in (VISIT, PURGE) and isinstance(value["session"], str)
        if not known or not isinstance(value["number"], int) or not isinstance(value["manifest"], str):
            return None, "it makes no sense"
    except (ValueError, KeyError, TypeError):
        return None, "it cannot be read"
    if spelled(value) != line:
        return value, "it is not spelled as it was written"
    return value, keys.vouch(value)


def _follows(walk: _Walk, value: dict[str, Any]) -> str:
    if value["before"] != walk.before:
        return "the line before it is not the one that was there"
    number = walk.previous["number"] if walk.previous else 0
    if value["kind"] == VISIT and value["number"] != number + 1:
        return f"visit {value['number']} follows visit {number}"
    return ""


def _enter(walk: _Walk, value: dict[str, Any]) -> None:
    if value["kind"] == PURGE:
        walk.purged.add(value["session"])
        return
    walk.visits[value["session"]] = {**value, "previous": walk.previous}
    walk.previous = {key: value[key] for key in ("session", "number", "manifest")}


def _visits(root: Path, walk: _Walk) -> Iterator[Damage]:
    for session, value in walk.visits.items():
        folder = root / str(value.get("path", ""))
        work = root / archive.WORK / session
        if session in walk.purged:
            if folder.exists():
                yield Damage(folder, "purge_unfinished", "its deletion was ordered and has not ended")
        elif not (folder / MANIFEST).exists():
            if not _is(work / MANIFEST, value["manifest"]):  # else it is being archived at this moment
                yield Damage(folder, "removed", f"visit {value['number']} of the site, session {session}")
        elif not _is(folder / MANIFEST, value["manifest"]):
            yield Damage(folder / MANIFEST, "changed", "the chain of the site holds another one")
        else:
            previous = json.loads((folder / MANIFEST).read_bytes()).get("previous")
            if previous != value["previous"]:
                yield Damage(folder / MANIFEST, "chain", "another visit came before it")


def _is(path: Path, sha256: str) -> bool:
    return path.exists() and file_facts(path)["sha256"] == sha256
