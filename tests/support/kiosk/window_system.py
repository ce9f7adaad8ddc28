"""A window system without a screen (Xvfb), in which a real browser has a real window, and keys and touches come from
outside of it (xdotool)."""

import asyncio
import json
import os
import shlex
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kiosk_agent.room.policies import FILE, managed_policies
from tests.support.patience import PATIENCE

SIZE = (1280, 720)


@dataclass(frozen=True, slots=True)
class WindowSystem:
    """The window system with this number; `root` are the windows that it has by itself."""

    display: str
    root: frozenset[str] = frozenset()

    async def do(self, *words: str) -> str:
        """Run xdotool; return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *("xdotool", *words),
            env={**os.environ, "DISPLAY": self.display},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        return out.decode().strip()

    async def windows(self) -> dict[str, tuple[int, int]]:
        """Return width and height of every window that can be seen, by number."""
        found = (await self.do("search", "--onlyvisible", "--maxdepth", "1", "--name", ".*")).split()
        return {number: await self._size(number) for number in found if number not in self.root}

    async def _size(self, number: str) -> tuple[int, int]:
        lines = (await self.do("getwindowgeometry", "--shell", number)).splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return int(values.get("WIDTH", 0)), int(values.get("HEIGHT", 0))


@asynccontextmanager
async def window_system() -> AsyncIterator[WindowSystem]:
    """Run a window system until the block ends, under a number that is free."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.fail(f"{program} is missing: apt-get install xvfb xdotool", pytrace=False)
    reader, writer = os.pipe()
    screen = ("-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp", "-displayfd", str(writer))
    process = await asyncio.create_subprocess_exec(
        "Xvfb", *screen, pass_fds=(writer,), stderr=asyncio.subprocess.DEVNULL
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as pipe:
            number = (await asyncio.wait_for(asyncio.to_thread(pipe.readline), PATIENCE)).strip()
        bare = WindowSystem(f":{number}")
        yield replace(bare, root=frozenset(await bare.windows()))
    finally:
        process.terminate()
        await process.wait()


def browser_under_policies(folder: Path) -> str:
    """Write a program that starts Chromium under the terminal's policies; return its path. They are put where Chromium
    looks for them in a name space of its own, so that no other browser of the machine finds them."""
    policies, program = folder / FILE, folder / "browser"
    policies.write_text(json.dumps(managed_policies()), "utf-8")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    managed = "/etc/chromium/policies/managed"
    script = (
        "mount -t tmpfs none /etc/chromium && "
        f"mkdir -p {managed} && cp {shlex.quote(str(policies))} {managed}/ && "
        f'exec {shlex.quote(chromium)} "$@"'
    )
    alone = "--mount" if os.geteuid() == 0 else "--map-root-user --mount"
    program.write_text(f'#!/bin/sh\nexec unshare {alone} sh -c {shlex.quote(script)} browser "$@"\n', "utf-8")
    program.chmod(0o755)
    return str(program)
