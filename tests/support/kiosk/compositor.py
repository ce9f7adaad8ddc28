"""The terminal's compositor (cage), started by the command line of the terminal's unit, in a window of the tests'
window system in the place of a screen: what its keyboard and mouse do, xdotool does to that window."""

import asyncio
import os
import shlex
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest

from kiosk_agent.settings import KioskSettings
from tests.support.kiosk.window_system import SIZE, WindowSystem
from tests.support.patience import PATIENCE

TEMPLATES = files("kiosk_agent.deploy")
AGENT = '#!/bin/sh\necho "$WAYLAND_DISPLAY $DISPLAY $*"\nread -r _\n'
"""Program in the agent's place: it tells where compositor and Xwayland listen and how it was started, and ends with its
input."""
NO_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000", "--")
"""Command that lets tests of root run cage, which refuses to be root; files and sockets stay those of the test."""
NESTED = {"WLR_BACKENDS": "x11", "WLR_RENDERER": "pixman", "LIBSEAT_BACKEND": "noop", "WLR_X11_OUTPUTS": "1"}
"""Environment in which wlroots draws into a window, without a graphics card and without a seat."""


@dataclass(frozen=True, slots=True)
class Compositor:
    """A compositor that runs: the `environment` of programs in it, and the `arguments` of its agent."""

    environment: dict[str, str]
    arguments: list[str]
    process: asyncio.subprocess.Process

    async def end_agent(self) -> None:
        """End the agent's stand-in, and wait until the compositor has ended, too."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), PATIENCE)


def command(program: str) -> list[str]:
    """Return the command line of the terminal's unit, in which `program` is the path of `huijian`."""
    lines = TEMPLATES.joinpath("huijian-kiosk.service").read_text("utf-8").splitlines()
    (start,) = (line.removeprefix("ExecStart=") for line in lines if line.startswith("ExecStart="))
    return shlex.split(start.replace("{program}", program))


def browser_flags() -> tuple[str, ...]:
    """Return the browser's flags of the sample settings, as they are installed."""
    return KioskSettings.load(Path(str(TEMPLATES.joinpath("kiosk.toml")))).chromium_flags


@asynccontextmanager
async def compositor(screen: WindowSystem, folder: Path) -> AsyncIterator[Compositor]:
    """Run cage with its output as large as the screen until the block ends; its socket is in the folder."""
    for program, package in (("cage", "cage"), ("Xwayland", "xwayland")):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is missing: apt-get install {package}", pytrace=False)
    run, agent = folder / "run", folder / "agent"
    run.mkdir(mode=0o700)
    agent.write_text(AGENT, "ascii")
    agent.chmod(0o755)
    place = {"XDG_RUNTIME_DIR": str(run)}
    process = await asyncio.create_subprocess_exec(
        *(NO_ROOT if os.geteuid() == 0 else ()),
        *command(str(agent)),
        env={**os.environ, "DISPLAY": screen.display, **place, **NESTED},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode().split()
        assert line, "cage does not start: see what it says with WLR_BACKENDS=x11"
        (window,) = await screen.windows()
        await screen.do("windowmove", window, "0", "0", "windowsize", "--sync", window, *map(str, SIZE))
        yield Compositor({**place, "WAYLAND_DISPLAY": line[0], "DISPLAY": line[1]}, line[2:], process)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # cage ends with its agent, and waits for it
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        finally:
            if process.returncode is None:
                process.kill()
