"""A clock that was moved while the service was down: visits go by the time before it until an admin of the province has
compared it, through the front door and by the command."""

import asyncio
import json
import os
import sys
from datetime import timedelta

import pytest

from broker.control.journal.journal import Journal
from broker.control.rules.clock_watch import KIND
from broker.control.store.records import Role
from broker.kernel.clock import SystemClock, boot_id
from tests.support.installation import Installation
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOUR = timedelta(hours=1)
ADMIN, PASSWORD = "clock-admin", "correct horse battery"


async def agreed_an_hour_ahead(installation: Installation) -> None:
    """Write down, as the service does, that the time agreed on is an hour later than the machine's clock now shows: it
    was set back since."""
    now = SystemClock().now()
    anchor = {"boot": boot_id(), "wall": (now.wall + HOUR).isoformat(), "mono": now.mono}
    async with Journal(installation.store.engine, SystemClock()) as journal:
        journal.note(KIND, None, "broker", anchor)


async def restarted(installation: Installation) -> None:
    """Kill the control process and wait for the next one."""
    before = installation.pid("control")
    installation.kill("control")
    async with asyncio.timeout(PATIENCE):
        while installation.processes.pids().get("control", before) == before:
            await asyncio.sleep(0.05)
    await installation.answering()


async def command(installation: Installation, *more: str) -> dict[str, object]:
    """Run `huijian admin clock` and return what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "huijian", "admin", "clock", "--server", installation.server, "--as", ADMIN),
        *("--password-stdin", "--json", *more),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )
    output, _ = await process.communicate(f"{PASSWORD}\n".encode())
    assert process.returncode == 0
    return dict(json.loads(output))


async def test_is_not_believed_before_an_admin_has_compared_it(installation: Installation) -> None:
    await installation.add_officer(ADMIN, "管理员", Role.ADMIN, PASSWORD, None)
    await agreed_an_hour_ahead(installation)
    await restarted(installation)
    officer = (await installation.officers())[0]
    view = await officer.get("clock")
    assert view["moved_seconds"] == pytest.approx(-3600, abs=2)
    assert (await command(installation))["moved_seconds"] == view["moved_seconds"]
    agreed = await command(installation, "--agree")
    assert agreed["moved_seconds"] is None and agreed["steps"] == 1
    await restarted(installation)
    assert (await officer.get("clock"))["moved_seconds"] is None, "what was agreed on outlives a restart"
