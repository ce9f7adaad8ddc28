"""A visit under way in an Installation: both kiosks, people checked in, some officers watching."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from broker.kernel.errors import Busy, VisitError
from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from kiosk_agent.agent import Kiosk
from tests.support.installation import Installation
from tests.support.kernel_stamps import Arrivals
from tests.support.patience import PATIENCE


def quorum_of(view: dict[str, Any]) -> tuple[int, int]:
    """Return how many officers of the prison and of the visitors' side are present."""
    return len(view["quorum"]["prison"]["have"]), len(view["quorum"]["visitor"]["have"])


def held_for(code: str) -> Callable[[dict[str, Any]], bool]:
    """Return whether a view is of a visit on hold for this reason; when it is gone there is none for a moment."""
    return lambda view: view["state"] == "held" and (view["reason"] or {}).get("code") == code


class Visit:
    """One session with its officers and kiosks."""

    def __init__(self, installation: Installation, session: str, officers: list[OfficerClient]) -> None:
        self.installation, self.session, self.officers = installation, session, officers
        self.kiosks: dict[Side, Kiosk] = {}
        self.arrivals = {side: Arrivals() for side in Side}
        """When packets reach each room."""

    async def until(self, holds: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait for a view of the session that fulfils `holds`, and return it."""
        return await self.installation.until(self.officers[0], self.session, holds, timeout)

    async def live(self) -> float:
        """Wait until media crosses; return the monotonic second of the first crossing."""
        await self.until(lambda view: view["state"] == "live" and view["crossed_ms"] is not None)
        journal = await self.installation.journal_with(self.session, lambda kind, _: kind == "Crossed")
        return next(float(data["mono"]) for kind, data in journal if kind == "Crossed")

    async def shut_after(self, mono: float) -> float:
        """Return when the gate was first shut after `mono`, by the relay's own report, which comes later than the
        broker's view. On a busy machine it may shut again for another reason."""

        def shut(kind: str, data: dict[str, Any]) -> bool:
            return kind == "GateShut" and data["mono"] > mono

        journal = await self.installation.journal_with(self.session, shut)
        return next(float(data["mono"]) for kind, data in journal if shut(kind, data))

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
        """Return when the kernel took in the last packet for either room (monotonic s), however late it was read."""
        return max([(await arrivals.caught_up()).last for arrivals in self.arrivals.values()])

    async def last_packet_before(self, mono: float) -> bool:
        """Whether nothing was sent to either room after `mono`."""
        last = await self.last_packet()
        assert last <= mono, f"a packet came {last - mono:.3f} s too late"
        return True

    async def sees_far_room(self, side: Side, timeout: float = PATIENCE) -> bool:
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
        async with asyncio.timeout(PATIENCE):
            while True:
                before = await self.far(side)
                await grown(lambda: self._pictures(side), "frames")
                now = await self.far(side)
                if now["audio"]["packets"] == before["audio"]["packets"]:
                    return now

    async def frames_later(self, side: Side, count: int) -> None:
        """Wait for this number of further pictures of the far room, 25 of which are a second."""
        until = (await self._pictures(side))["frames"] + count
        async with asyncio.timeout(PATIENCE):
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

    async def archived(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """Wait until the recording is archived; return the data of the journal entry."""
        await self.until(lambda view: view["recording"]["state"] == "archived", timeout)
        return next(data for kind, data in await self.journal() if kind == "Archived")

    async def close(self) -> None:
        """End the visit, where it has not ended, so that the rooms are free for the next one."""
        try:
            await self.end()
        finally:
            await asyncio.gather(*(officer.leave() for officer in self.officers))

    async def end(self) -> None:
        """End the visit, where it has not ended, also when the server starts again only now."""
        async with asyncio.timeout(PATIENCE):
            while not await self._ended():
                await asyncio.sleep(0.1)  # another process starts again, which sets no event in this one

    async def _ended(self) -> bool:
        """Order the end; return whether the visit has ended now. It has not where a test, or its failure, has left the
        server broken."""
        await self.installation.answering()
        try:
            await self.officers[0].end(self.session, "YN-17-10")
        except aiohttp.ClientError:
            return False
        except VisitError as error:
            return error.http_status != Busy.http_status
        return True

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
        await installation.answering()
        officers = await installation.officers()
        here = Visit(installation, await installation.slot(**slot), officers)
        stack.push_async_callback(here.end)  # first: whatever fails below, the rooms are free for the next visit
        for side in Side:
            kiosk = installation.kiosk(side, arrivals=here.arrivals[side])
            here.kiosks[side] = await stack.enter_async_context(kiosk)
        stack.push_async_callback(here.close)
        await here.until(lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values()))
        if arrived:
            await here.check_in()
        await here.watch(officers[:watching])
        yield here


async def grown(count: Callable[[], Awaitable[dict[str, Any]]], *keys: str) -> dict[str, Any]:
    """Wait until each of `keys` in what `count` returns has grown; return the counts then."""
    before = await count()
    async with asyncio.timeout(PATIENCE):
        while True:
            now = await count()
            if all(now[key] > before[key] for key in keys):
                return now
            await asyncio.sleep(0.1)
