"""A real database in a temporary folder, and a clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.control.store.migrations import migrate
from broker.control.store.records import SiteKind
from broker.control.store.store import Store
from broker.kernel.clock import Instant

TEN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai


class StoodClock:
    """Stands still until told otherwise."""

    def __init__(self):
        self.instant = Instant(TEN - timedelta(hours=1), 1000.0)

    def now(self):
        return self.instant

    def forward(self, delta):
        self.instant = self.instant.after(delta)


@pytest.fixture
def clock():
    return StoodClock()


@pytest.fixture
async def url(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'huijian.sqlite'}"
    await migrate(url)
    return url


@pytest.fixture
async def store(url, clock):
    async with Store(url, clock) as store:
        yield store


@pytest.fixture
async def places(store):
    """A prison with two rooms and a bureau with two rooms."""
    await store.add_site("first-prison", SiteKind.PRISON, "第一监狱", "yunnan")
    await store.add_site("panlong", SiteKind.BUREAU, "盘龙区司法局", "yunnan")
    for room, site in [("p1", "first-prison"), ("p2", "first-prison")]:
        await store.add_room(room, site, f"{room} 室")
    for room, site in [("v1", "panlong"), ("v2", "panlong")]:
        await store.add_room(room, site, f"{room} 室")
    return store
