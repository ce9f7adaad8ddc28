"""The worker of exports: what an earlier one left is built anew or removed; a package never takes the room that
recordings need."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.errors import StorageUnavailable
from config.pack_loader import load_pack
from config.settings import Settings
from recorder.archive.disk_space import Claim
from recorder.export.program import FAILURES
from recorder.export.queue import Exports
from signaling.exports import worker as module
from signaling.exports.worker import ExportWorker, package_path
from tests.support.patience import PATIENCE
from tests.support.recording.purging import PurgeSetup


@asynccontextmanager
async def begun(folder, claims=tuple, **settings):
    """Give a worker on a database with one approved request, and the id of the request."""
    chosen, clock = Settings(data_dir=folder, **settings), SystemClock()
    await migrate(chosen.database_url)
    async with Store(chosen.database_url, clock) as store, Journal(store.engine, clock) as journal:

        async def name(user):
            return f"{user} 名"

        await PurgeSetup(store.engine, chosen.archive_dir).recording("ses_one", seconds=1.0)
        exports, now = Exports(store.engine), clock.now().wall
        row = await exports.add("ses_one", "prison-site", "事由", "某法院", ["shen"], "shen", now)
        await exports.decide(row["id"], True, "bai", "", now)
        yield ExportWorker(exports, store, journal, chosen, clock, name, lambda: False, claims), row["id"]


async def run_until(worker, id, state, exports=None):
    """Run a worker until a request has a state, and return its row."""
    running, exports = asyncio.create_task(worker.run()), exports or worker.exports
    try:
        async with asyncio.timeout(PATIENCE):
            while (row := await exports.row(id))["state"] != state:
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return row


QUICK = """
import json, sys
order = json.load(sys.stdin)
print(json.dumps({"done": 0.5}), flush=True)
open(order["target"], "wb").write(b"x")
print(json.dumps({"packed": {"bytes": 1, "sha256": "0" * 64, "sound": True}}), flush=True)
"""
HANGING = "import time; print('{}', flush=True); time.sleep(600)"


@pytest.fixture
def builder(monkeypatch):
    """Return a function that puts another program in the place of the builder; the worker looks often."""
    monkeypatch.setattr(module, "LOOK", 0.05)
    monkeypatch.setattr(module, "WATCH", 0.05)
    return lambda program: monkeypatch.setattr(module, "BUILDER", ("-c", program))


def fails_once(call, error):
    """Return a method that fails at its first call."""
    errors = [error]

    async def method(*args, **named):
        if errors:
            raise errors.pop()
        return await call(*args, **named)

    return method


async def building(worker):
    """Return the process that builds, once it has begun."""
    async with asyncio.timeout(PATIENCE):
        while worker._building is None:
            await asyncio.sleep(0.02)
    return worker._building[1]


class TestAFailure:
    @pytest.mark.parametrize("method", ["give_back", "take", "row", "ready"])
    async def test_of_the_database_leaves_no_request_being_built_for_ever(self, tmp_path, builder, monkeypatch, method):
        builder(QUICK)
        async with begun(tmp_path) as (worker, id):
            exports = Exports(worker.exports._engine)
            monkeypatch.setattr(worker.exports, method, fails_once(getattr(exports, method), StorageUnavailable()))
            assert (await run_until(worker, id, "ready", exports))["bytes"] == 1

    async def test_to_note_the_progress_does_not_end_the_building(self, tmp_path, builder, monkeypatch):
        builder(QUICK)
        async with begun(tmp_path) as (worker, id):
            monkeypatch.setattr(worker.exports, "progress", fails_once(worker.exports.progress, StorageUnavailable()))
            monkeypatch.setattr(worker.exports, "give_back", once(worker.exports.give_back))
            await run_until(worker, id, "ready")

    async def test_to_remove_what_was_left_is_tried_again(self, tmp_path, builder, monkeypatch):
        builder(QUICK)
        async with begun(tmp_path) as (worker, id):
            removed = fails_once(worker._remove_leftovers, OSError(13, "denied"))
            monkeypatch.setattr(worker, "_remove_leftovers", removed)
            await run_until(worker, id, "ready")

    async def test_of_a_builder_that_is_stuck_is_found(self, tmp_path, builder, monkeypatch):
        builder(HANGING)
        monkeypatch.setattr(module, "STUCK", 0.2)
        async with begun(tmp_path) as (worker, id):
            assert (await run_until(worker, id, "failed"))["failure"] == "hung"
            assert FAILURES["hung"][0] and not package_path(Settings(data_dir=tmp_path), id).parent.exists()


def once(call):
    """Return a method that may be called once."""
    calls = []

    async def method(*args):
        assert not calls
        calls.append(args)
        return await call(*args)

    return method


class TestWhileAPackageIsBuilt:
    async def test_a_withdrawal_ends_its_builder_and_removes_what_it_wrote(self, tmp_path, builder):
        builder(HANGING)
        async with begun(tmp_path) as (worker, id):
            running = asyncio.create_task(worker.run())
            process = await building(worker)
            await worker.exports.withdraw(id, SystemClock().now().wall)
            await worker.remove(id)
            assert process.returncode is not None
            assert not package_path(Settings(data_dir=tmp_path), id).parent.exists()
            assert (await worker.exports.row(id))["state"] == "expired" and not running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def test_visits_that_begin_get_the_room(self, tmp_path, builder):
        builder(HANGING)
        claims = []
        async with begun(tmp_path, lambda: claims, disk_reserve_bytes=0) as (worker, id):
            failed = asyncio.create_task(run_until(worker, id, "failed"))
            await building(worker)
            claims.append(Claim(minutes=1e9, written=0))
            assert (await failed)["failure"] == "no_room"

    async def test_others_expire(self, tmp_path, builder):
        builder(HANGING)
        async with begun(tmp_path) as (worker, _):
            running = asyncio.create_task(worker.run())
            await building(worker)
            before = SystemClock().now().wall - timedelta(days=8)
            old = await worker.exports.add("ses_one", "prison-site", "事由", "另一法院", ["shen"], "shen", before)
            async with asyncio.timeout(PATIENCE):
                while (await worker.exports.row(old["id"]))["state"] != "expired":
                    await asyncio.sleep(0.02)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.mark.slow
async def test_builds_anew_what_another_was_building_and_removes_what_it_left(tmp_path):
    async with begun(tmp_path) as (worker, id):
        settings = Settings(data_dir=tmp_path)
        stray = package_path(settings, "exp_unknown")
        stray.parent.mkdir(parents=True)
        stray.write_bytes(b"left")
        assert (await worker.exports.take(SystemClock().now().wall))["state"] == "building"  # and that worker died
        row = await run_until(worker, id, "ready")
        assert row["sound"] is True and row["bytes"] == package_path(settings, id).stat().st_size
        assert not stray.parent.exists()
        assert oct(package_path(settings, id).parent.stat().st_mode)[-3:] == "700"


async def test_leaves_the_room_that_recordings_need(tmp_path):
    async with begun(tmp_path, disk_reserve_bytes=1 << 60) as (worker, id):
        row = await run_until(worker, id, "failed")
        assert row["failure"] == "no_room" and "磁盘" in FAILURES["no_room"][0]
        assert not package_path(Settings(data_dir=tmp_path), id).parent.exists()


def test_the_builder_takes_its_order_from_standard_input_and_says_how_it_failed(tmp_path):
    """Names of people do not stand in the list of processes."""
    order = {
        **dict.fromkeys(("export", "session", "site", "recording", "reason", "receiver", "signing"), "x"),
        **dict.fromkeys(("archive_dir", "keys_dir", "target"), str(tmp_path / "x")),
        "requested_by": {"id": "a", "name": "a"},
        "approved_by": {"id": "b", "name": "b"},
        "made_at": "2026-03-02T10:00:00+00:00",
        "expires_at": "2026-03-09T10:00:00+00:00",
    }
    done = subprocess.run(
        (sys.executable, "-m", "recorder.export"),
        input=json.dumps(order).encode(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        check=False,
    )
    assert done.returncode == 1 and json.loads(done.stdout) == {"failed": "no_recording"}


class TestThePolicyPack:
    """The text of the rules that the session froze goes with the order; a package whose text differs is not sound."""

    PACK = load_pack("yunnan")

    @pytest.mark.parametrize("kept", [True, False])
    async def test_is_taken_from_the_database_by_the_hash_in_the_manifest(self, tmp_path, kept):
        async with begun(tmp_path) as (worker, id):
            store, settings = worker._store, worker._settings
            named = {"name": "yunnan", "version": self.PACK.version, "sha256": self.PACK.sha256}
            policy = named | {"retention_months": 6}
            done = await PurgeSetup(store.engine, settings.archive_dir).recording("ses_two", policy=policy)
            if kept:
                await store.keep_pack(self.PACK)
            row = await worker.exports.row(id)
            order = await worker._order({**row, "session": "ses_two"}, SystemClock().now().wall)
            assert done and order.pack == (self.PACK.canonical if kept else "")
            assert (await worker._order(row, SystemClock().now().wall)).pack == ""  # its manifest names no hash
