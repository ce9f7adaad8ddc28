"""The one way to open the database, for the store and for the recorder's catalog alike.

SQLite gets WAL, foreign keys, full synchronisation and a busy timeout, and every transaction that
is marked as a writer begins with BEGIN IMMEDIATE: a read that turns into a write fails at once in
WAL mode, whatever the timeout. Other databases need none of it; the callers do not see a difference.
"""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_SECONDS = 5.0
WRITER = "huijian_writer"  # name of the execution option that makes a transaction a writer's


def engine_for(url: str, busy_seconds: float = BUSY_SECONDS) -> AsyncEngine:
    """Return an engine for `url` (sqlite+aiosqlite:///... or postgresql+asyncpg://...).

    `busy_seconds` is how long a writer waits for another one; then it fails with OperationalError.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": busy_seconds})
    event.listen(engine.sync_engine, "do_connect", _try_sqlite)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One consistent view of the database, rolled back at the end."""
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction that holds the write lock from its first moment; committed at the end."""
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITER: True})
        async with connection.begin():
            yield connection


def _try_sqlite(_dialect: object, _record: object, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Raises sqlite3.OperationalError where the file cannot be opened. The driver would too, but leaves a thread behind
    that may outlive the event loop and then prints its trouble for all to see."""
    sqlite3.connect(args[0], uri=options.get("uri", False)).close()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: BEGIN is sent below, in the right kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # a journal entry survives the power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    writer = connection.get_execution_options().get(WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")
