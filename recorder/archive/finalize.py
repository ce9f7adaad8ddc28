"""The way from a work folder to an archived recording: one film, a closed timeline, a manifest, one rename. Every step
can be repeated, so that after a crash the same call finishes the work. Blocks; for worker threads."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from broker.kernel import atomic_files
from broker.kernel.clock import in_shanghai
from broker.media.tap_format import TRACK_TITLES
from recorder.archive import manifest, paths
from recorder.archive import parts as parts_module
from recorder.archive.manifest_check import is_moment
from recorder.archive.part_times import longest, places
from recorder.archive.paths import FILM, MANIFEST, PLAN, TIMELINE
from recorder.archive.timeline_coverage import coverage
from recorder.evidence import file_hashes
from recorder.evidence.signing import Signer, sign
from recorder.evidence.site_chain import VISIT, newest_in_all, open_chain
from recorder.mp4.join import PartFile, holds_all, join
from recorder.pipeline.track_clock import Gap
from recorder.retention.rules import FIRST_RECORDING, LEAST_MONTHS, clock_doubt, clock_went_back, due_at, months_of

log = structlog.get_logger()
SPARE = 1 << 20  # bytes for what lies beside a film
NO_MEDIA, UNREADABLE = "no_media", "unreadable"


@dataclass(frozen=True, slots=True)
class Film:
    """The joined file of a session: the length of each track, the fragment chain, the holes between the parts.

    `whole`: a second look has found every sample of the parts in it, so that the parts need not be kept.
    """

    seconds: list[float]
    chain: dict[str, Any]
    holes: list[Gap]
    whole: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """Both clocks at archiving, in this run of the machine. `doubt`: why its wall clock is wrong, empty where nothing
    is known against it."""

    wall: datetime
    mono: float
    boot: str
    doubt: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the members of a chain's line."""
        return {"wall": self.wall.isoformat(), "mono": round(self.mono, 3), "boot": self.boot}


def finalise(
    folder: Path,
    root: Path,
    reason: dict[str, Any],
    ended: datetime,
    signer: Signer,
    sm3: bool = False,
    witnessed: datetime | None = None,
    moment: Moment | None = None,
) -> dict[str, Any]:
    """Archive the session in work folder `folder` under `root`; return what `found` returns, and the chain's `head`.

    `witnessed`: the latest moment that was written down before. A visit that seems to end before it was recorded with
    the clock set back; it is kept as if it had ended then, so that a wrong clock makes nothing due early. `moment`: the
    clocks now, by which a step of the clock during this run of the machine is found out later.
    Raises OSError or BrokenSiteChain; the folder then stays as it is and the same call can be made again.
    """
    draft = atomic_files.read_json(folder / MANIFEST)
    if draft is None:
        plan = atomic_files.read_json(folder / PLAN)
        if plan is None:
            raise FileNotFoundError(f"{folder.name} has no plan")
        draft = _compose(folder, plan, reason, ended, sm3)
    place = paths.place_of(draft["site"], datetime.fromisoformat(draft["started_at"]), draft["session"])
    _clear(folder, draft)
    written, head = _seal(folder, root, place, draft, signer, witnessed, moment)
    settled = paths.settle(folder, root, place)
    return found(settled, root, written) | {"head": head}


def _seal(
    folder: Path,
    root: Path,
    place: paths.Place,
    draft: dict[str, Any],
    signer: Signer,
    witnessed: datetime | None,
    moment: Moment | None,
) -> tuple[dict[str, Any], str]:
    """Give the visit its number in the site's chain, once; return the signed manifest and the new head of the chain.

    After a crash before the chain's line the manifest is a draft again: another visit may have taken the number.
    """
    with open_chain(root, place.site) as chain:
        if chain.find(place.session, VISIT) is not None:
            return draft, chain.head
        link = {"number": chain.number + 1, "previous": chain.previous}
        ended = datetime.fromisoformat(draft["ended_at"])
        latest = max(filter(None, (ended, chain.newest, witnessed, newest_in_all(root))))
        doubt = (moment and moment.doubt) or clock_doubt(ended, latest)
        sealed = sign({**draft, **link, **_kept_since(draft, ended, latest, doubt)}, signer)
        atomic_files.write_json(folder / MANIFEST, sealed)
        line = {"kind": VISIT, "session": place.session, "number": link["number"], "due_at": sealed["due_at"]}
        line["at"] = latest.isoformat()
        line |= {"doubted": doubt} if doubt else {}
        line |= moment.to_json() if moment else {}
        line |= {"path": str(paths.path_of(place)), "manifest": manifest.file_facts(folder / MANIFEST)["sha256"]}
        chain.append(line, signer)
        return sealed, chain.head


