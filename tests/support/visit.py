"""A visit under way in a House: both kiosks, people checked in, some officers watching."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from kiosk_agent.agent import Kiosk
from tests.support.installation import Installation


def quorum_of(view: dict[str, Any]) -> tuple[int, int]:
    """How many watch for the prison and for the visitors' side."""
    return len(view["quorum"]["prison"]["have"]), len(view["quorum"]["visitor"]["have"])


class Visit:
    """One session with everybody in it."""

    def __init__(
        self, installation: Installation, session: str, officers: list[OfficerClient], kiosks: dict[Side, Kiosk]
    ) -> None:
        self.installation, self.session, self.officers, self.kiosks = installation, session, officers, kiosks

    async def until(self, holds: Callable[[dict[str, Any]], bool], timeout: float = 40.0) -> dict[str, Any]:
        """Wait for a view of the session that fulfils `holds`."""
        return await self.installation.until(self.officers[0], self.session, holds, timeout)

    async def shut_at(self) -> float:
        """When the gate was shut last, by the relay's own word, which comes after the broker's and by another way."""
        async with asyncio.timeout(10):
            while not (moments := [data["mono"] for kind, data in await self.journal() if kind == "GateShut"]):
                await asyncio.sleep(0.05)
        return float(moments[-1])

    async def check_in(self) -> None:
        """Have everybody of both sides checked in."""
        await self.officers[0].check_in(self.session, Side.PRISON)
        await self.officers[2].check_in(self.session, Side.VISITOR)

    async def journal(self) -> list[tuple[str, dict[str, Any]]]:
        """What was written down for this session."""
        return await self.installation.journal(self.session)

    async def far(self, side: Side) -> dict[str, Any]:
        """What the room of `side` has received of the far room."""
        return dict((await self.kiosks[side].measure())["far"])

    async def packets_over(self) -> int:
        """RTP packets that any room has received of the other."""
        return sum(
            [far[kind]["packets"] for side in Side for far in [await self.far(side)] for kind in ("video", "audio")]
        )

    async def last_packet(self) -> float:
        """Monotonic seconds of the last packet that any room received of the other."""
        fars = [await self.far(side) for side in Side]
        return max(far[kind]["last_packet_at"] or 0.0 for far in fars for kind in ("video", "audio"))

    async def last_packet_before(self, mono: float) -> bool:
        """Whether no room received anything after `mono`."""
        last = await self.last_packet()
        assert last <= mono, f"a packet came {last - mono:.3f} s too late"
        return True

    async def sees_far_room(self, side: Side, timeout: float = 15.0) -> bool:
        """Wait until the room of `side` decodes newly arriving pictures and sounds."""
        before = await self.far(side)
        async with asyncio.timeout(timeout):
            while True:
                now = await self.far(side)
                if all(now[kind]["frames"] > before[kind]["frames"] for kind in ("video", "audio")):
                    return True
                await asyncio.sleep(0.1)

    async def hears_nothing(self, side: Side) -> dict[str, Any]:
        """Wait until sound has stopped coming to the room of `side` while pictures go on; what it had got by then."""
        async with asyncio.timeout(10):
            while True:
                before = await self.far(side)
                await grown(lambda: self._pictures(side), "frames")
                now = await self.far(side)
                if now["audio"]["packets"] == before["audio"]["packets"]:
                    return now

    async def frames_later(self, side: Side, count: int) -> None:
        """Let so many pictures of the far room come, 25 of which are a second."""
        until = (await self._pictures(side))["frames"] + count
        async with asyncio.timeout(30):
            while (await self._pictures(side))["frames"] < until:
                await asyncio.sleep(0.1)

    async def _pictures(self, side: Side) -> dict[str, Any]:
        return dict((await self.far(side))["video"])

    async def silence(self, seconds: float) -> None:
        """Let `seconds` pass in which something could wrongly cross; the receivers' counts are asked afterwards."""
        await asyncio.sleep(max(0.0, seconds))

    async def refused(self, order: Awaitable[Any], code: str) -> None:
        """Assert that an order is refused with this problem code."""
        with pytest.raises(VisitError) as refusal:
            await order
        assert refusal.value.code == code

    async def archived(self, timeout: float = 40.0) -> dict[str, Any]:
        """Wait for the archive; what was noted of it."""
        await self.until(lambda view: view["recording"]["state"] == "archived", timeout)
        return next(data for kind, data in await self.journal() if kind == "Archived")

    @asynccontextmanager
    async def busy_cores(self, count: int) -> AsyncIterator[None]:
        """Keep `count` cores busy with other programs' work."""
        busy = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: sum(range(100000))")
            for _ in range(count)
        ]
        try:
            yield
        finally:
            for process in busy:
                process.kill()
                await process.wait()


@asynccontextmanager
async def visit(installation: Installation, watching: int, arrived: bool = True, **slot: Any) -> AsyncIterator[Visit]:
    """A session whose rooms publish, whose people are checked in (`arrived`), and which `watching` officers watch."""
    async with AsyncExitStack() as stack:
        session = await installation.slot(**slot)
        officers = await installation.officers()
        kiosks = {side: await stack.enter_async_context(installation.kiosk(side)) for side in Side}
        here = Visit(installation, session, officers, kiosks)
        await here.until(lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values()))
        if arrived:
            await here.check_in()
        for officer in officers:
            stack.push_async_callback(officer.leave)
        for officer in officers[:watching]:
            await officer.watch(session)
        yield here


async def grown(count: Callable[[], Awaitable[dict[str, Any]]], *keys: str, timeout: float = 15.0) -> dict[str, Any]:
    """Wait until each of `keys` in what `count` gives has grown; what it then gives."""
    before = await count()
    async with asyncio.timeout(timeout):
        while True:
            now = await count()
            if all(now[key] > before[key] for key in keys):
                return now
            await asyncio.sleep(0.1)
