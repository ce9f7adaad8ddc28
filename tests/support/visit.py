"""A visit under way in an Installation: both kiosks, people checked in, some officers watching."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from kiosk_agent.agent import Kiosk
from tests.support.installation import Installation


def quorum_of(view: dict[str, Any]) -> tuple[int, int]:
    """Return how many officers of the prison and of the visitors' side are present."""
    return len(view["quorum"]["prison"]["have"]), len(view["quorum"]["visitor"]["have"])


class Visit:
    """One session with its officers and kiosks."""

    def __init__(
        self, installation: Installation, session: str, officers: list[OfficerClient], kiosks: dict[Side, Kiosk]
    ) -> None:
        self.installation, self.session, self.officers, self.kiosks = installation, session, officers, kiosks

    async def until(self, holds: Callable[[dict[str, Any]], bool], timeout: float = 40.0) -> dict[str, Any]:
        """Wait for a view of the session that fulfils `holds`, and return it."""
        return await self.installation.until(self.officers[0], self.session, holds, timeout)

    async def live(self) -> float:
        """Wait until media crosses; return the monotonic second of the first crossing."""
        await self.until(lambda view: view["state"] == "live" and view["crossed_ms"] is not None)
        journal = await self.installation.journal_with(self.session, lambda kind, _: kind == "Crossed")
        return next(float(data["mono"]) for kind, data in journal if kind == "Crossed")

    async def shut_at(self) -> float:
        """Return when the gate was last shut, by the relay's own report, which comes later than the broker's view."""
        journal = await self.installation.journal_with(self.session, lambda kind, _: kind == "GateShut")
        return float([data["mono"] for kind, data in journal if kind == "GateShut"][-1])

    async def check_in(self) -> None:
        """Check in the people of both sides."""
        await self.officers[0].check_in(self.session, Side.PRISON)
        await self.officers[2].check_in(self.session, Side.VISITOR)

    async def watch(self, officers: list[OfficerClient]) -> None:
        """Let these officers watch both rooms."""
        await asyncio.gather(*(officer.watch(self.session) for officer in officers))

    async def journal(self) -> list[tuple[str, dict[str, Any]]]:
        """Return kind and data of this session's journal entries."""
        return await self.installation.journal(self.session)

    async def far(self, side: Side) -> dict[str, Any]:
        """Return what the room of `side` has received of the far room."""
        return dict((await self.kiosks[side].measure())["far"])

    async def packets_over(self) -> int:
        """Return the number of RTP packets that either room has received of the other."""
        return sum(
            [far[kind]["packets"] for side in Side for far in [await self.far(side)] for kind in ("video", "audio")]
        )

    async def last_packet(self) -> float:
        """Return the monotonic second of the last packet that either room received of the other."""
        fars = [await self.far(side) for side in Side]
        return max(far[kind]["last_packet_at"] or 0.0 for far in fars for kind in ("video", "audio"))

    async def last_packet_before(self, mono: float) -> bool:
        """Whether neither room received anything after `mono`."""
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
        """Wait until sound has stopped coming to the room of `side` while pictures go on; return the counts by then."""
        async with asyncio.timeout(10):
            while True:
                before = await self.far(side)
                await grown(lambda: self._pictures(side), "frames")
                now = await self.far(side)
                if now["audio"]["packets"] == before["audio"]["packets"]:
                    return now

    async def frames_later(self, side: Side, count: int) -> None:
        """Wait for this number of further pictures of the far room, 25 of which are a second."""
        until = (await self._pictures(side))["frames"] + count
        async with asyncio.timeout(30):
            while (await self._pictures(side))["frames"] < until:
                await asyncio.sleep(0.1)

    async def _pictures(self, side: Side) -> dict[str, Any]:
        return dict((await self.far(side))["video"])

    async def silence(self, seconds: float) -> None:
        """Wait `seconds` in which something could wrongly cross; the receivers' counts are checked afterwards."""
        await asyncio.sleep(max(0.0, seconds))

    async def refused(self, order: Awaitable[Any], code: str) -> None:
        """Assert that an order is refused with this problem code."""
        with pytest.raises(VisitError) as refusal:
            await order
        assert refusal.value.code == code

    async def archived(self, timeout: float = 40.0) -> dict[str, Any]:
        """Wait until the recording is archived; return the data of the journal entry."""
        await self.until(lambda view: view["recording"]["state"] == "archived", timeout)
        return next(data for kind, data in await self.journal() if kind == "Archived")

    async def close(self) -> None:
        """End the visit, where it has not ended, so that the rooms are free for the next one."""
        with suppress(
            VisitError, aiohttp.ClientError, OSError, TimeoutError
        ):  # it has ended, or the test has broken the server
            await self.officers[0].end(self.session, "END-COMPLETED")
        await asyncio.gather(*(officer.leave() for officer in self.officers))

    @asynccontextmanager
    async def busy_cores(self, count: int) -> AsyncIterator[None]:
        """Keep `count` cores busy with processes that compute."""
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
    """Hold a visit whose rooms publish, whose people are checked in (`arrived`), and which `watching` officers
    watch."""
    async with AsyncExitStack() as stack:
        session = await installation.slot(**slot)
        officers = await installation.officers()
        kiosks = {side: await stack.enter_async_context(installation.kiosk(side)) for side in Side}
        here = Visit(installation, session, officers, kiosks)
        stack.push_async_callback(here.close)
        await here.until(lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values()))
        if arrived:
            await here.check_in()
        await here.watch(officers[:watching])
        yield here


async def grown(count: Callable[[], Awaitable[dict[str, Any]]], *keys: str, timeout: float = 15.0) -> dict[str, Any]:
    """Wait until each of `keys` in what `count` returns has grown; return the counts then."""
    before = await count()
    async with asyncio.timeout(timeout):
        while True:
            now = await count()
            if all(now[key] > before[key] for key in keys):
                return now
            await asyncio.sleep(0.1)
