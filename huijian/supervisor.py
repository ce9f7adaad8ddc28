"""Supervision of the service's processes: they are started, started again when they die, and stopped in order.

Each child has the reading end of a pipe as its standard input. When the parent dies, however suddenly, the pipe closes
and the child ends by itself, so that no process is left behind.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from broker.kernel.tasks import Tasks

log = structlog.get_logger()
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a dead child is started again; doubled while it keeps dying
SETTLED = 10.0  # seconds after which a child counts as healthy and the pause begins anew
TRIES = 6  # starts of a child that never settled; more of them would not help
STOPPING = 15.0  # seconds a child may take to finish its files before it is killed


@dataclass(frozen=True, slots=True)
class Child:
    """One process: a name for the log and the module arguments after `python -m`."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def _inherited() -> dict[str, str]:
    """Return the environment of this process without its settings: a child gets those that it needs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIJIAN_")}


class NotRunning(Exception):
    """A process of the service does not come up, however often it is started."""


class ProcessSupervisor:
    """Keeps the service's child processes running. They are started in order; `stop` ends them in the opposite
    order."""

    def __init__(self, *inherited: int) -> None:
        """Prepare; every child keeps the descriptors `inherited` open."""
        self._inherited = inherited
        self._running: list[tuple[Child, asyncio.Task[None]]] = []
        self._tasks = Tasks()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._given_up: asyncio.Future[str] | None = None

    async def given_up(self) -> str:
        """Wait until a child is given up, and return its name."""
        if self._given_up is None:
            self._given_up = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._given_up)

    def start(self, child: Child) -> None:
        """Start a child and keep it running from now on."""
        self._running.append((child, self._tasks.spawn(self._keep(child))))

    def pids(self) -> dict[str, int]:
        """Return the ids of the running processes by name."""
        return {name: process.pid for name, process in self._processes.items() if process.returncode is None}

    async def stop(self) -> None:
        """End all children, the last started first."""
        while self._running:
            child, task = self._running.pop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._end(child)

    async def _keep(self, child: Child) -> None:
        pause, deaths, settled = FIRST_PAUSE, 0, False
        loop = asyncio.get_running_loop()
        while settled or deaths < TRIES:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *child.arguments,
                stdin=asyncio.subprocess.PIPE,
                env={**_inherited(), **child.environment},
                pass_fds=self._inherited,
                start_new_session=True,  # Ctrl-C reaches the parent only, which then stops all in order
            )
            self._processes[child.name] = process
            began = loop.time()
            code = await process.wait()
            settled, deaths = settled or loop.time() - began > SETTLED, deaths + 1
            pause = FIRST_PAUSE if loop.time() - began > SETTLED else min(2 * pause, LONGEST_PAUSE)
            log.error("process died, starting it again", child=child.name, code=code, in_seconds=round(pause, 1))
            await asyncio.sleep(pause)
        if self._given_up is None:
            self._given_up = loop.create_future()
        if not self._given_up.done():
            self._given_up.set_result(child.name)

    async def _end(self, child: Child) -> None:
        process = self._processes.pop(child.name, None)
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOPPING)
        except TimeoutError:
            log.error("process did not stop in time and was killed", child=child.name)
            process.kill()
            await process.wait()
