"""`huijian admin history rebuild` writes every visit of the history anew."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta

from broker.booking.slot import Place
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from config.settings import Settings
from tests.support.signaling.front import ten_slot


def add_slot():
    """Store a slot of tomorrow, as an installation of a former version has it."""

    async def add():
        begins = SystemClock().now().wall.replace(microsecond=0) + timedelta(days=1)
        slot = ten_slot(starts_at=begins, ends_at=begins + timedelta(minutes=40))
        places = {side: Place(place.site, f"{place.site}-1") for side, place in vars_of(slot).items()}
        async with Store(Settings.load().database_url) as store:
            await store.add_slot(replace(slot, **places))

    asyncio.run(add())


def vars_of(slot):
    return {"prison": slot.prison, "visitor": slot.visitor}


def test_it_fills_and_repeats(huijian, sites):
    add_slot()
    for _ in range(2):
        answer = huijian("admin", "history", "rebuild", "--json")
        assert (answer.code, answer.json) == (0, {"visits": 1, "forgotten": 0})
    database = sqlite3.connect(Settings.load().database_url.removeprefix("sqlite+aiosqlite:///"))
    assert database.execute("SELECT state FROM visits").fetchall() == [("scheduled",)]
    kinds = [kind for (kind,) in database.execute("SELECT kind FROM journal")]
    database.close()
    assert kinds.count("HistoryRebuilt") == 2
