"""The program of a drill's synthetic officers, in a process of its own: they receive and decode both rooms as browsers
do, so that they must not burden the control process. It reads its part from standard input, one line of JSON, tells
what it does on standard output, and ends when that input closes: it never outlives the service."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from broker.kernel.clock import monotonic
from broker.kernel.errors import VisitError
from broker.kernel.ids import Side
from config.logs import configure
from huijian.demo.officers import OfficerClient
from signaling.api.messages.socket import SUBPROTOCOL

OPEN = 6.0
"""Seconds for which media crosses, in all, before an officer leaves."""
ALONE = 1.0
"""Seconds for which all but one watch: time in which something could wrongly cross."""
AWAY = 3.0
"""Seconds after which an officer comes back whom nothing has missed: longer than the cut may take."""
PATIENCE = 40.0
"""Seconds within which each step is reached, or the drill is given up: longer than its whole time of crossing."""
NICE = 2  # lower than what carries visits

Tell = Callable[[Mapping[str, Any]], None]
View = Mapping[str, Any]


class Over(Exception):
    """The drill has ended before its program had."""


@dataclass
class Drill:
    """The session of a drill as its officers see it: the last view, and what is notified of the next one."""

    session: str
    tell: Tell
    view: View = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    lacking: tuple[str, ...] = ()

    async def take(self, view: View) -> None:
        """Take in a view, and tell what the session lacks when that has changed."""
        lacking = tuple(entry["code"] for entry in view["missing"])
        if lacking != self.lacking and view["state"] != "ended":
            self.lacking = lacking
            self.tell({"missing": lacking})
        async with self.changed:
            self.view = view
            self.changed.notify_all()

    async def until(self, holds: Callable[[View], bool], ends: bool = False) -> View:
        """Wait for a view that fulfils `holds`. Raises Over when the drill ends meanwhile, unless its end is waited
        for (`ends`), and TimeoutError where nothing comes of it."""
        async with asyncio.timeout(PATIENCE), self.changed:
            while not (self.view and holds(self.view)):
                if self.view.get("state") == "ended" and not ends:
                    raise Over()
                await self.changed.wait()
            return self.view

    def did(self, name: str) -> None:
        """Tell that a step is reached, at this moment."""
        self.tell({"did": name, "mono": monotonic()})


async def play(server: str, part: Mapping[str, Any], tell: Tell) -> None:
    """Play the part of the synthetic officers of one drill, from check-in to the sealed recording. Raises Over where
    the drill ends before that, VisitError for what the server refuses."""
    drill = Drill(part["session"], tell)
    async with aiohttp.ClientSession(trust_env=False) as http:
        officers = {side: [OfficerClient(http, server, token) for token in part["tokens"][side]] for side in Side}
        following = asyncio.create_task(_follow(http, server, officers[Side.PRISON][0].token, drill))
        acting = asyncio.create_task(_act(drill, officers))
        try:
            await asyncio.wait((acting, following), return_when=asyncio.FIRST_COMPLETED)
            if not acting.done():
                await following  # raises why the server cannot be followed
                raise Over()
            await acting
        finally:
            acting.cancel()
            for officer in (one for found in officers.values() for one in found):
                await officer.leave()
            following.cancel()
            await asyncio.gather(acting, following, return_exceptions=True)


async def _act(drill: Drill, officers: Mapping[Side, Sequence[OfficerClient]]) -> None:
    *others, last = [*officers[Side.PRISON], *officers[Side.VISITOR]]
    await drill.until(lambda view: all(side["self_test"] for side in view["sides"].values()))
    drill.did("tested")
    for side in Side:
        await officers[side][0].check_in(drill.session, side)
    await drill.until(lambda view: all(side["media"] and side["receiving"] for side in view["sides"].values()))
    drill.did("checked_in")
    await asyncio.gather(*(officer.watch(drill.session) for officer in others))
    await drill.until(lambda view: _watching(view) >= len(others))
    drill.did("three")
    await asyncio.sleep(ALONE)
    drill.did("fourth")
    await last.watch(drill.session)
    await _open_for(drill, OPEN)
    drill.did("left")
    await last.leave()
    await _held(drill)
    drill.did("returned")
    await last.watch(drill.session)
    await drill.until(lambda view: view["state"] == "ended", ends=True)
    drill.did("ended")
    await drill.until(lambda view: view["recording"]["state"] in ("archived", "failed", "none"), ends=True)
    drill.did("sealed")


def _watching(view: View) -> int:
    return sum(len(quorum["have"]) for quorum in view["quorum"].values())


async def _open_for(drill: Drill, seconds: float) -> None:
    """Wait until the gate has been open for so long in all, and is open."""
    while True:
        await drill.until(lambda view: view["state"] == "live")
        begun = monotonic()
        try:
            async with asyncio.timeout(seconds):
                await drill.until(lambda view: view["state"] != "live")
        except TimeoutError:
            return
        seconds = max(seconds - (monotonic() - begun), 0.5)


async def _held(drill: Drill) -> None:
    """Wait until the gate is shut; where it stays open, for longer than it may."""
    try:
        async with asyncio.timeout(AWAY):
            await drill.until(lambda view: view["state"] == "held")
    except TimeoutError:
        drill.did("not_cut")


async def _follow(http: aiohttp.ClientSession, server: str, token: str, drill: Drill) -> None:
    """Take in every view of the session, until cancelled or until the server closes the socket."""
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{server}/api/v1/ws"
    async with http.ws_connect(url, headers=headers, protocols=[SUBPROTOCOL], heartbeat=10) as socket:
        async for frame in socket:
            message = frame.json()
            views = message["sessions"] if message["type"] == "sessions" else [message.get("session")]
            for view in views:
                if isinstance(view, dict) and view["id"] == drill.session:
                    await drill.take(view)


def _print(report: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Play the part that standard input brings, until it is over or standard input closes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    order = json.loads(await reader.readline())
    playing = asyncio.create_task(play(order["server"], order["part"], _print))
    parent = asyncio.create_task(reader.read())
    await asyncio.wait((playing, parent), return_when=asyncio.FIRST_COMPLETED)
    for task in (playing, parent):
        task.cancel()
    try:
        await playing
    except asyncio.CancelledError:
        pass
    except TimeoutError:
        _print({"did": "given_up", "mono": monotonic()})
    except Over:
        _print({"did": "over", "mono": monotonic()})
    except (aiohttp.ClientError, OSError):
        _print({"did": "no_server", "mono": monotonic()})
    except VisitError as error:
        _print({"did": f"refused_{error.code}", "mono": monotonic()})


if __name__ == "__main__":
    configure("error")
    os.nice(NICE)
    asyncio.run(main())
