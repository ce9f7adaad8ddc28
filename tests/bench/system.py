"""What the bench asks of a system under test."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.client import Client

SIDES = ("prison", "visitor")
KINDS = ("audio", "video")
SUPERVISORS = 4
STREAMS = 4  # a session's publishers send two each
FAN_OUT = 1 + SUPERVISORS  # everybody who gets a stream: the far room and the supervisors
CONNECTING = 6  # sessions set up at a time


@dataclass(frozen=True, slots=True)
class Place:
    """Where a system runs: its core, the core of everything else, a folder of its own; whether it records, and whether
    what is recorded is only taken and thrown away."""

    core: int
    other_core: int
    folder: Path
    record: bool
    discard: bool


class System(Protocol):
    """A server that forwards: both publishers' streams to the other kiosk and to every supervisor."""

    pid: int

    async def start(self, place: Place) -> None:
        """Be ready for sessions."""

    async def session(self, number: int) -> list[Client]:
        """Set up one session; its connected clients, publishers first."""

    async def note(self) -> str:
        """What else went wrong, or an empty string."""

    async def stop(self) -> None:
        """End it."""


async def connected(client: Client) -> Client:
    """`client` once it is."""
    await client.connect()
    return client


def watchers() -> list[tuple[str, ...]]:
    """The sides that each watcher of a session gets: two kiosks, then the supervisors."""
    return [("visitor",), ("prison",), *[SIDES] * SUPERVISORS]


async def sessions(system: System, first: int, count: int) -> list[list[Client]]:
    """Set up sessions `first` to `first + count - 1`, some at a time; in that order."""
    slots = asyncio.Semaphore(CONNECTING)

    async def one(number: int) -> list[Client]:
        async with slots:
            return await system.session(number)

    return await asyncio.gather(*(one(number) for number in range(first, first + count)))
