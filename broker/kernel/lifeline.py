"""How a child process notices that its parent is gone: standard input is a pipe whose other end the parent holds."""

import asyncio
import contextlib
import os


async def parent_gone(stopping: asyncio.Event) -> None:
    """Wait until standard input closes, then set `stopping`. What the parent writes is ignored."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(0), "rb"))
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            continue
    stopping.set()
