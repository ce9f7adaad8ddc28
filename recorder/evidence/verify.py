"""The offline verifier: whether recordings are what was written, from the files and public keys alone. It checks the
signature and spelling of each manifest, the hash of every file (and, where one differs, which seconds), the fragment
chain, the tracks, the copies, and the chains of the sites. Blocks."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import av

from broker.kernel import atomic_files, canonical_json
from broker.media.tap_format import TRACK_TITLES, is_sound
from recorder.archive import paths
from recorder.archive.manifest import WITHOUT_RULES, file_facts, rules_in
from recorder.archive.manifest_check import malformed_member
from recorder.archive.paths import FILM, MANIFEST, TIMELINE
from recorder.archive.timeline_coverage import RULE, SIDES, coverage
from recorder.evidence import derived_copies, file_hashes
from recorder.evidence.checkpoint_check import check_archive
from recorder.evidence.report import Damage, Report
from recorder.evidence.signing import KeyProblem, Keys, PublicKey, published, published_key
from recorder.evidence.site_chain import NAME as CHAIN
from recorder.evidence.site_chain_check import check_line, check_sites

OF_ROOMS = 4
"""Tracks of a recording from before talkback existed."""


def verify(
    target: str | Path | None,
    archive_dir: Path,
    keys: Keys | None = None,
    heads: Mapping[str, Iterable[str]] | None = None,
) -> Report:
    """Check one recording (a folder, a file in it, or a session's id), or with None the whole archive and its chains.

    `keys`: the trusted keys. Without them the keys in the archive are used, which prove that it is consistent, but not
    its origin. `heads`: earlier `Report.heads`; by them a chain that was cut and a site that was removed are found.
    """
    report = Report(own_keys=keys is None)
    trusted = _trusted(archive_dir, keys, report)
    folders = list(paths.recordings(archive_dir)) if target is None else list(_folders(target, archive_dir))
    if not folders and target is not None:
        report.damages.append(Damage(Path(target), "not_found", "no recording has this path or id"))
    for folder in folders:
        report.recordings += 1
        _check(folder, archive_dir, trusted, report, alone=target is not None)
    _copies(target, archive_dir, folders, trusted, report)
    if target is None:
        check_sites(archive_dir, trusted, report, heads or {})
        check_archive(archive_dir, trusted, report)
    return report


def _trusted(archive_dir: Path, keys: Keys | None, report: Report) -> Keys:
    """Return the trusted keys, and report keys in the archive that are not among them."""
    found: list[PublicKey] = []
    for path in published(archive_dir):
        try:
            key = published_key(path)
            if keys is not None and key.id not in keys.by_id:
                report.damages.append(Damage(path, "key", "not one of the trusted keys"))
            found.append(key)
        except KeyProblem as error:
            report.damages.append(Damage(path, "key", str(error)))
    return keys or Keys(found)


def _copies(target: str | Path | None, root: Path, folders: list[Path], keys: Keys, report: Report) -> None:
    """Check the copies of these recordings; with the whole archive also copies that have no recording."""
    places = {folder.name: folder for folder in folders}
    for folder in derived_copies.folders(root):
        if target is None or folder.name in places:
            try:
                for damage in derived_copies.check(folder, places.get(folder.name), keys, report):
                    report.damages.append(damage)
            except Exception as error:
                why = f"the check was broken off by {type(error).__name__}"
                report.damages.append(Damage(folder, "manifest", why))


def _folders(target: str | Path, archive_dir: Path) -> Iterator[Path]:
    path = Path(target)
    if not path.exists():
        path = archive_dir / path
    if path.exists():
        yield path if path.is_dir() else path.parent
    elif (folder := paths.find(archive_dir, str(target))) is not None:
        yield folder


def _check(folder: Path, archive_dir: Path, keys: Keys, report: Report, alone: bool) -> None:
    """Check one folder; an error ends only its own check. `alone`: the chain of its site is not walked afterwards."""
    try:
        for damage in _damages(folder, archive_dir, keys, report, alone):
            report.damages.append(damage)
    except Exception as error:
        why = f"the check was broken off by {type(error).__name__}"
        report.damages.append(Damage(folder / MANIFEST, "manifest", why))


def _damages(folder: Path, archive_dir: Path, keys: Keys, report: Report, alone: bool) -> Iterator[Damage]:
    path = folder / MANIFEST
    written = atomic_files.read_json(path)
    why = "no readable manifest" if written is None else malformed_member(written)
    if written is None or why:
        yield Damage(path, "manifest" if path.exists() else "missing", why)
        return
    _count_pack(written["policy"], report)
    found = [*_manifest(path, written, keys), *_files(folder, written, report)]
    if FILM in written["files"] and (folder / FILM).exists():
        found += _film(folder / FILM, written)
    yield from found or (*_coverage(folder, written), *_rules(folder, written))
    yield from _place(folder, archive_dir, written)
    if alone and (archive_dir / str(written["site"]) / CHAIN).exists():
        yield from check_line(folder, archive_dir, written, keys)


def _count_pack(policy: Mapping[str, Any], report: Report) -> None:
    """Count the recording under its pack. Manifests of former versions name no hash."""
    named = " ".join(str(policy.get(name) or "-") for name in ("name", "version", "sha256"))
    report.packs[named] = report.packs.get(named, 0) + 1


def _manifest(path: Path, written: dict[str, Any], keys: Keys) -> Iterator[Damage]:
    if path.read_bytes() != canonical_json.indented(written):
        yield Damage(path, "changed", "spelled differently than it was written")
    if why := keys.vouch(written):
        yield Damage(path, "signature", why)


def _files(folder: Path, written: dict[str, Any], report: Report) -> Iterator[Damage]:
    names = written["files"]
    pieces = _pieces(folder / file_hashes.NAME, names.get(file_hashes.NAME))
    for name, facts in names.items():
        path = folder / name
        if not path.is_file():
            yield Damage(path, "missing")
            continue
        report.files += 1
        try:
            now = file_facts(path, "sm3" in facts)
        except OSError as error:
            yield Damage(path, "unreadable", error.strerror or str(error))
            continue
        report.bytes += now["bytes"]
        if now != facts:
            yield from _where(path, now, facts, [piece for piece in pieces if piece.file == name])
    for path in sorted(folder.iterdir()):
        if path.name not in names and path.name != MANIFEST and not _old_part(path, written):
            yield Damage(path, "added")


def _pieces(path: Path, facts: dict[str, Any] | None) -> list[file_hashes.FileHash]:
    """Return the hashes of all pieces; an empty list where the file of hashes itself is changed."""
    try:
        if facts is not None and path.is_file() and file_facts(path)["sha256"] == facts["sha256"]:
            return file_hashes.read(path)
    except OSError:
        pass  # reported where the hash of this file itself is compared
    return []


def _where(
    path: Path, now: dict[str, Any], facts: dict[str, Any], pieces: list[file_hashes.FileHash]
) -> Iterator[Damage]:
    """Yield a damage for each changed piece, or one for the whole file where no piece is known to have changed."""
    same_size = now["bytes"] == facts["bytes"]
    kind = "changed" if same_size or now["bytes"] > facts["bytes"] else "truncated"
    sizes = "" if same_size else f"{now['bytes']} bytes, written {facts['bytes']}"
    found = file_hashes.broken(path, pieces, same_size)
    for piece in found:
        place = f"{piece.kind} of {piece.bytes} bytes at {piece.start}"
        yield Damage(path, kind, "; ".join(filter(None, (place, sizes))), piece.second)
    if not found:
        yield Damage(path, kind, sizes or f"sha256 {now['sha256']}, written {facts['sha256']}")


def _film(path: Path, written: dict[str, Any]) -> Iterator[Damage]:
    chain = written.get("chain") or {}
    pieces = _pieces(path.with_name(file_hashes.NAME), written["files"].get(file_hashes.NAME))
    if chain and pieces and file_hashes.fold(piece for piece in pieces if piece.file == FILM) != chain["head"]:
        yield Damage(path, "chain", "its fragments are not those that were hashed while recording")
    try:
        with av.open(str(path.absolute()), "r", format="mp4") as film:
            codecs = tuple(stream.codec.name for stream in film.streams)
            titles = tuple(stream.metadata.get("handler_name", "") for stream in film.streams)
    except (av.FFmpegError, OSError, ValueError) as error:
        yield Damage(path, "tracks", f"the film cannot be opened: {error}")
        return
    listed = tuple(str(track.get("title")) for track in written["tracks"])
    right = listed in (TRACK_TITLES, TRACK_TITLES[:OF_ROOMS]) and titles == listed
    if not right or codecs != tuple("opus" if is_sound(track) else "h264" for track in range(len(listed))):
        yield Damage(path, "tracks", f"{', '.join(titles)} ({', '.join(codecs)})")


def _coverage(folder: Path, written: dict[str, Any]) -> Iterator[Damage]:
    """Compute the coverage again from the timeline and compare it; manifests of other rules are not compared."""
    kept = written.get("coverage")
    if not isinstance(kept, dict) or kept.get("rule") != RULE:
        return
    if kept != coverage(atomic_files.read_lines(folder / TIMELINE), written).to_json():
        yield Damage(folder / MANIFEST, "coverage", "the coverage is not that of the timeline")


def _rules(folder: Path, written: dict[str, Any]) -> Iterator[Damage]:
    """Look whether both rooms have acknowledged the rules, as the timeline says. Former formats say nothing of it."""
    kept = written.get("rules")
    if kept is None and _format(written) <= WITHOUT_RULES:
        return
    if kept != rules_in(atomic_files.read_lines(folder / TIMELINE)):
        yield Damage(folder / MANIFEST, "rules", "the acknowledgements of the rules are not those of the timeline")
    elif missing := [side for side in SIDES if side not in kept]:
        why = f"no acknowledgement of the rules by the room of the {' and the '.join(missing)} side"
        yield Damage(folder / MANIFEST, "rules", why)


def _format(written: Mapping[str, Any]) -> int:
    """Return the number of the format. What is no number counts as the newest, of which most is demanded."""
    number = written.get("format")
    return number if isinstance(number, int) else WITHOUT_RULES + 1


def _place(folder: Path, archive_dir: Path, written: dict[str, Any]) -> Iterator[Damage]:
    """Report a recording that lies in the place of another one."""
    if not folder.resolve().is_relative_to(archive_dir.resolve()):
        return
    place = paths.recording_at(PurePosixPath(folder.resolve().relative_to(archive_dir.resolve())))
    if place is None or (place.site, place.session) != (written.get("site"), written.get("session")):
        yield Damage(folder, "misplaced", f"the manifest is of session {written.get('session')}")


def _old_part(path: Path, written: dict[str, Any]) -> bool:
    """Whether a file is an unreadable part of a format before 3, whose manifests do not list such parts."""
    return written.get("format") in (1, 2) and path.name.startswith("part-") and path.suffix == ".mp4"
