"""The tests of terminals' lines that run now: at most one of a terminal, and each for a few seconds (Yunnan 12).

A test belongs to the terminal that opened it, and to no session: nothing else can publish into it or subscribe to
it."""

import asyncio

from broker.control.relay_pool import RelayPool
from broker.kernel.errors import NotFound
from broker.kernel.ids import SessionId, new_id
from broker.kernel.tasks import Tasks

SECONDS = 15.0
"""Seconds for which a test is open: it takes nine, and connecting twice over a bad line some more."""


class LineTests:
    """The tests of one service's terminals; `relays` carry them, and `tasks` end them."""

    def __init__(self, relays: RelayPool, tasks: Tasks) -> None:
        self._relays, self._tasks = relays, tasks
        self._by_terminal: dict[str, SessionId] = {}

    async def open(self, terminal: str) -> SessionId:
        """Open a test for a terminal; one that it has open ends. Raises Busy, RelayFull or RelayUnavailable."""
        self._close(terminal)
        test = self._by_terminal[terminal] = SessionId(new_id("line"))
        try:
            await self._relays.admit_line_test(test)
        except BaseException:
            self._forget(terminal, test)
            raise
        self._tasks.spawn(self._end(terminal, test))
        return test

    def check(self, test: SessionId, terminal: str) -> None:
        """Check that this is the terminal's own test, and open. Raises NotFound, for those of others too."""
        if self._by_terminal.get(terminal) != test:
            raise NotFound("There is no such line test of this terminal.", "本终端没有这一线路检测。")

    async def _end(self, terminal: str, test: SessionId) -> None:
        await asyncio.sleep(SECONDS)
        self._relays.close_line_test(test)
        self._forget(terminal, test)

    def _close(self, terminal: str) -> None:
        test = self._by_terminal.pop(terminal, None)
        if test is not None:
            self._relays.close_line_test(test)

    def _forget(self, terminal: str, test: SessionId) -> None:
        if self._by_terminal.get(terminal) == test:
            del self._by_terminal[terminal]
