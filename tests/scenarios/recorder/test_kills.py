"""Kills (kill -9) and power cuts at any moment, in simulated time: what is lost, and what the next start archives."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from broker.kernel import atomic_files
from recorder.evidence import file_hashes
from recorder.evidence.verify import verify
from recorder.mp4.fragments import FragmentFile
from recorder.mp4.scan import whole_fragments
from recorder.pipeline.writer import Writer
from tests.support import probe
from tests.support.recording.archives import archived, make_work
from tests.support.recording.feed import BEGIN, Feed, instant

SECONDS, STEP = 8.0, 0.1


class Killed(BaseException):
    """The end of the process: no clean-up follows, as after kill -9."""


@dataclass
class Life:
    """The growth of a part: time, bytes written, bytes synced, and metadata after each batch."""

    path: Path
    moments: list[tuple[float, int, int, dict[str, Any] | None]] = field(default_factory=list)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Record eight seconds of a part that is never finished."""
    folder = tmp_path_factory.mktemp("life")
    synced = [0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FragmentFile, "sync", lambda self: synced.append(self.size))
        writer, records, at = Writer(folder, 1), Feed(SECONDS).records(), 0
        grown = Life(folder / "part-1.mp4")
        now = BEGIN
        while now < BEGIN + SECONDS:
            now += STEP
            batch = []
            while at < len(records) and records[at].arrival_ns <= now * 1e9:
                batch.append(records[at])
                at += 1
            size = writer.work(batch, instant(now)).bytes
            grown.moments.append((now - BEGIN, size, synced[-1], atomic_files.read_json(folder / "part-1.json")))
    return grown


def fragments(life: Life) -> list[tuple[int, float]]:
    """Return where each fragment ends in the file, and the second at which the next one begins."""
    size = life.path.stat().st_size
    start = next(piece.bytes for piece in file_hashes.film_hashes(life.path, {"start": 0, "end": size}))
    found = [one for one in file_hashes.film_hashes(life.path, {"start": start, "end": size}) if one.kind == "fragment"]
    begins = [one.second or 0.0 for one in found]
    return [(one.start + one.bytes, begins[n + 1]) for n, one in enumerate(found[:-1])]


class TestAThousandKills:
    def test_lose_at_most_two_seconds_torn_at_any_byte(self, life: Life, tmp_path: Path) -> None:
        ends = fragments(life)
        chance = random.Random(1)
        data = life.path.read_bytes()
        kills = []
        for _ in range(1000):
            step = chance.randrange(15, len(life.moments) - 1)  # before it, no gate can be open
            at, size, _, _ = life.moments[step]
            kills.append((chance.randint(size, life.moments[step + 1][1]), at))
        worst = 0.0
        torn = tmp_path / "torn.mp4"
        with torn.open("wb") as file:
            for size, at in sorted(kills):
                file.write(data[file.tell() : size])
                file.flush()
                whole = whole_fragments(torn)
                readable = max((second for end, second in ends if end <= whole), default=0.0)
                worst = max(worst, at - readable)
        assert 0.0 < worst < 2.0, worst

    def test_of_the_power_lose_at_most_two_seconds(self, life: Life) -> None:
        ends = fragments(life)
        for at, _, synced, _ in life.moments[15:]:
            readable = max((second for end, second in ends if end <= synced), default=0.0)
            assert at - readable < 2.0, at

    @pytest.mark.parametrize("seed", range(4))
    def test_leave_a_film_that_plays_and_verifies(self, life: Life, tmp_path: Path, seed: int) -> None:
        chance = random.Random(seed)
        step = chance.randrange(20, len(life.moments) - 1)
        at, size, _, metadata = life.moments[step]
        root = tmp_path / "archive"
        work = make_work(root)
        (work / "part-1.mp4").write_bytes(life.path.read_bytes()[: size + chance.randrange(50)])
        assert metadata is not None and not metadata["clean"]
        atomic_files.write_json(work / "part-1.json", metadata)
        film = root / archived(work, root)["path"]
        assert probe.complaints(film) == "" and min(probe.lengths(film)) > at - 2.0
        assert verify(None, root).ok


STEPS = (
    "broker.kernel.atomic_files.sync_folder",
    "broker.kernel.atomic_files.write_json",
    "broker.kernel.atomic_files.append_lines",
    "recorder.evidence.file_hashes.write",
    "recorder.archive.paths.remove_scrap",
    "recorder.evidence.site_chain.SiteChain.append",
    "recorder.archive.finalize.os.link",
    "pathlib.Path.rename",
    "pathlib.Path.chmod",
    "pathlib.Path.replace",
    "pathlib.Path.mkdir",
)


@contextmanager
def killed_at(number: int) -> Iterator[list[str]]:
    """Raise Killed before the `number`th step that changes the disk. Yield the steps that were taken."""
    taken: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            real = _resolve(name)

            def step(*args: Any, name: str = name, real: Any = real, **more: Any) -> Any:
                if len(taken) >= number:
                    raise Killed(name)
                taken.append(name)
                return real(*args, **more)

            patch.setattr(name, step)
        yield taken


def _resolve(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError:
        return getattr(_resolve(module), attribute)


class TestDyingWhileArchiving:
    def test_at_every_single_step_the_next_start_ends_with_one_whole_recording(self, tmp_path: Path) -> None:
        number = 0
        while True:
            root = tmp_path / str(number) / "archive"
            work = make_work(root)
            archived(make_work(root, "session_before"), root)
            with killed_at(number) as taken:
                try:
                    archived(work, root)
                    finished = True
                except Killed:
                    finished = False
            if finished:
                break
            if work.exists():
                archived(work, root)
            report = verify(None, root)
            assert report.ok and report.recordings == 2, (number, taken[-1:], report.damages)
            assert list((root / ".work").iterdir()) == []
            number += 1
        assert number > 15
