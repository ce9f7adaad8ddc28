"""The other end of relay worker and recorder for tests: what comes up is kept, and lines that no client would send can
be sent."""

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from broker.ipc import framing
from broker.kernel.errors import from_problem
from tests.support.patience import PATIENCE

Members = dict[str, Any]


def named(fact: Any) -> tuple[str, Members]:
    """Return a fact as its name on the wire and its members; those of a subscription stand beside the session."""
    members = json.loads(json.dumps(to_builtins(fact)))
    name = members.pop("type")
    return name, {**members, **members.pop("subscription", {})}


class FactLog:
    """A listener that keeps every fact of one process in order."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, Members]] = []
        self.up = asyncio.Event()
        self._news = asyncio.Event()

    def connected(self) -> None:
        self.up.set()

    def received(self, fact: Any) -> None:
        self.facts.append(named(fact))
        self._news.set()

    def disconnected(self) -> None:
        self.up.clear()

    async def wait_for(
        self, name: str, after: int = 0, where: Callable[[Members], bool] = lambda _: True, timeout: float = PATIENCE
    ) -> Members:
        """Return the members of the first fact of that name from number `after` on."""
        return (await self._first(lambda other, members: other == name and where(members), after, timeout))[1]

    async def wait_for_any(self, names: Iterable[str], timeout: float = PATIENCE) -> str:
        """Return the first fact that has one of these names."""
        wanted = frozenset(names)
        return (await self._first(lambda name, _: name in wanted, 0, timeout))[0]

    async def _first(self, matches: Callable[[str, Members], bool], after: int, timeout: float) -> tuple[str, Members]:
        async with asyncio.timeout(timeout):
            while True:
                for name, members in self.facts[after:]:
                    if matches(name, members):
                        return name, members
                self._news.clear()
                await self._news.wait()


async def send_raw(path: Path, command: object) -> Any:
    """Send any JSON value as a command, and return the reply as it comes or raise the problem."""
    reader, writer = await asyncio.open_unix_connection(path, limit=framing.MAX_LINE)
    try:
        writer.write(framing.encode(framing.greeting("control")))
        line = json.dumps({"frame": "request", "number": 1, "command": command})
        writer.write(line.encode() + b"\n")
        while True:
            frame = json.loads(await reader.readline())
            if frame["frame"] == "reply":
                return frame["reply"]
            if frame["frame"] == "refusal":
                raise from_problem(frame["problem"])
    finally:
        writer.close()
