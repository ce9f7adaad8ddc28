"""`python -m tests.hostile.visit.room`: the kiosk of one room as a process, which tells when packets of the far room
came and when its own went."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from broker.kernel.ids import Side
from huijian.demo.synthetic.sources import generated_sources
from kiosk_agent.agent import Kiosk, KioskConfig
from kiosk_agent.media.source import RoomSources
from tests.hostile import child
from tests.hostile.visit.stamps import Stamps

SIZE = (320, 180)  # pixels: what a core has left is the attackers'
STOPPING = 9.0


def small_room(side: Side) -> RoomSources:
    """Return the sources of a generated room with a small picture."""
    return generated_sources(side, SIZE)


def kiosk_config(server: str, token: str, side: Side) -> KioskConfig:
    """Return the configuration of a kiosk with a small generated room."""
    return KioskConfig(server, token, "generated", {"generated": small_room}, side_hint=side, acknowledges=True)


@asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[child.Handlers]:
    """Run the kiosk of `config`; the commands look at it."""
    stamps, ending = Stamps(), asyncio.Event()
    stamps.install()
    async with aiohttp.ClientSession() as http:
        kiosk = Kiosk(kiosk_config(config["server"], config["token"], Side(config["side"])), http, lambda _: None)

        async def between(since: float, until: float) -> dict[str, Any]:
            return {**stamps.between(since, until), "publications": kiosk._media.publications}

        async def measure() -> dict[str, Any]:
            return await kiosk.measure()

        tasks = [asyncio.create_task(kiosk.run(ending)), asyncio.create_task(stamps.watch_lateness())]
        try:
            yield {"between": between, "measure": measure}
        finally:
            ending.set()
            await asyncio.wait(tasks[:1], timeout=STOPPING)
            for task in tasks:
                task.cancel()


if __name__ == "__main__":
    child.run(running)
