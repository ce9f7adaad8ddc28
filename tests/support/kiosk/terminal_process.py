"""A terminal in a process of its own, as on its machine: `python -m tests.support.kiosk.terminal_process` runs it, and
TerminalProcess is the parent's end, which starts it, kills it, and counts its memory and handles."""

import asyncio
import json
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.logs import configure
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.agent import KioskConfig, run_kiosk
from kiosk_agent.identity import identity_file
from kiosk_agent.room.chromium import find_browser
from kiosk_agent.room.room import Browser
from tests.support.chromium import FLAGS
from tests.support.patience import PATIENCE

EVERY = 0.5
"""Seconds between the lines in which a terminal tells how it does."""

SMALL = (320, 180), 10
"""Size and rate of made-up pictures: a whole visit, officers included, shares the machine with other tests."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a terminal uses: resident megabytes of agent and browser, and handles of the agent."""

    agent: float
    browser: float
    descriptors: int
    sockets: int
    threads: int
    tasks: int


class TerminalProcess:
    """Parent's end of a terminal in its own process. `line` is what it has told last."""

    def __init__(self, identity: Path, headless: bool) -> None:
        self._command = [sys.executable, "-m", "tests.support.kiosk.terminal_process", str(identity)]
        self._command += ["headless"] if headless else ["page"]
        self.line: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    @property
    def pid(self) -> int:
        """Process id of the agent."""
        assert self._process is not None
        return self._process.pid

    @property
    def browser(self) -> int:
        """Process id of the browser; 0 without one."""
        return int(self.line.get("browser") or 0)

    async def start(self) -> None:
        """Start the agent in its process."""
        self.line = {}
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.PIPE)
        self._reading = asyncio.create_task(self._read(self._process))

    async def kill(self) -> None:
        """Kill the agent; it is gone when this returns."""
        assert self._process is not None and self._reading is not None
        self._process.kill()
        await self._process.wait()
        await self._reading

    async def stop(self) -> None:
        """End the agent in order."""
        assert self._process is not None and self._reading is not None
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()
        await self._reading

    async def until(self, phase: str, more_frames: int = 0, seconds: float = PATIENCE) -> None:
        """Wait until the terminal is in a phase, and has shown so many further pictures of the far room."""
        wanted = self.frames + more_frames
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.line.get("phase") == phase and self.frames >= wanted)
        except TimeoutError:
            raise AssertionError(f"not {phase} with {wanted} pictures in {seconds:g} s: {self.line}") from None

    @property
    def frames(self) -> int:
        """Pictures of the far room that came on the present subscription."""
        far = self.line.get("far") or {}
        return int(far.get("video", {}).get("frames", 0))

    def footprint(self) -> Footprint:
        """Return what the terminal uses now; tasks as it has told them last."""
        folder = Path("/proc", str(self.pid))
        targets = [_target(link) for link in (folder / "fd").iterdir()]
        browser = [pid for pid in descendants(self.pid) if pid != self.pid]
        return Footprint(
            agent=_resident(self.pid),
            browser=sum(map(_share, browser)),
            descriptors=len(targets),
            sockets=sum(target.startswith("socket:") for target in targets),
            threads=len(list((folder / "task").iterdir())),
            tasks=int(self.line.get("tasks", 0)),
        )

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for text in process.stdout:
            self.line = json.loads(text)
            async with self._changed:
                self._changed.notify_all()


def descendants(pid: int) -> list[int]:
    """Return a process and all that it and its children have started."""
    found = [pid]
    for thread in Path("/proc", str(pid), "task").iterdir():
        for child in (thread / "children").read_text("ascii").split():
            found += _descendants_of(int(child))
    return found


def _descendants_of(pid: int) -> list[int]:
    try:
        return descendants(pid)
    except OSError:
        return []  # it has ended meanwhile


def _resident(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    return _megabytes(Path("/proc", str(pid), "status"), "VmRSS:")


def _share(pid: int) -> float:
    """Return the anonymous memory of a process, in which what browser processes share counts once among them; files
    that are mapped are shared with programs that have nothing to do with it."""
    return _megabytes(Path("/proc", str(pid), "smaps_rollup"), "Pss_Anon:")


def _megabytes(file: Path, name: str) -> float:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return 0.0  # it has ended meanwhile
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name)), 0.0)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _run(identity: Path, headless: bool) -> None:
    configure("error")
    mine = identity_file.read(identity)
    browser = None if headless else Browser(find_browser(), ("--headless=new", *FLAGS))
    config = KioskConfig(
        mine.server,
        mine,
        source="generated",
        extra_sources={"generated": lambda side: generated_sources(side, *SMALL)},
        headless=headless,
        browser=browser,
        stats_every=EVERY,
        acknowledges=True,
        confirms=True,
    )
    with identity_file.in_use(identity):
        asyncio.run(run_kiosk(config, _tell))


def _tell(line: dict[str, Any]) -> None:
    """Print a line of statistics with the counts that only the process itself knows."""
    counts = {"tasks": len(asyncio.all_tasks()), "threads": threading.active_count()}
    browsers = [pid for pid in descendants(os.getpid())[1:] if _parent(pid) == os.getpid()]
    print(json.dumps({**line, **counts, "browser": browsers[0] if browsers else 0}), flush=True)


def _parent(pid: int) -> int:
    try:
        return int(Path("/proc", str(pid), "stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


if __name__ == "__main__":
    _run(Path(sys.argv[1]), sys.argv[2] == "headless")
