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
from huijian.streams import took_effect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AdminContext:
    """The settings, the store and the journal of one command."""

    settings: Settings
    store: Store
    journal: Journal

    @property
    def author(self) -> str:
        """The author of what the command does, as the journal names it."""
        return f"command:{getpass.getuser()}"

    async def note(self, kind: str, /, **data: Any) -> None:
        """Journal what the command has done, and return when the entry is on disk."""
        self.journal.note(kind, None, self.author, data)
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
        if journal.written:
            took_effect()