def _kept_since(draft: dict[str, Any], ended: datetime, latest: datetime, doubt: str) -> dict[str, Any]:
    """Return the members that replace `due_at` and `clock` where the clock was wrong. The date is then the earliest
    possible one, or None where no record says anything: the recording stays until a right clock has dated it
    (`recorder.retention.dating`)."""
    if not doubt:
        return {}
    due = max(datetime.fromisoformat(draft["due_at"]), due_at(latest, months_of(draft["policy"])))
    date = in_shanghai(due).isoformat() if due >= due_at(FIRST_RECORDING, LEAST_MONTHS) else None
    log.error("recorded with the clock set back", session=draft["session"], seconds=(latest - ended).total_seconds())
    clock = {**draft["clock"], "doubted": doubt, "behind": round((latest - ended).total_seconds(), 3)}
    return {"due_at": date, "clock": clock}


def found(folder: Path, root: Path, written: dict[str, Any]) -> dict[str, Any]:
    """Return what the catalog and the control process need to know of an archived folder."""
    film = written["files"].get(FILM)
    tracks = written["tracks"]
    return {
        "session": written["session"],
        "site": written["site"],
        "path": str((folder / FILM if film else folder).relative_to(root)),
        "sha256": film["sha256"] if film else None,
        "bytes": film["bytes"] if film else 0,
        "seconds": [track["seconds"] for track in tracks],
        "packets": sum(track["packets"] for track in tracks),
        "lost": sum(track["lost"] for track in tracks),
        "gaps": written["gaps"],
        "started_at": written["started_at"],
        "ended_at": written["ended_at"],
        "policy": written["policy"],
        "software": written["software"],
        "due_at": written.get("due_at") or (None if "doubted" in (written.get("clock") or {}) else _due(written)),
        "manifest_sha256": manifest.file_facts(folder / MANIFEST)["sha256"],
        "state": "archived" if film else "failed",
        "reason": "" if film else _why(written),
    }


def _why(written: dict[str, Any]) -> str:
    """Return why there is no film: no media came, or it is unreadable and its parts are kept."""
    media = (facts["bytes"] for name, facts in written["files"].items() if name.endswith(".mp4"))
    return UNREADABLE if any(media) else NO_MEDIA


def begun(folder: Path) -> bool:
    """Whether a work folder holds what `finalise` needs: the plan, or the draft of the manifest."""
    return any((folder / name).exists() for name in (PLAN, MANIFEST))


def _due(written: dict[str, Any]) -> str:
    """Return the due date that follows from `ended_at` and `policy`, in ISO 8601."""
    due = due_at(datetime.fromisoformat(written["ended_at"]), months_of(written["policy"]))
    return in_shanghai(due).isoformat()


def _compose(folder: Path, plan: dict[str, Any], reason: dict[str, Any], ended: datetime, sm3: bool) -> dict[str, Any]:
    parts, lost = parts_module.parts(folder)
    offsets, stepped = places(parts, longest(plan))
    film = _film(folder, parts, offsets)
    gaps = sorted([*_gaps(parts, offsets), *(film.holes if film else ())], key=lambda gap: (gap.start, gap.track))
    if film and parts:
        plan = {**plan, "started_at": parts[0]["zero_wall"]}
        ended = datetime.fromisoformat(parts[0]["zero_wall"]) + timedelta(seconds=max(film.seconds))
    remarks: list[dict[str, Any]] = [{"kind": "part_unreadable", "file": name} for name in lost] + stepped
    changed = [part["part"] for part in parts if not parts_module.unchanged(folder, part)]
    remarks += [{"kind": "part_changed", "part": number} for number in changed]
    _close_timeline(folder, gaps, remarks, reason, ended)
    zero = datetime.fromisoformat(plan["started_at"])
    file_hashes.write(folder / file_hashes.NAME, _hashes(folder, film, zero))
    whole = film is not None and film.whole and not any(remark["kind"] == "part_changed" for remark in remarks)
    names = [_name(part) for part in parts]
    kept = [FILM, TIMELINE, file_hashes.NAME, *([] if whole else names), *_unread(folder, [FILM, *names])]
    atomic_files.sync_files(folder, kept)  # a part whose process was killed may still be in memory only
    timeline = atomic_files.read_lines(folder / TIMELINE)
    written = manifest.compose(
        plan,
        reason=reason,
        ended_at=ended.isoformat(),
        tracks=_tracks(parts, film),
        gaps=gaps,
        parts=[_part_facts(part, offset, not whole) for part, offset in zip(parts, offsets, strict=True)],
        chain=film.chain if film else None,
        files={name: manifest.file_facts(folder / name, sm3) for name in kept if (folder / name).exists()},
        people=manifest.people_in(timeline),
        clock=manifest.clock_facts(timeline),
        extensions=manifest.extensions_in(timeline),
        rules=manifest.rules_in(timeline),
        terminals=manifest.terminals_in(timeline),
        due=_due({"ended_at": _latest(timeline, ended).isoformat(), "policy": plan["policy"]}),
    )
    written["coverage"] = coverage(timeline, written).to_json()
    atomic_files.write_json(folder / MANIFEST, written)
    return written


def _latest(timeline: Iterable[dict[str, Any]], ended: datetime) -> datetime:
    """Return the end, or a later moment of the timeline where the clock was set right during the visit."""
    moments = (datetime.fromisoformat(entry["at"]) for entry in timeline if is_moment(entry.get("at")))
    latest = max(moments, default=ended)
    return latest if clock_went_back(ended, latest) else ended


