"""The one way to open and ask the database, for the store, the journal and the recorder's catalog alike.

SQLite gets WAL, foreign keys, full synchronisation and a busy timeout. Every transaction that is marked as a writer's
begins with BEGIN IMMEDIATE: in WAL mode a read that turns into a write fails at once, whatever the timeout. Other
databases need none of it; callers see no difference. Errors of any driver become VisitErrors in `storage_errors` alone.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import DateTime, Dialect, TypeDecorator, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from broker.kernel.errors import Conflict, StorageUnavailable

BUSY_SECONDS = 5.0
TRIES, AGAIN_SECONDS = 100, 0.05  # of a new file's first connection to begin its write-ahead log
WRITER = "huijian_writer"  # name of the execution option that makes a transaction a writer's
SQL_ERRORS = (SQLAlchemyError,)
"""Errors of the database itself."""
DATABASE_ERRORS = (SQLAlchemyError, OSError)
"""What a call to the database raises: its own errors, and those of the network in between."""


class Moment(TypeDecorator[datetime]):
    """Column type of a moment: an aware datetime in Python, UTC in the database. SQLite keeps no zone, so UTC goes in
    without one and comes out with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class RollingBack(sqlite3.Connection):
    """A connection that rolls back before it closes.

    A statement that was cancelled may still have rows to give. While its cursor is referenced anywhere, SQLite keeps a
    closed connection's transaction open (sqlite3_close_v2, "zombie"), and its write lock shuts all other writers out.
    """

    def close(self) -> None:
        """Roll back what is open, then close."""
        if self.in_transaction:
            self.rollback()
        super().close()


def engine_for(url: str, busy_seconds: float = BUSY_SECONDS, migrates: bool = False) -> AsyncEngine:
    """Return an engine for `url` (sqlite+aiosqlite:///... or postgresql+asyncpg://...).

    `busy_seconds` is how long a writer waits for another one; then it fails with OperationalError. One that `migrates`
    does not check foreign keys at each statement: SQLite alters a table by making it anew, and would take the rows that
    refer to it for orphans (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_pre_ping=True)
    engine = create_async_engine(url, connect_args={"timeout": busy_seconds, "factory": RollingBack})
    event.listen(engine.sync_engine, "do_connect", _try_sqlite)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    if migrates:
        event.listen(engine.sync_engine, "connect", _leave_references)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def read_only_engine(path: Path) -> AsyncEngine:
    """Return an engine for a SQLite file that is only read, such as a copy that is evidence: nothing is created beside
    it. Where it has no log of its own (`-wal`), it may lie in a folder that cannot be written."""
    log = path.with_name(f"{path.name}-wal")
    options = {"mode": "ro", "uri": "true"} | ({} if log.exists() else {"immutable": "1"})
    url = URL.create("sqlite+aiosqlite", database=f"file:{quote(str(path.absolute()))}", query=options)
    return create_async_engine(url)


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection with one consistent view of the database; nothing is committed at the end."""
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a connection in a transaction that holds the write lock from its first moment; committed at the end."""
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITER: True})
        async with connection.begin():
            yield connection


@contextmanager
def storage_errors(
    detail: str, conflict: str | None = None, errors: tuple[type[Exception], ...] = DATABASE_ERRORS
) -> Iterator[None]:
    """Raise StorageUnavailable with `detail` in place of an error of the database.

    In `detail`, {error} stands for the type of the error and {line} for its first line. A broken constraint raises
    Conflict instead where `conflict` says what to tell. `errors` is SQL_ERRORS where the block reads files of its own.
    """
    try:
        yield
    except errors as error:
        if conflict is not None and isinstance(error, IntegrityError):
            raise Conflict(conflict) from error
        line = str(error).partition("\n")[0]
        raise StorageUnavailable(detail.format(error=type(error).__name__, line=line)) from error


def _try_sqlite(_dialect: object, _record: object, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Raise sqlite3.OperationalError where the file cannot be opened. The driver would raise it too, but it leaves a
    thread behind that may outlive the event loop and then prints a traceback."""
    sqlite3.connect(args[0], uri=options.get("uri", False)).close()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver must not begin transactions by itself: BEGIN is sent below, in the right kind.
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")  # a journal entry survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _leave_references(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Have the file keep a write-ahead log from now on. While another first connection does the same, SQLite refuses at
    once, whatever the busy timeout is: then the file is asked again."""
    for left in reversed(range(TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not left:
                raise
        await_only(asyncio.sleep(AGAIN_SECONDS))  # connections are made inside a greenlet of SQLAlchemy's


def _begin_sqlite(connection: Any) -> None:
    writer = connection.get_execution_options().get(WRITER, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")
