"""What a command of `huijian admin` works with: the migrated store, the journal, and an author for its entries."""

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
class AdminContext:
    """The settings, the store and the journal of one command."""

    settings: Settings
    store: Store
    journal: Journal

    async def note(self, kind: str, /, **data: Any) -> None:
        """Journal what the command has done, and return when the entry is on disk."""
        self.journal.note(kind, None, f"command:{getpass.getuser()}", data)
        await self.journal.flush()


def run_admin(ctx: typer.Context, work: Callable[[AdminContext], Coroutine[Any, Any, T]]) -> T:
    """Open store and journal, run `work` with them, and close them. Raises VisitError or SettingsError."""

    async def run() -> T:
        async with _open(settings_of(ctx)) as admin:
            return await work(admin)

    return asyncio.run(run())


@asynccontextmanager
async def _open(settings: Settings) -> AsyncIterator[AdminContext]:
    settings.prepare()
    await migrate(settings.database_url)
    clock = SystemClock()
    async with Store(settings.database_url, clock) as store, Journal(store.engine, clock) as journal:
        yield AdminContext(settings, store, journal)