def _hashes(folder: Path, film: Film | None, zero: datetime) -> Iterable[file_hashes.FileHash]:
    if film is not None:
        hashes = file_hashes.film_hashes(folder / FILM, film.chain)
        if file_hashes.fold(hashes) != film.chain["head"]:
            log.error("the film is not what was written while recording", session=folder.name)
        yield from hashes
    yield from file_hashes.timeline_hashes(folder / TIMELINE, zero)


def _film(folder: Path, parts: Sequence[dict[str, Any]], offsets: Sequence[float]) -> Film | None:
    target = folder / FILM
    paths.remove_scrap(target)  # left by an earlier attempt
    if not parts:
        return None
    if len(parts) == 1 and parts[0]["clean"]:
        os.link(folder / _name(parts[0]), target)
        return Film([track["seconds"] for track in parts[0]["tracks"].values()], parts[0]["chain"], [], True)
    files = [PartFile(folder / _name(part), offset, part["clean"]) for part, offset in zip(parts, offsets, strict=True)]
    _need_room(folder, sum(file.path.stat().st_size for file in files))
    try:
        joined, holes = join(files, target)
        whole = holds_all(files, target)
    except BaseException:
        paths.remove_scrap(target)  # the disk may be full, and other sessions are being recorded
        raise
    if not whole:
        log.error("the joined film lacks samples of its parts, which are kept", session=folder.name)
    return Film(joined.seconds, joined.file.chain.to_json(), holes, whole)


def _need_room(folder: Path, count: int) -> None:
    """Raise OSError before a film of `count` bytes is begun that would fill the disk."""
    free = paths.free_bytes(folder)
    if free < count + SPARE:
        raise OSError(errno.ENOSPC, f"{count + SPARE - free} bytes are missing to join the parts")


def _gaps(parts: Sequence[dict[str, Any]], offsets: Sequence[float]) -> list[Gap]:
    return [
        Gap(gap["track"], gap["start"] + offset, gap["seconds"], gap["cause"], gap["packets"])
        for part, offset in zip(parts, offsets, strict=True)
        for gap in part["gaps"]
    ]


def _tracks(parts: Sequence[dict[str, Any]], film: Film | None) -> list[dict[str, Any]]:
    lengths = film.seconds if film else [0.0] * len(TRACK_TITLES)
    return [
        {
            "title": title,
            "seconds": round(seconds, 3),
            "packets": sum(counts["packets"] for counts in _counts(parts, track)),
            "lost": sum(counts["lost"] for counts in _counts(parts, track)),
        }
        for track, (title, seconds) in enumerate(zip(TRACK_TITLES, lengths, strict=False))
    ]


def _counts(parts: Sequence[dict[str, Any]], track: int) -> Iterator[dict[str, Any]]:
    """Yield what each part counted of a track. A part of an older version has no track of the officers."""
    for part in parts:
        if str(track) in part["tracks"]:
            yield part["tracks"][str(track)]


def _part_facts(part: dict[str, Any], offset: float, kept: bool) -> dict[str, Any]:
    facts = {key: part[key] for key in ("part", "clean", "overflow", "chain", "zero_wall", "zero_mono")}
    return {**facts, "offset": round(offset, 3), "kept": kept}


def _close_timeline(
    folder: Path, gaps: Sequence[Gap], remarks: Sequence[dict[str, Any]], reason: dict[str, Any], ended: datetime
) -> None:
    path = folder / TIMELINE
    if any(entry.get("event", {}).get("kind") == "closed" for entry in atomic_files.read_lines(path)):
        return
    entries: list[dict[str, Any]] = [{"event": {"kind": "gap", **gap.to_json()}} for gap in gaps]
    entries += [{"event": remark} for remark in remarks]
    closed = {"at": ended.isoformat(), "event": {"kind": "closed", "reason": reason}}
    atomic_files.append_lines(path, [*entries, closed])


def _unread(folder: Path, read: Sequence[str]) -> list[str]:
    """Return the parts from which nothing could be read. They are kept and listed, so that none can be exchanged."""
    film = folder / FILM
    others = (path for path in sorted(folder.glob("*.mp4")) if path.name not in read)
    return [path.name for path in others if not film.exists() or not _same(path, film)]


def _clear(folder: Path, written: dict[str, Any]) -> None:
    """Remove what the manifest does not list. An unlisted MP4 file stays, unless it is the film under another name or a
    part that the film holds completely."""
    joined = {_name(part) for part in written["parts"] if part.get("kept") is False}
    for file in folder.iterdir():
        listed = file.name in written["files"] or file.name == MANIFEST
        removable = file.suffix != ".mp4" or file.name in joined or _same(file, folder / FILM)
        if not listed and removable:
            paths.remove_scrap(file)
    atomic_files.sync_folder(folder)


def _same(path: Path, other: Path) -> bool:
    return path != other and other.exists() and path.samefile(other)


def _name(part: dict[str, Any]) -> str:
    return f"part-{part['part']}.mp4"
