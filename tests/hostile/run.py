"""Many rows one after another: a new visit where one was harmed or nears its limit, a recording where a row needs one,
and at the end a look at what every recording has missed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import aiohttp

from broker.kernel.errors import VisitError
from tests.hostile.child import ChildFailed
from tests.hostile.flood import Result, Stretch, flood, harmed
from tests.hostile.rows.row import Row
from tests.hostile.stage import Stage, stage

SPARE = 60.0  # seconds beyond a row's own that a visit must have left
REMARKS = 90  # a visit takes 100 of them, each row makes one
RECORDED = 6.0  # seconds of a visit that an auditor is to play
MISSED = 0.5  # seconds that a recording may miss (design: what crossed is on disk, within half a second)


class Run:
    """The stage of a run, set anew where it has to be."""

    def __init__(self) -> None:
        self._around = AsyncExitStack()
        self._stage: Stage | None = None
        self._rows = 0
        self.manifests: list[dict[str, Any]] = []

    async def ready(self, row: Row, seconds: float) -> Stage:
        """Return a stage on which a row can run."""
        here = self._stage
        if here is None:
            here = self._stage = await self._around.enter_async_context(stage())
        elif here.left() < 3 * seconds + SPARE or self._rows >= REMARKS:
            await self.renew(here)
        if row.needs == "film" and not here.archived:
            await asyncio.sleep(RECORDED)
            await self.renew(here)
        self._rows += 1
        return here

    async def renew(self, here: Stage) -> None:
        """End the visit, keep its manifest, and begin another one."""
        self.manifests.append(await here.end_visit())
        self._rows = 0
        await here.begin_visit()

    async def close(self) -> str:
        """End the visit and the stage; return what is wrong with the journal, or an empty text."""
        here, self._stage = self._stage, None
        wrong = ""
        try:
            if here is not None:
                self.manifests.append(await here.end_visit())
                wrong = "" if await here.journal_whole() else "the journal's chain is broken"
        finally:
            await self.drop()
        return wrong

    async def drop(self) -> None:
        """Give up the stage, whatever state it is in."""
        self._stage, self._rows = None, 0
        around, self._around = self._around, AsyncExitStack()
        await around.aclose()


async def run(
    rows: Sequence[Row], seconds: float, tries: int, tell: Callable[[Result], None]
) -> tuple[list[Result], list[str]]:
    """Run rows; return the results, and what the recordings and the journals miss."""
    results: list[Result] = []
    wrong: list[str] = []
    here = Run()
    try:
        for row in rows:
            result = await _tried(here, row, seconds, tries)
            results.append(result)
            tell(result)
            if harmed(result):
                await here.drop()
        wrong.append(await here.close())
    finally:
        await here.drop()
    return results, [each for each in wrong if each] + [each for told in here.manifests for each in gaps(told, results)]


async def _tried(here: Run, row: Row, seconds: float, tries: int) -> Result:
    for _ in range(tries - 1):
        result = await _once(here, row, seconds)
        if not result.broken:
            return result
        if harmed(result):
            await here.drop()
    return await _once(here, row, seconds)


async def _once(here: Run, row: Row, seconds: float) -> Result:
    """Run a row; where a process ended in the middle of it, the result says only that."""
    try:
        return await flood(await here.ready(row, seconds), row, seconds)
    except (ChildFailed, TimeoutError, VisitError, aiohttp.ClientError) as error:
        await here.drop()
        result = Result(row, Stretch(), Stretch(), {}, seconds, time.time(), 0.0)
        result.broken.append(f"{type(error).__name__}: {error}"[:500])
        return result


def gaps(manifest: dict[str, Any], results: Sequence[Result]) -> list[str]:
    """Return each gap of a recording that is too long, with the row during which it began."""
    zero = datetime.fromisoformat(manifest["started_at"]).timestamp()
    found = []
    for gap in manifest["gaps"]:
        if gap["seconds"] > MISSED:
            at = zero + gap["start"]
            row = next((result.row.name for result in reversed(results) if result.began <= at), "the beginning")
            found.append(f"recording: {gap} began during {row}")
    return found
