"""Room on the disk: reserved before a visit, watched during it, and a complete file when it runs out all the same."""

import asyncio
import errno
import os
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.ipc.recorder_messages import FinishRecording
from broker.kernel.clock import SystemClock
from broker.kernel.database import engine_for
from broker.kernel.errors import RecorderUnavailable
from config.settings import Settings
from recorder.archive.catalog import Catalog
from recorder.archive.disk_space import BRINK, FLOOR, Claim, Rules
from recorder.evidence.verify import verify
from recorder.mp4.fragments import FragmentFile
from recorder.mp4.scan import scan
from recorder.process import Service
from recorder.recording import Recording
from recorder.viewcopy.worker import ViewCopyWorker
from tests.recorder.test_process import SESSION, plan
from tests.recorder.test_recording import Player
from tests.support import probe
from tests.support.ipc import FactLog
from tests.support.recorder import RecorderProcess, Relay
from tests.support.recording.archives import archived, make_work
from tests.support.recording.service import RecorderParts, recorder_parts

RATE = 400_000
VISIT = 30 * 60 * RATE


class TestRules:
    def test_reserve_room_for_admitted_visits(self) -> None:
        rules = Rules(1000, RATE)
        assert rules.missing(1000 + VISIT, []) == 0
        assert rules.missing(999 + VISIT, []) == 1
        assert rules.missing(1000 + VISIT, [Claim(30, 0)]) == VISIT
        assert rules.missing(1000 + VISIT, [Claim(30, VISIT - 5)]) == 5
        assert rules.missing(1000 + VISIT, [Claim(30, VISIT + 5)]) == 0

    def test_reserve_room_for_the_film_that_parts_are_joined_into(self) -> None:
        rules = Rules(0, RATE)
        assert rules.claimed([Claim(0, 0, 700)]) == 700  # found after a crash
        assert rules.claimed([Claim(0, 300, 700)]) == 1000  # being archived
        assert rules.claimed([Claim(30, 300, 700)]) == VISIT - 300 + 700 + VISIT  # goes on in a second part
        assert rules.claimed([Claim(0, 300)]) == 0  # a single part is the film

    def test_ask_less_for_a_short_visit(self) -> None:
        assert Rules(0, RATE).missing(VISIT // 2, [], minutes=15) == 0

    def test_leave_an_index_its_room_also_where_the_reserve_is_small(self) -> None:
        assert (Rules(2 << 30, 0).floor, Rules(2 << 30, 0).brink) == (FLOOR, BRINK)
        assert (Rules(0, 0).floor, Rules(0, 0).brink) == (0, 0)
        assert 0 < Rules(64 << 20, 0).brink < Rules(64 << 20, 0).floor < 64 << 20


@pytest.fixture
async def heard(tmp_path: Path, database: str) -> AsyncIterator[tuple[RecorderParts, list[Any]]]:
    catalog, log = Catalog(engine_for(database)), FactLog()
    root = tmp_path / "archive"
    root.mkdir()

    yield recorder_parts(root, Rules(1000, 1), catalog, SystemClock(), log.received), log.facts
    await catalog.close()


class TestAdmission:
    async def test_refuses_the_visit_that_would_take_the_room_of_another(
        self, heard: tuple[RecorderParts, list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts, _ = heard
        monkeypatch.setattr("recorder.archive.paths.free_bytes", lambda _: 1000 + 2 * 1800)
        for number in (1, 2):
            await parts.sessions.start(plan(tap=number, session=f"session_{number}"))
        with pytest.raises(RecorderUnavailable) as refused:
            await parts.sessions.start(plan(tap=3, session="session_3"))
        assert refused.value.extra["missing"] == 1800
        assert await parts.sessions.start(plan(tap=4, session="session_1")) == 2  # admitted already
        await parts.sessions.drain()

    async def test_sends_one_fact_when_room_gets_short_and_one_when_it_is_enough(
        self, heard: tuple[RecorderParts, list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parts, facts = heard
        for free in (5000, 2000, 1900, 9000, 9000):
            monkeypatch.setattr("recorder.archive.paths.free_bytes", lambda _, free=free: free)
            parts.alarms.check_disk(parts.sessions.claims())
        assert [(fact, more["low"], more["free"]) for fact, more in facts] == [
            ("disk_report", True, 2000),
            ("disk_report", False, 9000),
        ]


class TestAnUnfinishedVisit:
    async def test_claims_room_for_its_film(self, heard: tuple[RecorderParts, list[Any]]) -> None:
        parts, _ = heard
        work = make_work(parts.sessions.archive_dir)
        parts.sessions.adopt("session_one")
        size = (work / "part-1.mp4").stat().st_size
        assert list(parts.sessions.claims()) == [Claim(0, 0, size)]
        assert size > 100_000

    @pytest.mark.parametrize("when", ["before", "in the middle"])
    def test_that_finds_no_room_leaves_no_half_film_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        root = tmp_path / "archive"
        work = unfinished_work(root)
        before = sorted(work.iterdir())
        with monkeypatch.context() as patch:
            if when == "before":
                patch.setattr("recorder.archive.paths.free_bytes", lambda _: 1_200_000)
            else:
                patch.setattr(FragmentFile, "_put", full_after(300_000))
            with pytest.raises(OSError, match=r"No space|missing"):
                archived(work, root)
        assert sorted(work.iterdir()) == before
        assert archived(work, root)["state"] == "archived" and verify(None, root).ok


def unfinished_work(root: Path) -> Path:
    """Return a work folder whose part has lost its index."""
    work = make_work(root)
    film = work / "part-1.mp4"
    film.write_bytes(film.read_bytes()[: scan(film).end])
    return work


def full_after(size: int) -> Any:
    put = FragmentFile._put

    def full(self: FragmentFile, data: bytes, position: int) -> None:
        if self.size + len(data) > size:
            raise OSError(errno.ENOSPC, "No space left on device")
        put(self, data, position)

    return full


class TestViewCopies:
    async def test_are_made_only_while_there_is_room(
        self, tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = Settings(data_dir=tmp_path, run_dir=tmp_path, database_url=database, view_jobs=1)
        service, running = Service(settings, SystemClock()), []

        async def run(_: Any) -> None:
            running.append(1)
            try:
                await asyncio.Event().wait()
            finally:
                running.pop()

        monkeypatch.setattr(ViewCopyWorker, "run", run)
        seen = []
        for low in (False, False, True, True, False):
            await service._make_copies(not low)
            await asyncio.sleep(0)
            seen.append(len(running))
        assert seen == [1, 1, 0, 0, 1]
        await service._make_copies(False)
        await service.catalog.close()


class TestARunningRecording:
    async def test_is_finished_while_there_is_room_for_its_index(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        player = Player(tmp_path)
        player.recording = Recording("s", tmp_path, 1, SystemClock(), player.log.received, Rules(1 << 60, 0))
        monkeypatch.setattr("recorder.archive.disk_space.FLOOR", 1 << 60)
        monkeypatch.setattr("recorder.archive.disk_space.BRINK", 1 << 60)
        await player.play()
        assert ("writing_failed", {"session": "s", "reason": "no_disk"}) in player.log.facts
        part = tmp_path / "part-1.mp4"
        assert not part.exists() or probe.complaints(part) == ""


async def fill(recorder: RecorderProcess) -> None:
    """Play until the disk refuses, end the session, and check what is archived."""
    await recorder.call(plan())
    relay = Relay(recorder.run, 7)
    playing = asyncio.create_task(relay.play(20.0))
    failed = await recorder.wait_for("writing_failed")
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    assert failed["reason"] == "no_disk"
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, unlimited)  # an operator makes room
    written = [facts["seconds"] for fact, facts in recorder.facts if fact == "writing_progress"]
    film = await ended(recorder)
    assert probe.complaints(film) == ""
    assert min(probe.lengths(film)) > max(written, default=0.0) - 2.0
    assert verify(SESSION, recorder.archive).ok


async def ended(recorder: RecorderProcess) -> Path:
    await recorder.call(FinishRecording(session=SESSION, reason={"code": "technical"}))
    done = await recorder.wait_for("recording_archived")
    return Path(recorder.archive / done["path"])


class TestAFullDisk:
    async def test_that_takes_no_more_of_the_file_leaves_what_was_written(self, recorder: RecorderProcess) -> None:
        resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        await fill(recorder)

    async def test_that_is_really_full_leaves_what_was_written(self, small: Path, run_dir: Path, database: str) -> None:
        settings = {"HUIJIAN_ARCHIVE_DIR": str(small / "archive"), "HUIJIAN_DISK_RESERVE_BYTES": str(3 << 20)}
        more = {"HUIJIAN_SESSION_BYTES_PER_SECOND": "0", "HUIJIAN_DATABASE_URL": database}
        async with RecorderProcess(small, run_dir, **settings, **more) as recorder:
            await recorder.call(plan())
            await fill_rest(recorder, small)


async def fill_rest(recorder: RecorderProcess, small: Path) -> None:
    relay = Relay(recorder.run, 7)
    playing = asyncio.create_task(relay.play(20.0))
    await recorder.wait_for("fragment_flushed")
    free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
    (small / "other").write_bytes(bytes(free - (60 << 10)))  # other files on the disk grow
    facts = [await recorder.wait_for(fact) for fact in ("writing_stalled", "writing_failed")]
    assert [fact["reason"] for fact in facts] == ["no_disk", "no_disk"]
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)
    (small / "other").unlink()
    film = await ended(recorder)
    assert probe.complaints(film) == "" and min(probe.lengths(film)) > 0.2
    assert verify(SESSION, recorder.archive).ok


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of eight megabytes, where the system allows it."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
