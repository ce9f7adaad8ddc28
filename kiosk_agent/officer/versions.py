"""Versions of what runs on a terminal: agent, browser and operating system."""

import asyncio
import platform
from importlib import metadata
from typing import NamedTuple

WITHIN = 10.0
"""Seconds for the browser to say its version."""


class Versions(NamedTuple):
    """Versions as texts; empty where one cannot be found."""

    agent: str = ""
    browser: str = ""
    system: str = ""


async def versions(browser: str | None) -> Versions:
    """Return the versions of this machine; `browser` is the program's path."""
    return Versions(metadata.version("huijian"), await _browser(browser), _system())


def _system() -> str:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


async def _browser(program: str | None) -> str:
    if program is None:
        return ""
    try:
        process = await asyncio.create_subprocess_exec(
            program, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return ""
    try:
        async with asyncio.timeout(WITHIN):
            text, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return ""
    return " ".join(text.decode("utf-8", "replace").split())[:80]
