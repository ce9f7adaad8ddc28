"""The time and memory that a purge plan of a million recordings takes: python -m tests.bench.archive [ROWS]."""

import asyncio
import resource
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.kernel.clock import monotonic
from broker.kernel.database import engine_for
from recorder.archive.tables import METADATA, RECORDINGS
from recorder.retention.plan import Plan, Scope, plan_of
from recorder.retention.rules import due_at

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STEP = timedelta(seconds=90)


async def fill(url: str, rows: int) -> None:
    """Fill a catalog: its newest recording ended at NOW, the others one STEP apart before it."""
    engine = engine_for(url)
    async with engine.begin() as db:
        await db.run_sync(METADATA.create_all)
        for start in range(0, rows, 20_000):
            batch = [_row(number) for number in range(start, min(start + 20_000, rows))]
            await db.execute(RECORDINGS.insert(), batch)
    await engine.dispose()


def _row(number: int) -> dict[str, object]:
    ended = NOW - number * STEP
    site, session = f"site-{number % 40}", f"ses_{number:026d}"
    path = f"{site}/{ended:%Y/%m/%d}/{session}/session.mp4"
    row = {"session": session, "site": site, "path": path, "bytes": 700_000_000, "sha256": "ab" * 32}
    row |= {"manifest_sha256": "cd" * 32, "ended_at": ended, "started_at": ended, "due_at": due_at(ended, 6)}
    return row | {"state": "archived", "announced": True, "created_at": ended}


async def measure(url: str, as_of: datetime) -> tuple[Plan, float]:
    """Return a plan, and the seconds that it took."""
    engine = engine_for(url)
    months = {f"site-{number}": 6 for number in range(40)}
    begun = monotonic()
    plan = await plan_of(engine, Scope(as_of, None, months))
    took = monotonic() - begun
    await engine.dispose()
    return plan, took


def peak() -> float:
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main(rows: int) -> None:
    """Fill a catalog, then plan with one, some and all of its recordings due."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'h.sqlite'}"
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", __spec__.name, str(rows), url)
        await process.wait()
        before = peak()
        first = due_at(NOW - (rows - 1) * STEP, 6)  # when the oldest is due; then a week's, then all
        for as_of in (first, first + timedelta(days=7), NOW + timedelta(days=400)):
            plan, took = await measure(url, as_of)
            print(f"{rows} rows, {plan.recordings} due: {took:.2f} s, peak {before:.0f} -> {peak():.0f} MB")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    asyncio.run(fill(sys.argv[2], count) if len(sys.argv) > 2 else main(count))
