"""Fixtures of these tests: a small archive, and the package of one of its recordings."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.pack_loader import load_pack
from recorder.export.contents import Order
from tests.support.recording.archives import archived, make_work
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


@pytest.fixture
def package(made: Made, tmp_path: Path) -> Path:
    """Return a copy of the package that may be damaged."""
    return Path(shutil.copytree(made.folder, tmp_path / made.folder.name))
