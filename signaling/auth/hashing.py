"""Password hashing behind its queue: threads of its own at a low priority, so that no guess delays media, and no more
of them at once than there are cores."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from broker.control.store.secrets import fits
from broker.kernel.clock import Clock
from broker.kernel.errors import Busy
from signaling.auth.hashing_queue import RETRY_AFTER, HashingQueue, Lane, Ticket

AT_ONCE = min(4, os.cpu_count() or 1)
NICE = 5  # behind the loop that accepts connections, which has 2


class Hashing:
    """The hashes in progress and those that wait."""

    def __init__(self, clock: Clock, at_once: int = AT_ONCE) -> None:
        self._clock = clock
        self._queue = HashingQueue(at_once)
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._threads = ThreadPoolExecutor(at_once, "hashing", initializer=_be_nice)

    async def fits(self, lane: Lane, place: str, stored: Callable[[], Awaitable[str | None]], password: str) -> bool:
        """Whether a password fits what `stored` returns when it is this attempt's turn; None takes as long. Raises
        Busy where too many wait, or for too long, and what `stored` raises."""
        await self._turn(Ticket(lane, place, self._clock.now().mono))
        try:
            password_hash = await stored()
            return await asyncio.get_running_loop().run_in_executor(self._threads, fits, password_hash, password)
        finally:
            self._queue.done()
            self._go_on()

    @property
    def waiting(self) -> int:
        """The number of attempts that wait for their turn."""
        return self._queue.waiting

    def close(self) -> None:
        """Let the threads end when they are done."""
        self._threads.shutdown(wait=False)

    async def _turn(self, ticket: Ticket) -> None:
        """Wait for a ticket's turn. Raises Busy."""
        self._expire()
        gone = self._queue.enter(ticket)
        if gone is not None:
            self._refuse(gone)
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # its turn had come: the next one takes it
                self._queue.done()
                self._go_on()
            else:
                self._queue.leave(ticket)
            raise
        finally:
            self._turns.pop(ticket, None)

    def _go_on(self) -> None:
        self._expire()
        while (ticket := self._queue.begin()) is not None:
            self._turns.pop(ticket).set_result(None)

    def _expire(self) -> None:
        for ticket in self._queue.expired(self._clock.now().mono):
            self._refuse(ticket)

    def _refuse(self, ticket: Ticket) -> None:
        turn = self._turns.pop(ticket)
        if not turn.done():
            turn.set_exception(Busy(retry_after=RETRY_AFTER))


def _be_nice() -> None:
    """Lower the priority of this thread, and of those that argon2 makes in it (on Linux each thread has its own)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
