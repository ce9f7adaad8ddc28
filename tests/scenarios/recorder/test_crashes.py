"""A crash at every single write: while a part is begun, written and finished, and while it is archived. After a kill
the disk has everything that was written; after a power cut only what was synced, and any mixture of the rest."""

import random
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest

from broker.kernel import atomic_files
from recorder.evidence.verify import verify
from recorder.pipeline.writer import Writer
from tests.bench import dying
from tests.support import probe
from tests.support.recording.archives import archived, make_work, signer
from tests.support.recording.disk import File, Keep, Log, Op, Volume, logged, make
from tests.support.recording.feed import BEGIN, Feed, instant, record

Left = dict[str, bytes | None]
SECONDS, STEP = 2.8, 0.1


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the syncs of the real disk: the disk of these tests is a model, which needs none of them."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{name}", lambda _fd: None)


def everything(_number: int, _over: bool) -> bool:
    return True


def nothing(_number: int, _over: bool) -> bool:
    return False


def overwritten(_number: int, over: bool) -> bool:
    """Keep only writes into blocks that the disk had already."""
    return over


def mixed(number: int, _over: bool) -> bool:
    return random.Random(number).random() < 0.5


WAYS: dict[str, tuple[bool, Keep]] = {
    "kill": (True, everything),
    "power": (False, nothing),
    "power, but names": (True, nothing),
    "power, but old blocks": (True, overwritten),
    "power, and a mixture": (False, mixed),
}


MEDIA = 4000  # bytes: larger writes are media of a film


def crashes(log: Log, way: str, after: int = 0) -> Iterator[tuple[Any, list[Any], Left]]:
    """Yield each crash: its place, the last mark, and what is left, each remainder once. A kill also tears a write."""
    names, keep = WAYS[way]
    seen: set[int] = set()
    for number, op, volume, mark in log.crashes():
        if number < after or (after and op[0] == "write" and len(op[3]) > MEDIA and number % 8):
            continue  # of the many similar writes of a film that is joined, every eighth
        for torn in (False, True) if way == "kill" and op[0] == "write" else (False,):
            left = volume.left(names, keep) if not torn else _torn(volume, op)
            remainder = hash((str(mark), *left.items()))
            if remainder not in seen:
                seen.add(remainder)
                yield (number, op[:2], way), mark, left


def _torn(volume: Volume, op: Op) -> Left:
    file = volume.nodes[op[1]]
    assert isinstance(file, File)
    file.waiting.append((op[2], op[3][: len(op[3]) // 2]))
    left = volume.left(True, everything)
    file.waiting.pop()
    return left


def write(folder: Path, log: Log, close: bool = True) -> None:
    """Write a part of SECONDS into `folder`; mark how far it is and whether its gate may be open."""
    writer, records, now, at, flushed = Writer(folder, 1), Feed(SECONDS).records(), BEGIN, 0, False
    while now < BEGIN + SECONDS:
        now += STEP
        batch = []
        while at < len(records) and records[at].arrival_ns <= now * 1e9:
            batch.append(records[at])
            at += 1
        log.mark(now - BEGIN, flushed)
        flushed = writer.work(batch, instant(now)).flushed
    log.mark(SECONDS, True)
    if close:
        writer.close(BEGIN + SECONDS, instant(BEGIN + SECONDS))
        log.mark(SECONDS, True)


def empty(root: Path) -> Path:
    """Return a work folder in which nothing is recorded yet."""
    work = make_work(root)
    for file in work.glob("part-1*"):
        file.unlink()
    signer(root)
    return work


def recovered(root: Path) -> dict[str, Any]:
    """Let the next start archive what is left, verify it, and return the manifest."""
    work = root / ".work" / "session_one"
    if work.exists():
        archived(work, root)
    (manifest,) = root.glob("*/*/*/*/session_one/manifest.json")
    report = verify(None, root)
    assert report.ok and report.recordings == 1, report.damages
    return atomic_files.read_json(manifest) or {}


@cache
def complaints(film: bytes) -> str:
    """Return what FFmpeg complains of in a film; most crashes leave one of a few films."""
    with NamedTemporaryFile(suffix=".mp4") as file:
        file.write(film)
        file.flush()
        return probe.complaints(Path(file.name))


@pytest.mark.parametrize("way", WAYS)
class TestACrashWhileRecording:
    def test_at_any_write_costs_two_seconds_at_most(self, tmp_path: Path, way: str) -> None:
        root = tmp_path / "archive"
        work = empty(root)
        with logged(root) as log:
            write(work, log)
        looked = 0
        for what, mark, left in crashes(log, way):
            place = tmp_path / str(looked)
            make(left, place)
            self.check(place, mark, what)
            shutil.rmtree(place)
            looked += 1
        assert looked > 10

    def check(self, root: Path, mark: list[Any], what: Any) -> None:
        part = root / ".work/session_one/part-1.mp4"
        size = part.stat().st_size if part.exists() else 0
        written = recovered(root)
        (at, flushed) = mark or (0.0, False)
        seconds = min(track["seconds"] for track in written["tracks"])
        if flushed:
            assert seconds > at - 2.0, what
        if seconds == 0.0 and size:
            assert "part-1.mp4" in written["files"], what
        film = next(root.glob("*/*/*/*/session_one/session.mp4"), None)
        assert film is not None or seconds == 0.0
        if film is not None and mark == [SECONDS, True]:
            assert complaints(film.read_bytes()) == "", what


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["finished", "torn", "two parts"])
class TestACrashWhileArchiving:
    """The recording process was killed before its last sync, so that what it wrote last is in memory only."""

    def test_at_any_write_leaves_one_whole_recording(self, tmp_path: Path, kind: str, way: str) -> None:
        root = tmp_path / "archive"
        work, length = empty(root), SECONDS
        if kind == "two parts":
            length = add_part(work, tmp_path / "second")
        with logged(root) as log:
            write(work, log, close=kind != "torn")
            forget_last_sync(log)
            begun = len(log.ops)
            archived(work, root)
        looked = 0
        for what, _, left in crashes(log, way, begun):
            place = tmp_path / str(looked)
            make(left, place)
            written = recovered(place)
            assert min(track["seconds"] for track in written["tracks"]) > length - 2.0, what
            looked += 1
            shutil.rmtree(place)
        assert looked > 5


def add_part(work: Path, place: Path) -> float:
    """Add a second part, five seconds after the first began; return how long the film then is."""
    place.mkdir()
    metadata = record(place, Feed(2.0).records(), 2.0).metadata
    atomic_files.write_json(work / "part-2.json", metadata | {"part": 2, "zero_mono": metadata["zero_mono"] + 5.0})
    shutil.copy(place / "part-1.mp4", work / "part-2.mp4")
    return 7.0


def forget_last_sync(log: Log) -> None:
    """Remove the last sync of a film from the log, as if the process had been killed before it."""
    films = {op[2] for op in log.ops if op[0] == "create" and op[1].endswith(".mp4")}
    last = max(n for n, op in enumerate(log.ops) if op[0] == "sync" and op[1] in films)
    del log.ops[last]


class TestARealKill:
    @pytest.mark.parametrize("step", [1, 4, 7])
    def test_at_a_write_with_which_a_part_is_finished_costs_two_seconds_at_most(
        self, tmp_path: Path, step: int
    ) -> None:
        kept = dying.at(tmp_path / "archive", step)
        assert kept is not None and kept > dying.SECONDS - 2.0
