"""The worker of exports: what an earlier one left is built anew or removed; a package never takes the room that
recordings need."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import pytest

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from config.settings import Settings
from recorder.export.program import FAILURES
from recorder.export.queue import Exports
from signaling.exports.worker import ExportWorker, package_path
from tests.support.recording.purging import PurgeSetup


@asynccontextmanager
async def begun(folder, **settings):
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
        yield ExportWorker(exports, store, journal, chosen, clock, name, lambda: False), row["id"]


async def run_until(worker, id, state):
    """Run a worker until a request has a state, and return its row."""
    running = asyncio.create_task(worker.run())
    try:
        while (row := await worker.exports.row(id))["state"] != state:
            await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return row


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
