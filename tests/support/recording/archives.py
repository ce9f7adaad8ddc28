"""Small archives for tests: a work folder with one clean part, archived under a key of the test's own."""

import shutil
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from broker.kernel import atomic_files
from recorder.archive.finalize import finalise
from recorder.archive.paths import PLAN
from recorder.evidence.signing import Signer, installed
from tests.support.recording.feed import WALL, Feed, record

REASON = {"code": "completed"}
SIDES = {side: {"site": f"{side}-site", "room": "r1", "title": side} for side in ("prison", "visitor")}


@cache
def _part(seconds: float, lost: tuple[float, float] | None) -> Path:
    """Return a folder with a part, which is made once in each process."""
    folder = Path(mkdtemp(prefix="hj-part"))
    feed = (
        Feed(seconds) if lost is None else Feed(seconds, skip=lambda track, at: track > 1 and lost[0] <= at < lost[1])
    )
    record(folder, feed.records(), seconds)
    return folder


def make_work(
    root: Path,
    session: str = "session_one",
    started: datetime = WALL,
    seconds: float = 3.0,
    lost: tuple[float, float] | None = None,
    **plan: Any,
) -> Path:
    """Make a work folder under `root` with one part and a short timeline; members of `plan` replace its own. `lost`:
    the seconds between which nothing came from the visitors, in a part that is clean without."""
    folder = root / ".work" / session
    folder.mkdir(parents=True)
    for file in _part(seconds, lost).iterdir():
        shutil.copy(file, folder / file.name)
    metadata = atomic_files.read_json(folder / "part-1.json") or {}
    atomic_files.write_json(folder / "part-1.json", metadata | {"zero_wall": started.isoformat()})
    whole = {"session": session, "site": "prison-site", "slot": {"id": "slot_1"}, "sides": SIDES, "tap": 7}
    whole |= {"rules": [acknowledged(side) for side in SIDES]}
    whole |= {"policy": {"name": "yunnan", "version": "1", "retention_months": 6}, "starts_at": started.isoformat()}
    atomic_files.write_json(folder / PLAN, whole | {"started_at": started.isoformat()} | plan)
    atomic_files.append_lines(folder / "timeline.jsonl", list(_timeline(started)))
    return folder


def acknowledged(side: str) -> dict[str, Any]:
    """Return the timeline's event by which the room of a side has acknowledged the rules."""
    facts = {"terminal": f"trm_{side}", "text": "yunnan-notice", "language": "zh", "manner": "touch"}
    return {"kind": "rules_acknowledged", "side": str(side), "since": "2026-11-22T01:55:00+00:00", **facts}


def _timeline(started: datetime) -> list[dict[str, Any]]:
    events: list[tuple[float, dict[str, Any]]] = [
        *((0, acknowledged(side)) for side in SIDES),
        (0, {"kind": "state", "to": "live"}),
        (1, {"kind": "people", "checked_in": ["prs_a", "prs_b"], "watchers": ["li", "wang"]}),
    ]
    return [
        {"at": (started + timedelta(seconds=second)).isoformat(), "mono": 1000.0 + second, "event": event}
        for second, event in events
    ]


def signer(root: Path) -> Signer:
    """Return the key of the installation that an archive belongs to."""
    return installed(root.parent / "keys", root)


def archived(work: Path, root: Path, ended: datetime = WALL) -> dict[str, Any]:
    """Archive a work folder and return what the catalog needs to know of it."""
    return finalise(work, root, REASON, ended, signer(root))
