"""Whole small archives for tests: a work folder with one clean part, archived under a key of the test's own."""

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
def _part() -> Path:
    """A clean part of three seconds, made once a process."""
    folder = Path(mkdtemp(prefix="hj-part"))
    record(folder, Feed(3.0).records(), 3.0)
    return folder


def make_work(root: Path, session: str = "session_one", started: datetime = WALL, **plan: Any) -> Path:
    """A work folder under `root` with one clean part of three seconds and a short timeline."""
    folder = root / ".work" / session
    folder.mkdir(parents=True)
    for file in _part().iterdir():
        shutil.copy(file, folder / file.name)
    sheet = atomic_files.read_json(folder / "part-1.json") or {}
    atomic_files.write_json(folder / "part-1.json", sheet | {"zero_wall": started.isoformat()})
    whole = {"session": session, "site": "prison-site", "slot": {"id": "slot_1"}, "sides": SIDES, "tap": 7}
    whole |= {"policy": {"name": "yunnan", "version": "1", "retention_months": 6}, "starts_at": started.isoformat()}
    atomic_files.write_json(folder / PLAN, whole | {"started_at": started.isoformat()} | plan)
    atomic_files.append_lines(folder / "timeline.jsonl", list(_timeline(started)))
    return folder


def _timeline(started: datetime) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"kind": "state", "to": "live"},
        {"kind": "people", "checked_in": ["prs_a", "prs_b"], "watchers": ["li", "wang"]},
    ]
    return [
        {"at": (started + timedelta(seconds=second)).isoformat(), "mono": 1000.0 + second, "event": event}
        for second, event in enumerate(events)
    ]


def signer(root: Path) -> Signer:
    """The key of the installation that an archive belongs to."""
    return installed(root.parent / "keys", root)


def archived(work: Path, root: Path, ended: datetime = WALL) -> dict[str, Any]:
    """Archive a work folder."""
    return finalise(work, root, REASON, ended, signer(root))
