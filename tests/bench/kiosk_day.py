"""A day of a visiting room in short: python -m tests.bench.kiosk_day [--visits 10] [--seconds 8] [--pair page].

Ten visits one after another between two terminals in processes of their own, with real media. In the second visit an
agent is killed (SIGKILL) and started again, as systemd does; in the third its browser. After each visit memory and
handles are counted while the terminals are idle, and after the last the slope of each from the fourth visit on."""

import argparse
import asyncio
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console

from broker.kernel.ids import Side
from huijian.demo.officers import OfficerClient
from huijian.demo.setup import PLACES
from kiosk_agent.identity import identity_file
from tests.support.installation import Installation, installation, long_pack
from tests.support.kiosk.terminal_process import Footprint, TerminalProcess
from tests.support.patience import PATIENCE
from tests.support.visit import Visit

WARM = 3
"""Visits until caches and pools have their final size; the kills are among them."""
LIMIT = 240.0
"""Seconds of a visit: a busy machine starts a killed browser in a minute."""
COLUMNS = ("agent", "browser", "descriptors", "sockets", "threads", "tasks")
Terminals = dict[Side, TerminalProcess]


async def day(console: Console, headless: bool, visits: int, seconds: float) -> dict[Side, list[Footprint]]:
    """Hold the visits; return what each terminal used after each of them."""
    found: dict[Side, list[Footprint]] = {side: [] for side in Side}
    with tempfile.TemporaryDirectory(prefix="hj") as folder:
        async with installation(long_pack(Path(folder), LIMIT)) as here, AsyncExitStack() as stack:
            here.minutes = round(LIMIT / 60)
            terminals = await start_terminals(here, Path(folder), headless, stack)
            for number in range(1, visits + 1):
                await hold_visit(here, terminals, seconds, kills=number == 2, kills_browser=number == 3)
                for side, terminal in terminals.items():
                    found[side].append(terminal.footprint())
                console.print(line(number, found))
    return found


async def start_terminals(here: Installation, folder: Path, headless: bool, stack: AsyncExitStack) -> Terminals:
    """Start both terminals, which end with the stack; their identities are files in the folder."""
    terminals = {}
    for side in Side:
        file = folder / f"{side}.json"
        identity_file.write(file, here.credentials.terminals[side].identity(here.server))
        terminals[side] = TerminalProcess(file, headless)
        await terminals[side].start()
        stack.push_async_callback(terminals[side].stop)
    officers = await here.officers()
    await asyncio.gather(
        *(tested(officer, PLACES[side].room) for officer, side in zip(officers[::2], Side, strict=True))
    )
    return terminals


async def tested(officer: OfficerClient, room: str) -> None:
    """Wait until the equipment of a room has passed a test: on a busy machine the first may fail, and check-in would
    close meanwhile."""
    async with asyncio.timeout(3 * PATIENCE):
        while True:
            tests = (await officer.get(f"rooms/{room}/tests"))["tests"]
            if tests and tests[0]["passed"]:
                return
            await asyncio.sleep(1)  # another process tests, which sets no event in this one


async def hold_visit(
    here: Installation, terminals: Terminals, seconds: float, kills: bool = False, kills_browser: bool = False
) -> None:
    """Hold one visit, in which the prison's agent or browser may be killed, and wait until both terminals are idle
    again."""
    officers = await here.officers()
    visit = Visit(here, await here.slot(), officers)
    prison = terminals[Side.PRISON]
    try:
        await visit.until(lambda view: all(side["media"] and side["self_test"] for side in view["sides"].values()))
        await visit.check_in()
        await visit.watch(officers)
        await visit.live()
        await meet(terminals)
        if kills:
            await prison.kill()
            await prison.start()
            await meet(terminals)
        if kills_browser and prison.browser:
            await kill_browser(prison)
            await meet(terminals)
        await asyncio.sleep(seconds)
    finally:
        await visit.close()
    await asyncio.gather(*(terminal.until("waiting", seconds=PATIENCE) for terminal in terminals.values()))


async def kill_browser(terminal: TerminalProcess) -> None:
    """Kill a terminal's browser, and wait until it runs again."""
    before = terminal.browser
    os.kill(before, signal.SIGKILL)
    async with asyncio.timeout(PATIENCE):
        while terminal.browser in (0, before):
            await asyncio.sleep(0.2)


async def meet(terminals: Terminals) -> None:
    """Wait until each room sees the other."""
    await asyncio.gather(*(terminal.until("live", 10) for terminal in terminals.values()))


def line(number: int, found: dict[Side, list[Footprint]]) -> str:
    """Return what both terminals used after a visit."""
    parts = []
    for side, footprints in found.items():
        last = footprints[-1]
        parts.append(
            f"{side.value:8} agent {last.agent:6.1f} MB  browser {last.browser:6.1f} MB  fds {last.descriptors:3}  "
            f"sockets {last.sockets:3}  threads {last.threads:3}  tasks {last.tasks:3}"
        )
    return f"visit {number:2}  " + "\n          ".join(parts)


def slopes(footprints: list[Footprint]) -> dict[str, float]:
    """Return how much of each there is more after a further visit, by a straight line through those after WARM."""
    warm = [asdict(each) for each in footprints[WARM:]]
    return {name: float(np.polyfit(range(len(warm)), [each[name] for each in warm], 1)[0]) for name in COLUMNS}


def main() -> None:
    """Run as a program, and print the table and the slopes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--visits", type=int, default=10)
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--pair", choices=("headless", "page"), default="headless")
    chosen = options.parse_args()
    console = Console(width=140, highlight=False)
    found = asyncio.run(day(console, chosen.pair == "headless", chosen.visits, chosen.seconds))
    for side, footprints in found.items():
        if len(footprints) > WARM + 2:
            text = ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes(footprints).items())
            console.print(f"{chosen.pair} {side.value}: a further visit adds {text}")


if __name__ == "__main__":
    main()
