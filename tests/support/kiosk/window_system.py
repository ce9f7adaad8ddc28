"""A window system without a screen (Xvfb), in which a real browser has a real window, and keys and touches come from
outside of it (xdotool)."""

import asyncio
import json
import os
import shlex
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk_agent.room.policies import FILE, managed_policies
from tests.support.patience import PATIENCE

SIZE = (1280, 720)


@dataclass(frozen=True, slots=True)
class WindowSystem:
    """The window system with this number; `pictures` is the folder with what its screen shows, `root` are the windows
    that it has by itself."""

    display: str
    pictures: Path
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

    def picture(self) -> NDArray[np.uint8]:
        """Return what the screen shows now: height x width x blue, green and red."""
        data = np.fromfile(self.pictures / "Xvfb_screen0", np.uint8)
        head = data[:100].view(">u4")  # xwd(1): sizes of header and picture, number of colours
        width, height, line = int(head[4]), int(head[5]), int(head[12])
        at = int(head[0]) + 12 * int(head[19])
        return data[at : at + height * line].reshape(height, line)[:, : 4 * width].reshape(height, width, 4)[:, :, :3]

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
    with tempfile.TemporaryDirectory(prefix="huijian-screen-") as folder:
        reader, writer = os.pipe()
        screen = ("-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-fbdir", folder, "-nolisten", "tcp")
        process = await asyncio.create_subprocess_exec(
            *("Xvfb", *screen, "-displayfd", str(writer)), pass_fds=(writer,), stderr=asyncio.subprocess.DEVNULL
        )
        os.close(writer)
        try:
            with os.fdopen(reader) as pipe:
                number = (await asyncio.wait_for(asyncio.to_thread(pipe.readline), PATIENCE)).strip()
            bare = WindowSystem(f":{number}", Path(folder))
            yield replace(bare, root=frozenset(await bare.windows()))
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def window_manager(screen: WindowSystem) -> AsyncIterator[None]:
    """Run a window manager (openbox), which has keys of its own, until the block ends."""
    if shutil.which("openbox") is None:
        pytest.fail("openbox is missing: apt-get install openbox", pytrace=False)
    process = await asyncio.create_subprocess_exec(
        *("openbox", "--sm-disable", "--startup", "echo ready"),
        env={**os.environ, "DISPLAY": screen.display},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        yield
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
