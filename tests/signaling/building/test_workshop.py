"""A file for a request is made one at a time, where the disk has room for it beside what recordings need, and leaves
nothing behind."""

import asyncio
import os

import pytest

from broker.kernel.errors import Busy
from config.settings import Settings
from signaling.building.child_program import FAULT
from signaling.building.workshop import NO_ROOM, Kind, Workshop
from signaling.journal.builder import KIND as JOURNAL
from signaling.ledgers.builder import KIND as LEDGER

SIZE, RESERVE = 1000, 5000
KIND = Kind("made-", "json.tool", 60, ("Wait.", "请稍候。"), ("Slow.", "超时。"), {FAULT: ("Failed.", "失败。")})


@pytest.fixture
def settings(tmp_path):
    found = Settings.load(data_dir=tmp_path, run_dir=tmp_path / "run", disk_reserve_bytes=RESERVE)
    found.run_dir.mkdir(mode=0o700)
    return found


@pytest.fixture
def free(monkeypatch):
    """Return a function that sets the free bytes of all disks."""
    return lambda count: monkeypatch.setattr("recorder.archive.paths.free_bytes", lambda _: count)


async def lines(read):
    read.append(True)
    yield b"[1]"


async def made(settings, read, kind=KIND):
    workshop = Workshop(settings, kind)
    async with workshop.folder() as folder:
        return await workshop.run(folder, SIZE, lines(read))


class TestRoom:
    async def test_for_the_file_and_the_reserve_is_asked_for_before_anything_is_read(self, settings, free):
        free(SIZE + RESERVE - 1)
        read = []
        with pytest.raises(Busy) as refused:
            await made(settings, read)
        assert (refused.value.detail_en, refused.value.detail_zh) == NO_ROOM
        assert read == [] and list(settings.run_dir.iterdir()) == []

    async def test_that_suffices_lets_it_be_made(self, settings, free):
        free(SIZE + RESERVE)
        output, _ = await made(settings, [])
        assert output.split() == [b"[", b"1", b"]"]

    async def test_on_another_disk_owes_recordings_nothing(self, settings, free, monkeypatch):
        free(SIZE)
        with pytest.raises(Busy):
            await made(settings, [])
        elsewhere = next((path for path in ("/dev/shm", "/run") if _is_other(path, settings)), None)
        if elsewhere is None:
            pytest.skip("this machine has one disk")
        await made(settings.model_copy(update={"archive_dir": type(settings.run_dir)(elsewhere)}), [])


def _is_other(path, settings):
    return os.path.isdir(path) and os.stat(path).st_dev != settings.run_dir.stat().st_dev


class TestFolders:
    async def test_of_processes_that_have_ended_are_removed_and_those_of_others_stay(self, settings):
        for name in ("made-0-x", "made-former", f"made-{os.getppid()}-x", "other-0-x"):
            (settings.run_dir / name).mkdir()
        async with Workshop(settings, KIND).folder() as folder:
            left = {path.name for path in settings.run_dir.iterdir()}
        assert left == {f"made-{os.getppid()}-x", "other-0-x", folder.name} and not folder.exists()


class TestTurns:
    async def test_come_one_after_another_and_one_that_waits_too_long_is_refused(self, settings, monkeypatch):
        monkeypatch.setattr("signaling.building.workshop.TURN_SECONDS", 0)
        workshop, begun, go_on = Workshop(settings, KIND), asyncio.Event(), asyncio.Event()

        async def held():
            begun.set()
            await go_on.wait()
            yield b"[]"

        async with workshop.folder() as folder, asyncio.TaskGroup() as tasks:
            first = tasks.create_task(workshop.run(folder, SIZE, held()))
            await begun.wait()
            with pytest.raises(Busy, match="Wait"):
                await workshop.run(folder, SIZE, lines([]))
            go_on.set()
        assert first.result()[0].strip() == b"[]"


@pytest.mark.parametrize("kind", [JOURNAL, LEDGER], ids=lambda kind: kind.module)
def test_every_kind_has_words_for_its_failures(kind, settings):
    workshop = Workshop(settings, kind)
    assert workshop.failure("of a later version", b"").detail_zh == kind.failures[FAULT][1]
    assert all(en and zh for en, zh in (kind.waiting, kind.slow, *kind.failures.values()))
