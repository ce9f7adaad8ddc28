"""How soon two rooms see each other again after their line was cut: python -m tests.bench.room_return [--cuts 5].

One visit with real media; the line of both rooms, media and requests together, is cut for ten seconds, again and again.
After each mending the seconds are printed until the relay has the media of both rooms again, until the gate is open,
and until both rooms show a new picture. The pack's `reopen_after` is part of the last two: the gate waits so long after
the cause of a hold is gone (2 s), so that a flickering line is one hold."""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from rich.console import Console

from broker.kernel.ids import Side
from tests.support.installation import Installation, installation, patient_pack
from tests.support.kiosk.cut_line import cut_line
from tests.support.kiosk.room_page import shows
from tests.support.kiosk.two_rooms import PageRoom, two_rooms
from tests.support.patience import PATIENCE
from tests.support.visit import Visit

LIMIT = 300.0
"""Seconds of the visit: longer than all cuts."""
CUT = 10.0
"""Seconds of one cut."""
COLUMNS = ("media", "gate", "picture")
SHOWN = "() => document.querySelector('video.far')?.getVideoPlaybackQuality().totalVideoFrames > 0"
"""Whether the live screen shows the far room; on a hold it has no such element."""


async def cuts(console: Console, count: int) -> None:
    """Hold the visit and cut its line `count` times."""
    with tempfile.TemporaryDirectory(prefix="hj") as folder, pytest.MonkeyPatch.context() as patch:
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(installation(patient_pack(Path(folder), LIMIT)))
            here.minutes = round(LIMIT / 60)
            line = await stack.enter_async_context(cut_line(here.server, patch))
            rooms = await stack.enter_async_context(two_rooms(here, line.url, Path(folder)))
            visit = await begun(here, rooms)
            try:
                for number in range(1, count + 1):
                    line.cut()
                    await visit.until(lambda view: view["state"] == "held" and not view["sides"]["prison"]["media"])
                    await asyncio.sleep(CUT)  # what is measured is the return from a cut of this length
                    line.mend()
                    seconds, reasons = await returned(visit, rooms)
                    text = "  ".join(f"{name} {second:5.2f} s" for name, second in zip(COLUMNS, seconds, strict=True))
                    console.print(f"cut {number:2}  {text}  held by {', '.join(reasons)}")
            finally:
                await visit.close()


async def begun(here: Installation, rooms: dict[Side, PageRoom]) -> Visit:
    """Begin the visit: rules acknowledged, people checked in, officers watching."""
    officers = await here.officers()
    visit = Visit(here, await here.slot(), officers)
    for room in rooms.values():
        await acknowledge(room.page)
    await visit.check_in()
    await visit.watch(officers)
    await visit.live()
    await asyncio.gather(*(room.sees_more() for room in rooms.values()))
    return visit


async def acknowledge(page: Page) -> None:
    """Acknowledge the rules at one terminal by key."""
    await shows(page, "check_in")
    while await (following := page.get_by_role("button", name="下一页")).is_visible():
        await following.press("Enter")
    await page.get_by_role("button", name="我们已知晓，并将遵守").press("Enter")


async def returned(visit: Visit, rooms: dict[Side, PageRoom]) -> tuple[tuple[float, float, float], list[str]]:
    """Return the seconds from now until media, gate and pictures are back, and what kept the gate shut meanwhile."""
    since = time.monotonic()
    await visit.until(lambda view: all(side["media"] for side in view["sides"].values()))
    media = time.monotonic() - since
    reasons: list[str] = []
    await visit.until(lambda view: _open(view, reasons))
    gate = time.monotonic() - since
    await asyncio.gather(*(room.page.wait_for_function(SHOWN, timeout=PATIENCE * 1000) for room in rooms.values()))
    return (media, gate, time.monotonic() - since), reasons


def _open(view: dict[str, Any], reasons: list[str]) -> bool:
    """Whether the gate is open; note why it is not, each reason once in a row."""
    code = (view["reason"] or {}).get("code", "")
    if code and reasons[-1:] != [code]:
        reasons.append(code)
    return bool(view["gate"] == "open")


def main() -> None:
    """Run the measurement as a program."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cuts", type=int, default=5)
    asyncio.run(cuts(Console(width=140, highlight=False), options.parse_args().cuts))


if __name__ == "__main__":
    main()
