"""Pretend tools of drills: terminals that are connected, a program that tells what the test says, a disk and a key."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.control.drills.tools import Part
from broker.drills.judgement import Disk
from broker.kernel.ids import RoomId, SessionId


@dataclass
class PretendTools:
    """Tools of which every answer is set. `reports` is what the program tells; then it waits for `go_on`."""

    rooms: frozenset[str] = frozenset()
    reports: Sequence[Mapping[str, Any]] = ()
    damages: tuple[str, ...] = ()
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    parts: list[Part] = field(default_factory=list)
    sealed: list[Mapping[str, Any]] = field(default_factory=list)

    def connected(self, room: RoomId) -> bool:
        """Return whether the room is one of `rooms`."""
        return room in self.rooms

    async def play(self, part: Part) -> AsyncIterator[Mapping[str, Any]]:
        """Tell what is set, and end when the test lets it."""
        self.parts.append(part)
        for report in self.reports:
            yield report
        await self.go_on.wait()

    async def verify(self, session: SessionId) -> tuple[str, ...]:
        """Return the damages that are set."""
        return self.damages

    async def measure_disk(self) -> Disk:
        """Return a disk that is large and fast."""
        return Disk(10**10, 10**9, 1e8, 4e5)

    async def seal(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result with a signature that says nothing."""
        self.sealed.append(result)
        return {**result, "signature": {"algorithm": "none", "key": "k", "value": "v"}}
