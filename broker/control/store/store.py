"""The store: everything Huijian must still know after a power cut, in one database.

Each call is one transaction and reads the database anew, so that what an admin command writes is
seen by a running server at once. Errors are those of broker/kernel/errors.py, StorageUnavailable above all.
"""

from typing import Self

from sqlalchemy import text

from broker.control.store.accounts import Accounts
from broker.control.store.extensions import Extensions
from broker.control.store.migrations import is_current
from broker.control.store.registry import Registry
from broker.control.store.slots import Visits
from broker.control.store.suspensions import Suspensions
from broker.kernel.clock import Clock, SystemClock
from broker.kernel.database import BUSY_SECONDS, engine_for
from broker.kernel.errors import StorageUnavailable


class Store(Registry, Accounts, Visits, Extensions, Suspensions):
    """One database. `url` as for broker.kernel.database.engine_for; the schema is made by migrations."""

    def __init__(self, url: str, clock: Clock | None = None, busy_seconds: float = BUSY_SECONDS) -> None:
        super().__init__(engine_for(url, busy_seconds), clock or SystemClock())

    async def open(self) -> None:
        """Raises StorageUnavailable when the database is not there or has another schema."""
        async with self._reading() as db:
            if not await db.run_sync(is_current):
                raise StorageUnavailable("The database has another schema; run the migrations.")

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()

    async def health(self) -> None:
        """One trip to the database. Raises StorageUnavailable where it does not answer."""
        async with self._reading() as db:
            await db.execute(text("SELECT 1"))

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
