"""A terminal that holds visit after visit uses no more handles for each: descriptors, sockets, threads and tasks. An
agent that is killed in a visit comes back into it. The memory of a whole day: `python -m tests.bench.kiosk_day`."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.bench.kiosk_day import hold_visit, start_terminals
from tests.support.installation import Installation
from tests.support.kiosk.terminal_process import Footprint, TerminalProcess
from tests.support.patience import PATIENCE

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.journey, pytest.mark.timeout(400)]

VISITS = 6
KILLED_IN = 2
WARM = 3
"""Visits after which the handles are compared: the kill is among those before."""
SPARE = 2
"""Handles that a terminal may have more by chance; one for each visit would be VISITS - WARM."""


async def test_visit_after_visit_needs_no_further_handles_and_a_killed_agent_comes_back(
    installation: Installation, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        terminals = await start_terminals(installation, tmp_path, True, stack)
        for number in range(1, WARM + 1):
            await hold_visit(installation, terminals, 0.0, kills=number == KILLED_IN)
        before = {side: terminal.footprint() for side, terminal in terminals.items()}
        for _ in range(WARM, VISITS):
            await hold_visit(installation, terminals, 0.0)
        for side, terminal in terminals.items():
            await _no_more_than(terminal, before[side])


async def _no_more_than(terminal: TerminalProcess, before: Footprint) -> None:
    """Wait until the terminal uses no more handles than before: what a visit has used goes a moment later."""
    names = ("descriptors", "sockets", "threads", "tasks")
    now = terminal.footprint()
    try:
        async with asyncio.timeout(PATIENCE / 3):
            while any(getattr(now, name) > getattr(before, name) + SPARE for name in names):
                await asyncio.sleep(0.5)
                now = terminal.footprint()
    except TimeoutError:
        raise AssertionError(f"before: {before}, now: {now}") from None
