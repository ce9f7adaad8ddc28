"""A control process of its own that is killed at a point of a withdrawal: after the slot's row and before its session
learns of it (`row`), or after the session's snapshot (`snapshot`).

Arguments: database url, folder, slot, point. Exits with 9, as a kill does.
"""

import asyncio
import os
import sys
from pathlib import Path

from broker.control.broker import Broker
from broker.control.journal.journal import Journal
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock


class DyingStore(Store):
    """The store of a process that ends after it has written a certain row."""

    point = ""

    async def cancel_slot(self, *what):
        await super().cancel_slot(*what)
        if self.point == "row":
            os._exit(9)

    async def save_snapshot(self, session, state, *more):
        await super().save_snapshot(session, state, *more)
        if self.point == "snapshot" and state == "ended":
            os._exit(9)


async def main(url, folder, slot, point):
    clock = SystemClock()
    async with DyingStore(url, clock) as store, Journal(store.engine, clock) as journal:
        store.point = point
        async with Broker(store, journal, clock, Path(folder), 0) as broker:
            await broker.cancel_slot(slot, "user:admin-1")
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
