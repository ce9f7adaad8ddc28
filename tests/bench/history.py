"""The time and memory that searches of the history take: python -m tests.bench.history [VISITS] (50,000)."""

import asyncio
import resource
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from broker.control.store.history.search import Search
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import monotonic
from tests.support.control.fixtures import TEN
from tests.support.history.drawn import fill, name_of, slot_of

REPEATS = 20
LIMIT = 0.3
"""Seconds that a search may take."""


def searches(count: int) -> dict[str, Search]:
    """Return what auditors look for, from the usual to the worst that the words allow."""
    middle = slot_of(count // 2).starts_at
    name = name_of(4321)
    return {
        "the newest": Search(),
        "a day": Search(since=middle, until=middle + timedelta(days=1)),
        "a site": Search([("site", ("prison-7",))]),
        "a site, a month": Search([("site", ("prison-7",))], since=middle, until=middle + timedelta(days=31)),
        "a slot number": Search([("slot", (f"YN-2026-{count // 3:06d}",))]),
        "an inmate by name": Search(inmate=name),
        "a visitor by one character": Search(visitor=name[0]),
        "an inmate by two characters": Search(inmate=name[1:3] or name[:2]),
        "a supervisor": Search([("supervisor", ("prison-3-sup-2",))]),
        "warned, of a site, last Tuesday": Search(
            [("site", ("prison-0",)), ("intervention", ("warning",))], since=middle, until=middle + timedelta(days=1)
        ),
        "an article": Search([("article", ("YN-16-3",))]),
        "archived, poor, completed": Search(
            [("state", ("archived",)), ("quality", ("poor",)), ("ending", ("completed",))]
        ),
        "archived and refused (none)": Search([("state", ("archived",)), ("ending", ("refused",))]),
        "archived, no common": Search([("state", ("archived",)), ("quality", ("fair",)), ("ending", ("completed",))]),
        "longer than 29 minutes": Search(min_seconds=1790.0),
        "archived, longer than ever": Search([("state", ("archived",))], min_seconds=9000.0),
        "five words": Search(
            [("site", ("bureau-0",)), ("state", ("archived",)), ("alert", ("room_lost",)), ("quality", ("good",))],
            inmate="王",
        ),
        "the last page, oldest first": Search(newest=False, since=slot_of(count - 40).starts_at),
        "watched by an auditor": Search([("watched", ("auditor-1",))]),
    }


async def measure(store: Store, search: Search) -> tuple[float, float, int]:
    """Return the median and the 95th percentile of the seconds that a search takes, and how many it finds."""
    seconds, found = [], 0
    for _ in range(REPEATS):
        begun = monotonic()
        found = (await store.search_visits(search)).found
        seconds.append(monotonic() - begun)
    seconds.sort()
    return seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.95)], found


async def run(count: int) -> bool:
    """Fill a database and measure all searches; whether each was quick enough."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'h.sqlite'}"
        await migrate(url)
        quick = True
        async with Store(url) as store:
            begun = monotonic()
            await fill(store, range(count))
            size = (Path(folder) / "h.sqlite").stat().st_size
            print(f"{count} visits from {TEN:%Y-%m-%d} on, {size / 1e6:.0f} MB, written in {monotonic() - begun:.0f} s")
            before = _memory()
            for title, search in searches(count).items():
                median, p95, found = await measure(store, search)
                quick = quick and p95 <= LIMIT
                print(f"{title:34} p50 {median * 1000:7.1f} ms  p95 {p95 * 1000:7.1f} ms  found {found}")
            print(f"memory grew by {_memory() - before:.1f} MB, to {_memory():.0f} MB")
        return quick


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)) else 1)
