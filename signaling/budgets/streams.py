"""Long answers (films, and whatever else takes longer than a moment): each belongs to a sign-in, keeps to the budget of
plays, and ends when the sign-in ends or nothing is read any more."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from aiohttp import web

from signaling.auth.scope import Caller, author, sign_in_of
from signaling.budgets.plays import PlayBudget

STALLED_SECONDS = 60.0
"""A player that has paused reads nothing, and asks for the rest by range when it goes on."""


class Stream:
    """One long answer, and the `caller` who gets it."""

    def __init__(self, caller: Caller, request: web.Request, wait: Callable[[int], float]) -> None:
        self.caller = caller
        self._request, self._wait = request, wait
        self.ended = False

    async def write(self, answer: web.StreamResponse, data: bytes) -> None:
        """Send bytes, within the budget. Raises ConnectionResetError where the reader has gone, or has to go."""
        delay = self._wait(len(data))
        if delay:
            await asyncio.sleep(delay)
        if self.ended:
            raise ConnectionResetError("the sign-in has ended")
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await answer.write(data)
        except TimeoutError:
            self.end()
            raise ConnectionResetError("nothing is read") from None

    def end(self) -> None:
        """End the answer now, also where its reader is slow; what is in the buffers is dropped."""
        self.ended = True
        if self._request.transport is not None:
            self._request.transport.abort()


class Streams:
    """All long answers under way. `mono` returns the second."""

    def __init__(self, mono: Callable[[], float]) -> None:
        self._mono = mono
        self._running: set[Stream] = set()
        self.budget = PlayBudget()

    @contextmanager
    def running(self, caller: Caller, request: web.Request) -> Iterator[Stream]:
        """Give a stream while its answer is being sent. Raises TooMany."""
        person = author(caller)
        self.budget.begin(person)
        stream = Stream(caller, request, lambda count: self.budget.wait(person, count, self._mono()))
        self._running.add(stream)
        try:
            yield stream
        finally:
            self._running.discard(stream)
            self.budget.end(person)

    def callers(self) -> list[Caller]:
        """Return who gets an answer now."""
        return [stream.caller for stream in self._running]

    def end(self, sign_in: str) -> None:
        """End the answers under one sign-in."""
        for stream in [stream for stream in self._running if sign_in_of(stream.caller) == sign_in]:
            stream.end()
