"""The check of a site's chain (see `recorder.evidence.site_chain`): every line is genuine and follows the one before
it, every visit with a line exists with the manifest that was entered, and no visit exists without a line. Blocks."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from broker.kernel import atomic_files, canonical_json
from broker.kernel.hash_chain import GENESIS, digest
from recorder.archive import paths
from recorder.archive.manifest import file_facts
from recorder.archive.paths import MANIFEST
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import Keys
from recorder.evidence.site_chain import HOLD, KINDS, LIFT, NAME, PURGE, VISIT, read


@dataclass(slots=True)
class _Walk:
    """The state of a walk along the lines of one chain."""

    before: str = GENESIS
    previous: dict[str, Any] | None = None
    visits: dict[str, dict[str, Any]] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    holds: dict[str, str] = field(default_factory=dict)  # the session that each standing hold keeps

    @property
    def head(self) -> str:
        """The head at this line, as `site_chain.head_of` spells it."""
        return f"{self.previous['number'] if self.previous else 0}:{self.before}"


def check_sites(root: Path, keys: Keys, report: Report, heads: Mapping[str, Iterable[str]]) -> None:
    """Check the chain of every site that has or should have one. Each must hold the stored `heads` of its site."""
    sites = {folder.relative_to(root).parts[0] for folder in paths.recordings(root)}
    sites |= {path.parent.name for path in root.glob(f"*/{NAME}")}
    for site in sorted(sites | set(heads)):
        try:
            for damage in _check_site(root, site, keys, report, set(heads.get(site, ()))):
                report.damages.append(damage)
        except Exception as error:  # the chains of the other sites are still checked
            why = f"the check was broken off by {type(error).__name__}"
            report.damages.append(Damage(root / site / NAME, "chain", why))


def check_line(folder: Path, root: Path, written: dict[str, Any], keys: Keys) -> Iterator[Damage]:
    """Yield what is wrong between a recording and its line in the chain of its site."""
    path = root / str(written["site"]) / NAME
    walk = _Walk()
    for number, line in enumerate(read(path)[0], 1):
        if canonical_json.sorted_utf8(written["session"]) in line:
            value, why = genuine_line(line, keys)
            if why:
                yield Damage(path, "chain", f"line {number}: {why}")
            if value is not None and value["kind"] == VISIT and value["session"] == written["session"]:
                walk.visits[value["session"]] = value
    entered = walk.visits.get(written["session"])
    if entered is None:
        yield Damage(folder, "added", "the chain of the site has no line for it")
    elif file_facts(folder / MANIFEST)["sha256"] != entered["manifest"]:
        yield Damage(folder / MANIFEST, "changed", "the chain of the site names another manifest")


def genuine_lines(lines: Iterable[bytes], session: str, keys: Keys) -> Iterator[dict[str, Any]]:
    """Yield the genuine lines about a session, in order."""
    mark = canonical_json.sorted_utf8(session)
    for line in lines:
        if mark in line:
            value, why = genuine_line(line, keys)
            if value is not None and not why and value["session"] == session:
                yield value


def _check_site(root: Path, site: str, keys: Keys, report: Report, kept: set[str]) -> Iterator[Damage]:
    path = root / site / NAME
    if not path.exists():
        yield Damage(path, "missing", "the chain of a site that had recordings is missing")
        return
    walk = _Walk()
    lines, torn = read(path)
    for number, line in enumerate(lines, 1):
        value, why = genuine_line(line, keys)
        why = why or _follows(walk, value or {}) or _misplaced(walk, value or {})
        if why:
            yield Damage(path, "chain", f"line {number}: {why}")
        walk.before = digest(line)
        if value is not None:
            _enter(walk, value)
        kept.discard(walk.head)
    if torn:
        yield Damage(path, "added", f"{len(torn)} bytes of an incomplete line after the last one")
    report.heads[site] = walk.head
    report.holds.update(dict.fromkeys(sorted(set(walk.holds.values())), site))
    for head in sorted(kept - {f"0:{GENESIS}"}):
        yield Damage(path, "cut", f"the chain does not hold the stored head {head}")
    yield from _strays(root / site)
    yield from _visits(root, walk)
    for folder in paths.recordings(root):
        if folder.relative_to(root).parts[0] == site and folder.name not in walk.visits:
            yield Damage(folder, "added", "the chain of the site has no line for it")


def _strays(site: Path) -> Iterator[Damage]:
    """Yield what lies among the recordings of a site and is no recording."""
    for depth, pattern in enumerate(("*", "*/*", "*/*/*", "*/*/*/*")):
        for path in sorted(site.glob(pattern)):
            place = PurePosixPath(path.relative_to(site.parent), *("01", "01", "session")[depth:])
            if (paths.recording_at(place) is None or not path.is_dir()) and (depth or path.name != NAME):
                yield Damage(path, "added", "not a place for a recording")


def genuine_line(line: bytes, keys: Keys) -> tuple[dict[str, Any] | None, str]:
    """Return the object in a line, None where it is none of a chain, and what is wrong with it; "" where it is
    genuine: as it was written, and signed by one of the keys."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict) or not all(right(value.get(name)) for name, right in _MEMBERS.items()):
            return None, "malformed"
        if not all(isinstance(value.get(name), str) for name in _MORE.get(value["kind"], ())):
            return None, "malformed"
        if canonical_json.sorted_utf8(value) != line:
            return value, "spelled differently than it was written"
    except (ValueError, RecursionError):
        return None, "unreadable"
    return value, keys.vouch(value)


