"""How late this process was: what a test measures in its own event loop is late by as much, whatever it measures."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

TICK = 0.01  # seconds between two looks


class Lateness:
    """The seconds by which the loop was late, all looks together: a chain of waits is late by their sum at most."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def watch(self) -> None:
        """Look at each TICK, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            wanted = loop.time() + TICK
            await asyncio.sleep(TICK)
            self.seconds += loop.time() - wanted


@asynccontextmanager
async def lateness() -> AsyncIterator[Lateness]:
    """Measure how late the loop is while the block runs."""
    late = Lateness()
    watching = asyncio.create_task(late.watch())
    try:
        yield late
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
