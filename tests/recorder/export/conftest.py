"""Fixtures of these tests: a small archive, and the package of one of its recordings."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from broker.kernel import atomic_files
from config.pack_loader import load_pack
from recorder.export.contents import Order
from recorder.witness.night import witness_heads
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.feed import WALL
from tests.support.recording.packages import order_of, unpacked


class Made(NamedTuple):
    """An archive of three visits, and the package of the second."""

    root: Path
    done: dict[str, Any]
    order: Order
    folder: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make the archive and the package, once in each process."""
    place = tmp_path_factory.mktemp("export")
    root, done = place / "archive", {}
    pack = load_pack("yunnan")
    policy = {"name": pack.name, "version": pack.version, "sha256": pack.sha256, "retention_months": 6}
    for number, session in enumerate(("session_one", "session_two", "session_three")):
        done[session] = archived(make_work(root, session, WALL + timedelta(hours=number), policy=policy), root)
    order = order_of(root, done["session_two"], place / "package.zip", pack=pack.canonical)
    return Made(root, done["session_two"], order, unpacked(order, place / "unpacked"))


HELD, GOES_ON = {"kind": "state", "from": "live", "to": "held"}, {"kind": "state", "from": "held", "to": "live"}
LONGER = {"kind": "action", "what": "ExtensionApproved", "by": "zhou", "added": 300.0, "article": "YN-14-FAMILY"}
STORY = (
    (0.0, {"kind": "gate", "open": True, "why": ""}),
    (0.5, {**LONGER, "what": "ExtensionRequested", "by": "li", "reason": "家中变故"}),
    (0.8, {**LONGER, "reason": "同意"}),
    (1.0, HELD),
    (1.0, {"kind": "gate", "open": False, "why": "room_lost"}),
    (2.0, {"kind": "gate", "open": True, "why": ""}),
    (2.0, GOES_ON),
)


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make a package of a visit that was longer by an extension, whose visitors' line was down for a second, in a chain
    that the other site has witnessed before and after."""
    place = tmp_path_factory.mktemp("eventful")
    root, done, policy = place / "archive", {}, {"name": "yunnan", "version": "1", "retention_months": 6}
    for day, session in enumerate(("session_before", "session_eventful")):
        started = WALL + timedelta(days=day)
        work = make_work(root, session, started, lost=(1.0, 2.0), policy=policy)
        lines = [
            {"at": (started + timedelta(seconds=at)).isoformat(), "mono": 1000.0 + at, "event": event}
            for at, event in STORY
        ]
        atomic_files.append_lines(work / "timeline.jsonl", lines)
        done = archived(work, root, started + timedelta(seconds=3))
        witness_heads(root, root.parent / "keys", signer(root), started + timedelta(hours=13))
    order = order_of(root, done, place / "package.zip")
    return Made(root, done, order, unpacked(order, place / "unpacked"))


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    """Return a copy of the package that may be damaged."""
    return Path(shutil.copytree(made.folder, tmp_path / made.folder.name))
