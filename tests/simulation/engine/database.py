"""The database of the simulation: real SQLite, asked without threads. It stands in for the module aiosqlite.

What was committed is on disk, what was not is lost with its process. A writer waits for another one in simulated time.
`Trouble` makes it slow, locked or gone."""

import asyncio
import sqlite3
import types
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.engine.scheduler import Scheduler

LOOK = 0.02
"""Seconds between looks of a writer that waits for another one."""


@dataclass
class Trouble:
    """What is wrong with the database, until which true moment."""

    locked_until: float = 0.0
    gone_until: float = 0.0
    slow_until: float = 0.0
    commit: Callable[[], float] = lambda: 0.003
    open: list["Connection"] = field(default_factory=list)


class _Thread:
    daemon = False


class Connection:
    """One connection, with the part of aiosqlite's interface that SQLAlchemy uses."""

    def __init__(self, scheduler: Scheduler, trouble: Trouble, path: str, busy: float, **more: Any) -> None:
        self._scheduler, self._trouble, self._path, self._busy = scheduler, trouble, path, busy
        self.loop = scheduler.current
        self._conn = sqlite3.connect(path, timeout=0.0, isolation_level=None, cached_statements=256, **more)
        self._conn.execute("PRAGMA synchronous=OFF")
        self._connection: Any = self._conn
        self._thread = _Thread()
        self._tx = _Inline()
        trouble.open.append(self)

    def __await__(self) -> Generator[Any, None, "Connection"]:
        if self._scheduler.now < self._trouble.gone_until:
            raise sqlite3.OperationalError("unable to open database file")
        return self
        yield

    def cursor(self) -> "Cursor":
        return Cursor(self)

    async def run(self, statement: str, call: Callable[[], Any]) -> Any:
        """Do one statement in its time. Raises sqlite3.OperationalError."""
        word = statement.lstrip()[:6].upper()
        if word == "COMMIT":
            await asyncio.sleep(self._slow(self._trouble.commit()))
        elif word == "BEGIN " and "IMMEDIATE" in statement[:16].upper():
            await self._writer_turn()
        if self._connection is None:
            raise ValueError("no active connection")
        if self._scheduler.now < self._trouble.gone_until:
            raise sqlite3.OperationalError("disk I/O error")
        return await self._patiently(call)

    def _slow(self, seconds: float) -> float:
        return max(seconds, self._trouble.slow_until - self._scheduler.now)

    async def _writer_turn(self) -> None:
        deadline = self._scheduler.now + self._busy
        while self._scheduler.now < self._trouble.locked_until:
            if self._scheduler.now >= deadline:
                raise sqlite3.OperationalError("database is locked")
            await asyncio.sleep(LOOK)

    async def _patiently(self, call: Callable[[], Any]) -> Any:
        deadline = self._scheduler.now + self._busy
        while True:
            try:
                return call()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or self._scheduler.now >= deadline:
                    raise
            await asyncio.sleep(LOOK)

    async def commit(self) -> None:
        if self._conn.in_transaction:
            await self.run("COMMIT", lambda: self._conn.execute("COMMIT"))

    async def rollback(self) -> None:
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")

    async def close(self) -> None:
        self.drop()

    def stop(self) -> None:
        self.drop()

    def drop(self) -> None:
        """End the connection; what was not committed is gone."""
        if self._connection is not None:
            self._connection = None
            self._conn.close()
            if self in self._trouble.open:
                self._trouble.open.remove(self)

    async def create_function(self, *args: Any, **more: Any) -> None:
        self._conn.create_function(*args, **more)

    @property
    def isolation_level(self) -> Any:
        return self._conn.isolation_level


class _Inline:
    """Stands for the queue of the connection's thread."""

    def put_nowait(self, item: tuple[Any, Callable[[], Any]]) -> None:
        future, function = item
        future.set_result(function())


class Cursor:
    """One cursor of a connection, with what SQLAlchemy uses of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cursor = connection._conn.cursor()
        self.arraysize = 1

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, operation: str, parameters: Any = ()) -> "Cursor":
        await self._connection.run(operation, lambda: self._cursor.execute(operation, parameters))
        return self

    async def executemany(self, operation: str, parameters: Any) -> "Cursor":
        await self._connection.run(operation, lambda: self._cursor.executemany(operation, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()

    @property
    def description(self) -> Any:
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> Any:
        return self._cursor.lastrowid


def module(scheduler: Scheduler, trouble: Trouble) -> types.ModuleType:
    """Return what `import aiosqlite` gives inside of the simulation."""
    fake = types.ModuleType("aiosqlite")
    for name in ("DatabaseError", "Error", "IntegrityError", "NotSupportedError", "OperationalError"):
        setattr(fake, name, getattr(sqlite3, name))
    fake.ProgrammingError = sqlite3.ProgrammingError  # type: ignore[attr-defined]
    fake.sqlite_version = sqlite3.sqlite_version  # type: ignore[attr-defined]
    fake.sqlite_version_info = sqlite3.sqlite_version_info  # type: ignore[attr-defined]
    fake.__version__ = "0.22.1"  # type: ignore[attr-defined]
    fake.Connection = Connection  # type: ignore[attr-defined]

    def connect(path: str, timeout: float = 5.0, **more: Any) -> Connection:
        more.pop("check_same_thread", None)
        return Connection(scheduler, trouble, path, timeout, **more)

    fake.connect = connect  # type: ignore[attr-defined]
    return fake
