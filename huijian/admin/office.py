"""Where admin commands work: the migrated store, the journal, and an author for what they do."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import typer

from broker.control.journal.journal import Journal
from broker.control.store.migrations import migrate
from broker.control.store.store import Store
from broker.kernel.clock import SystemClock
from config.settings import Settings
from huijian.options import settings_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Office:
    """One command's tools."""

    settings: Settings
    store: Store
    journal: Journal

    async def note(self, kind: str, /, **data: Any) -> None:
        """Journal what was done, and return when it is on disk."""
        self.journal.note(kind, None, f"command:{getpass.getuser()}", data)
        await self.journal.flush()


def in_office(ctx: typer.Context, work: Callable[[Office], Coroutine[Any, Any, T]]) -> T:
    """Open everything, do the work, close everything. Raises VisitError or SettingsError."""

    async def doing() -> T:
        async with _open(settings_of(ctx)) as office:
            return await work(office)

    return asyncio.run(doing())


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[Office]:
    settings.prepare()
    await migrate(settings.database_url)
    clock = SystemClock()
    async with Store(settings.database_url, clock) as store, Journal(store.engine, clock) as journal:
        yield Office(settings, store, journal)
