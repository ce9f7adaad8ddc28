"""The interface of a system under test, and the sessions that are set up on it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.client import Client

SIDES = ("prison", "visitor")
KINDS = ("audio", "video")
SUPERVISORS = 4
STREAMS = 4  # a session's publishers send two each
FAN_OUT = 1 + SUPERVISORS  # receivers of each stream: the far room and the supervisors
CONNECTING = 6  # sessions set up at a time


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system runs: its core, the core of everything else, and its folder. Also whether it records, and whether
    the records are only read and thrown away."""

    core: int
    other_core: int
    folder: Path
    record: bool
    discard: bool


class System(Protocol):
    """A server that forwards the streams of both publishers to the other kiosk and to every supervisor."""

    pid: int

    async def start(self, place: Place) -> None:
        """Start the server, and wait until it takes sessions."""

    async def session(self, number: int) -> list[Client]:
        """Set up a session and return its connected clients, publishers first."""

    async def note(self) -> str:
        """Return what else went wrong, or an empty string."""

    async def stop(self) -> None:
        """End the server and its clients' connections to it."""


async def connected(client: Client) -> Client:
    """Connect a client and return it."""
    await client.connect()
    return client


def watchers() -> list[tuple[str, ...]]:
    """Return the sides that each watcher of a session receives: two kiosks, then the supervisors."""
    return [("visitor",), ("prison",), *[SIDES] * SUPERVISORS]


async def sessions(system: System, first: int, count: int) -> list[list[Client]]:
    """Set up sessions `first` to `first + count - 1`, CONNECTING at a time, and return them in that order."""
    slots = asyncio.Semaphore(CONNECTING)

    async def set_up(number: int) -> list[Client]:
        async with slots:
            return await system.session(number)

    return await asyncio.gather(*(set_up(number) for number in range(first, first + count)))
