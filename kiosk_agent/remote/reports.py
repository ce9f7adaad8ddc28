"""Reports of this terminal's state: sent after each welcome, at every change and once a minute. They hold figures and
ids; no picture and no sound."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from importlib import metadata
from typing import Literal

from broker.kernel.clock import Clock
from kiosk_agent.checks.self_test import SelfTestResult, machine_figures
from signaling.api.messages.orders import Figures
from signaling.api.messages.terminals import Device, LastTest, TerminalReport

EVERY = 60.0
"""Seconds between reports where nothing changes."""
PARTS: tuple[Literal["camera", "microphone", "speaker", "network"], ...] = (
    "camera",
    "microphone",
    "speaker",
    "network",
)
DEVICES: tuple[Literal["camera", "microphone", "speaker"], ...] = ("camera", "microphone", "speaker")


class Reports:
    """Maker and sender of reports. `page_alive` returns whether the room's page answers, None for a headless terminal;
    `done` the orders that were carried out; `send` sends a message where the server has welcomed this terminal."""

    def __init__(
        self,
        clock: Clock,
        page_alive: Callable[[], bool | None],
        done: Callable[[], list[str]],
        send: Callable[[str], Awaitable[None]],
    ) -> None:
        self._clock, self._page_alive, self._done, self._send = clock, page_alive, done, send
        self._started_at = clock.now().wall
        self._version = metadata.version("huijian")
        self._test: LastTest | None = None
        self._alive = page_alive()
        self._due = asyncio.Event()

    def tested(self, result: SelfTestResult) -> None:
        """Note the result of a test, and report it."""
        self._test = last_test(result, self._clock.now().wall)
        self._due.set()

    def due(self) -> None:
        """Send a report as soon as possible: the server has welcomed this terminal, or something has changed."""
        self._due.set()

    def look(self) -> None:
        """Report where the page has come or gone since the last look."""
        alive = self._page_alive()
        if alive is not self._alive:
            self._alive = alive
            self._due.set()

    async def run(self) -> None:
        """Send reports when they are due, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._due.wait()
            except TimeoutError:
                pass  # a minute is over
            self._due.clear()
            await self.send()

    async def send(self) -> None:
        """Send a report of this moment."""
        machine = await asyncio.to_thread(machine_figures)
        await self._send(self.report(machine).model_dump_json())

    def report(self, machine: Mapping[str, float]) -> TerminalReport:
        """Return the report of this moment, with these figures of the machine."""
        alive, test = self._page_alive(), self._test
        return TerminalReport(
            version=self._version,
            shows="headless" if alive is None else "page",
            page_alive=alive,
            started_at=self._started_at,
            devices=[Device(kind=kind, works=None if test is None else kind not in test.faults) for kind in DEVICES],
            temperature=machine.get("temperature"),
            disk=machine.get("disk"),
            test=test,
            done=self._done(),
        )


def last_test(result: SelfTestResult, at: datetime) -> LastTest:
    """Return the result of a test as a report has it."""
    faults = [part for part in PARTS if part in result.faults]
    return LastTest(at=at, figures=Figures.model_validate(dict(result.figures)), faults=faults)
