"""`huijian wall` from the command line: live visits, accounts that work, trouble on request, and nothing left."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from broker.kernel.clock import SystemClock, in_shanghai
from huijian.demo.officers import OfficerClient
from huijian.demo.wall.officers import reporting
from tests.support.patience import PATIENCE


class Wall:
    """A running wall and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.printed = process, ""

    async def until(self, text: str) -> None:
        """Read until the wall has printed this."""
        assert self.process.stdout is not None
        async with asyncio.timeout(2 * PATIENCE):
            while text not in self.printed:
                line = await self.process.stdout.readline()
                assert line, self.printed
                self.printed += line.decode()

    @property
    def url(self) -> str:
        found = re.search(r"http://127\.0\.0\.1:\d+", self.printed)
        assert found is not None
        return found[0]

    @property
    def password(self) -> str:
        found = re.search(r"password: (\S+)", self.printed)
        assert found is not None
        return found[1]

    async def sessions(self, officer: OfficerClient) -> list[dict[str, Any]]:
        """Return today's visits that have not ended."""
        day = f"{in_shanghai(SystemClock().now().wall):%Y-%m-%d}"
        return [view for view in (await officer.get(f"sessions?day={day}"))["sessions"] if view["state"] != "ended"]


@asynccontextmanager
async def wall(folder: Path, *options: str) -> AsyncIterator[Wall]:
    """Run a wall on any free port; end it as Ctrl-C does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "huijian", "--data-dir", str(folder), "wall", "--port", "0", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "160"},
    )
    try:
        yield Wall(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


@pytest.mark.timeout(300)
class TestWall:
    async def test_visits_are_live_the_accounts_work_and_nothing_is_left(self, tmp_path: Path) -> None:
        async with wall(tmp_path / "data", "--visits", "2", "--trouble", "warning") as shown:
            await shown.until("warning 1")
            async with aiohttp.ClientSession() as http:
                officer = await OfficerClient.sign_in(http, shown.url, "supervisor", shown.password)
                views = await shown.sessions(officer)
                names = {view["sides"]["prison"]["people"][0]["name"] for view in views}
                assert len(views) == 2 and len(names) == 2
                warned = [view for view in views if view["warnings"]]
                assert len(warned) == 1
                for user in ("approver", "clerk", "auditor", "procurator", "admin", "county", "colleague"):
                    await OfficerClient.sign_in(http, shown.url, user, shown.password)
            children = _children(shown.process.pid)
            assert children
        assert shown.process.returncode == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]

    async def test_a_visit_that_is_left_to_the_person_waits_for_that_person(self, tmp_path: Path) -> None:
        """Yunnan 25: nothing crosses with one officer of the prison."""
        async with wall(tmp_path / "data", "--visits", "1", "--yours", "1") as shown:
            await shown.until("Ctrl-C")
            async with aiohttp.ClientSession() as http:
                officer = await OfficerClient.sign_in(http, shown.url, "supervisor", shown.password, reporting)
                async with asyncio.timeout(2 * PATIENCE):
                    while not (views := await shown.sessions(officer)) or _lacks(views[0]) != {"prison_quorum"}:
                        await asyncio.sleep(0.2)
                await officer.watch(str(views[0]["id"]))
                await shown.until("is live")
                await officer.leave()

    async def test_a_port_that_is_taken_is_refused_in_one_line(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "huijian", "--data-dir", str(tmp_path / "data"), "wall", "--port", port),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            _, errors = await process.communicate()
        assert process.returncode == 1
        assert f"port {port}" in errors.decode() and len(errors.decode().strip().splitlines()) == 1


def _lacks(view: dict[str, Any]) -> set[str]:
    return {each["code"] for each in view["missing"]}


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(each) for each in text.split()]
