"""The base of all parts of the store: one engine, one clock, transactions, and names that may be given to places."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.kernel.clock import Clock
from broker.kernel.database import reading, storage_errors, writing
from broker.kernel.errors import BadRequest
from broker.kernel.ids import is_name

NO_ANSWER = "The database does not answer ({error})."
CONTRADICTION = "It contradicts what is already stored."


class StorePart:
    """A part of the store. It keeps nothing in memory, because another process may have written meanwhile."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection with one consistent view of the database. Raises StorageUnavailable."""
        with storage_errors(NO_ANSWER, CONTRADICTION):
            async with reading(self.engine) as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a write transaction: all of it is stored, or nothing. Raises Conflict or StorageUnavailable."""
        with storage_errors(NO_ANSWER, CONTRADICTION):
            async with writing(self.engine) as connection:
                yield connection


def check_name(kind: str, text: str) -> None:
    """Raise BadRequest unless `text` may name a site, a room or a user; `kind` is the word for it."""
    if not is_name(text):
        raise BadRequest(
            f"{kind} {text!r}: 1 to 63 of a-z, 0-9 and '-', beginning with a letter or digit.",
            "标识只能使用小写字母、数字和连字符，最长 63 个字符。",
        )
