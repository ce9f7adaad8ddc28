"""A program that this process runs as a child, with lines for its standard input: what burdens a processor must not
delay the leases of this one."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]
FAULT = "fault"
"""The code of a failure that has no other: every kind of file has words for it."""
_SECRET = "HUIJIAN_DATABASE_URL"  # it may hold a password, and no such program needs it


async def run_program(module: str, lines: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
    """Run `python -m module`, send it the lines as they come, and return its output and its errors. It does not outlive
    this call. Raises what reading the lines raises."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
        env={name: value for name, value in os.environ.items() if name != _SECRET},
        start_new_session=True,
    )
    try:
        await _send(process, lines)
        return await process.communicate()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _send(process: asyncio.subprocess.Process, lines: AsyncIterator[bytes]) -> None:
    """Send lines as they are read; a process that has ended says itself why."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        async for line in lines:
            process.stdin.write(line)
            await process.stdin.drain()
    process.stdin.close()
