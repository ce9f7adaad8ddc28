"""Room on the disk: set aside before a visit, watched during it, and a whole file when it ends all the same."""

import asyncio
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.clock import SystemClock
from broker.engine import engine_for
from broker.errors import RecorderUnavailable
from recorder.catalog import Catalog
from recorder.desk import Desk
from recorder.recording import Recording
from recorder.space import BRINK, FLOOR, Claim, Rules
from recorder.verify import verify
from tests.recorder.archives import signer
from tests.recorder.test_process import SESSION, plan
from tests.recorder.test_recording import Player
from tests.support import probe
from tests.support.recorder import RecorderProcess, Relay

RATE = 400_000
VISIT = 30 * 60 * RATE


class TestRules:
    def test_set_room_aside_for_what_is_admitted_already(self) -> None:
        rules = Rules(1000, RATE)
        assert rules.missing(1000 + VISIT, []) == 0
        assert rules.missing(999 + VISIT, []) == 1
        assert rules.missing(1000 + VISIT, [Claim(30, 0)]) == VISIT
        assert rules.missing(1000 + VISIT, [Claim(30, VISIT - 5)]) == 5
        assert rules.missing(1000 + VISIT, [Claim(30, VISIT + 5)]) == 0

    def test_ask_less_for_a_short_visit(self) -> None:
        assert Rules(0, RATE).missing(VISIT // 2, [], minutes=15) == 0

    def test_leave_an_index_its_room_also_where_the_reserve_is_small(self) -> None:
        assert (Rules(2 << 30, 0).floor, Rules(2 << 30, 0).brink) == (FLOOR, BRINK)
        assert (Rules(0, 0).floor, Rules(0, 0).brink) == (0, 0)
        assert 0 < Rules(64 << 20, 0).brink < Rules(64 << 20, 0).floor < 64 << 20


@pytest.fixture
async def desk(tmp_path: Path, database: str) -> AsyncIterator[tuple[Desk, list[Any]]]:
    catalog, told = Catalog(engine_for(database)), []
    root = tmp_path / "archive"
    root.mkdir()

    def tell(fact: str, **facts: Any) -> None:
        told.append((fact, facts))

    yield Desk(root, Rules(1000, 1), catalog, SystemClock(), tell, signer(root)), told
    await catalog.close()


class TestAdmission:
    async def test_refuses_the_visit_that_would_take_the_room_of_another(
        self, desk: tuple[Desk, list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        front, _ = desk
        monkeypatch.setattr("recorder.archive.free_bytes", lambda _: 1000 + 2 * 1800)
        for number in (1, 2):
            await front.start(plan(tap=number, session=f"session_{number}", slot={"id": "s", "minutes": 30}))
        with pytest.raises(RecorderUnavailable) as refused:
            await front.start(plan(tap=3, session="session_3", slot={"id": "s", "minutes": 30}))
        assert refused.value.extra["missing"] == 1800
        assert await front.start(plan(tap=4, session="session_1")) == {"part": 2}  # it was admitted already
        await front.drain()

    async def test_short_room_is_a_fact_once_and_so_is_its_end(
        self, desk: tuple[Desk, list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        front, told = desk
        for free in (5000, 2000, 1900, 9000, 9000):
            monkeypatch.setattr("recorder.archive.free_bytes", lambda _, free=free: free)
            front.look_at_disk()
        assert [(fact, facts["low"], facts["free"]) for fact, facts in told] == [
            ("disk", True, 2000),
            ("disk", False, 9000),
        ]


class TestARunningRecording:
    async def test_is_finished_while_there_is_room_for_its_index(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        player = Player(tmp_path)
        player.recording = Recording("s", tmp_path, 1, SystemClock(), player.hear, Rules(1 << 60, 0))
        monkeypatch.setattr("recorder.space.FLOOR", 1 << 60)
        monkeypatch.setattr("recorder.space.BRINK", 1 << 60)
        await player.play()
        assert ("failed", {"session": "s", "reason": "no_disk"}) in player.facts
        part = tmp_path / "part-1.mp4"
        assert not part.exists() or probe.complaints(part) == ""


async def fill(recorder: RecorderProcess) -> None:
    """Play until the disk refuses, end the session, and look at what is archived."""
    await recorder.call("start", **plan())
    relay = Relay(recorder.run, 7)
    playing = asyncio.create_task(relay.play(20.0))
    failed = await recorder.wait_for("failed")
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert failed["reason"] == "no_disk"
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, unlimited)  # somebody makes room
    written = [facts["seconds"] for fact, facts in recorder.facts if fact == "writing"]
    film = await archived(recorder)
    assert probe.complaints(film) == ""
    assert min(probe.lengths(film)) > max(written, default=0.0) - 2.0
    assert verify(SESSION, recorder.archive).ok


async def archived(recorder: RecorderProcess) -> Path:
    await recorder.call("finish", session=SESSION, reason={"code": "technical"})
    done = await recorder.wait_for("archived")
    return Path(recorder.archive / done["path"])


class TestAFullDisk:
    async def test_that_takes_no_more_of_the_file_leaves_what_was_written(self, recorder: RecorderProcess) -> None:
        resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        await fill(recorder)

    async def test_that_is_really_full_leaves_what_was_written(self, small: Path, run_dir: Path, database: str) -> None:
        settings = {"HUIJIAN_ARCHIVE_DIR": str(small / "archive"), "HUIJIAN_DISK_RESERVE_BYTES": str(3 << 20)}
        more = {"HUIJIAN_SESSION_BYTES_PER_SECOND": "0", "HUIJIAN_DATABASE_URL": database}
        async with RecorderProcess(small, run_dir, **settings, **more) as recorder:
            await recorder.call("start", **plan())
            await fill_rest(recorder, small)


async def fill_rest(recorder: RecorderProcess, small: Path) -> None:
    relay = Relay(recorder.run, 7)
    playing = asyncio.create_task(relay.play(20.0))
    await recorder.wait_for("flushed")
    free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
    (small / "other").write_bytes(bytes(free - (60 << 10)))  # somebody else's files grow
    facts = [await recorder.wait_for(fact) for fact in ("stalled", "failed")]
    assert [fact["reason"] for fact in facts] == ["no_disk", "no_disk"]
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    (small / "other").unlink()
    film = await archived(recorder)
    assert probe.complaints(film) == "" and min(probe.lengths(film)) > 0.2
    assert verify(SESSION, recorder.archive).ok


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes, where the system lets us have one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