_MEMBERS: dict[str, Callable[[Any], bool]] = {
    "kind": lambda value: value in KINDS,
    "session": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int),
    "manifest": lambda value: isinstance(value, str),
    "before": lambda value: isinstance(value, str),
    "path": lambda value: value is None or isinstance(value, str),
}


_MORE: dict[str, tuple[str, ...]] = {HOLD: ("hold", "by", "reason"), LIFT: ("hold", "by", "reason")}
"""Further members of some kinds of lines, which are texts."""


def _misplaced(walk: _Walk, value: dict[str, Any]) -> str:
    """Return what a line says of holds that the lines before it contradict."""
    kind, session = value["kind"], value["session"]
    if kind == HOLD and value["hold"] in walk.holds:
        return f"it sets the hold {value['hold']} again"
    if kind == LIFT and walk.holds.get(value["hold"]) != session:
        return f"it lifts the hold {value['hold']}, which does not stand"
    if kind == PURGE and session in walk.holds.values():
        return f"it deletes session {session}, which is held"
    return ""


def _follows(walk: _Walk, value: dict[str, Any]) -> str:
    if value["before"] != walk.before:
        return "it does not follow the line before it"
    number = walk.previous["number"] if walk.previous else 0
    if value["kind"] == VISIT and value["number"] != number + 1:
        return f"visit {value['number']} follows visit {number}"
    return ""


def _enter(walk: _Walk, value: dict[str, Any]) -> None:
    match value["kind"]:
        case "purge":
            walk.purged.add(value["session"])
        case "hold":
            walk.holds[value["hold"]] = value["session"]
        case "lift":
            walk.holds.pop(value["hold"], None)
        case "visit":
            _enter_visit(walk, value)


def _enter_visit(walk: _Walk, value: dict[str, Any]) -> None:
    walk.visits[value["session"]] = {**value, "previous": walk.previous}
    walk.previous = {key: value[key] for key in ("session", "number", "manifest")}


def _visits(root: Path, walk: _Walk) -> Iterator[Damage]:
    for session, value in walk.visits.items():
        place = paths.recording_at(PurePosixPath(value.get("path") or ""))
        if place is None or place.session != session:
            yield Damage(root, "chain", f"visit {value['number']} of session {session} has a path that is not its own")
            continue
        folder = root / paths.path_of(place)
        work = root / paths.WORK / session
        if session in walk.purged:
            if folder.exists():
                yield Damage(folder, "purge_unfinished", "its deletion was ordered and is not finished")
        elif not (folder / MANIFEST).exists():
            if not _is(work / MANIFEST, value["manifest"]):  # otherwise it is being archived at this moment
                yield Damage(folder, "removed", f"visit {value['number']} of the site, session {session}")
        elif not _is(folder / MANIFEST, value["manifest"]):
            yield Damage(folder / MANIFEST, "changed", "the chain of the site names another manifest")
        else:
            written = atomic_files.read_json(folder / MANIFEST)
            if written is not None and written.get("previous") != value["previous"]:
                yield Damage(folder / MANIFEST, "chain", "it names another visit as the one before it")


def _is(path: Path, sha256: str) -> bool:
    return path.exists() and file_facts(path)["sha256"] == sha256
