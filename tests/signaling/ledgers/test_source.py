"""Where a ledger is read: every visit of the site and the days once, over all pages, adding up to what the database
says."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from broker.control.store.history.tables import visits
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from broker.kernel.database import reading
from broker.kernel.errors import NotFound
from signaling.ledgers.entry import Request, Totals
from signaling.ledgers.source import PAGE, LedgerSource
from signaling.views.names import Names
from signaling.views.recordings import Recordings
from tests.support.history.drawn import SITES, fill, slot_of

EACH = 2 * PAGE + 7
"""Visits of one site: more than two pages."""


@pytest.fixture
async def store(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'h.sqlite'}"
    await migrate(url)
    async with Store(url, SystemClock()) as opened:
        await fill(opened, range(0, EACH * SITES, SITES))  # all of prison-0
        yield opened


def request_of(public=False):
    since: date = slot_of(0).starts_at.date()
    return Request(site="prison-0", since=since, until=since + timedelta(days=30), public=public)


def source_of(store):
    clock = SystemClock()
    return LedgerSource(store, Recordings(store.engine), Names(store, lambda: clock.now().mono))


async def test_every_visit_is_read_once_in_the_order_of_time_and_adds_up_to_the_database(store):
    entries = [entry async for entry in source_of(store).entries(request_of())]
    starts = [entry.starts_at for entry in entries]
    assert len({entry.session for entry in entries}) == len(entries) == EACH and starts == sorted(starts)
    totals = Totals()
    for entry in entries:
        totals.add(entry)
    async with reading(store.engine) as db:
        states = dict((await db.execute(select(visits.c.state, func.count()).group_by(visits.c.state))).all())
        alerts, seconds = (await db.execute(select(func.sum(visits.c.alerts), func.sum(visits.c.seconds)))).one()
    assert (totals.states, totals.alerts, totals.seconds) == (states, alerts, round(seconds))


async def test_no_name_and_no_id_goes_further_in_a_public_ledger(store):
    source = source_of(store)
    full = [entry async for entry in source.entries(request_of())]
    public = [entry async for entry in source.entries(request_of(public=True))]
    for whole, masked in zip(full, public, strict=True):
        assert not (masked.session or masked.officers or masked.others or masked.interventions or masked.approved_by)
        assert masked.inmates == (f"{whole.inmates[0][0]}**",) and whole.inmates[0] not in repr(masked)
        assert (masked.starts_at, masked.seconds, masked.state) == (whole.starts_at, whole.seconds, whole.state)


async def test_a_site_that_is_not_there_has_none(store):
    request = Request(site="nowhere", since=date(2026, 3, 2), until=date(2026, 3, 2), public=False)
    with pytest.raises(NotFound):
        await source_of(store).head(request, slot_of(0).starts_at, "user:a", "a")
