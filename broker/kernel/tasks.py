"""Background work with a parent: what is spawned is kept, its failure is logged, and closing ends all of it.

Event loops keep only weak references to tasks, so that work which nothing else holds may vanish while it waits. A task
that its creator itself awaits, or cancels in the same function, needs no parent and is created by asyncio alone.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger()
T = TypeVar("T")


class Tasks:
    """The tasks of one owner, in one event loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` in the background. An exception that ends it is logged."""
        task = self._keep(work)
        task.add_done_callback(_log_failure)
        return task

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` and return its result; it runs to its end even when the caller is cancelled meanwhile."""
        return await asyncio.shield(self._keep(work))

    async def wait(self) -> None:
        """Wait until all tasks have ended by themselves."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self) -> None:
        """Cancel all tasks and wait until they are gone."""
        while self._running:  # a cancelled task may spawn another one on its way out
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background work failed", exc_info=task.exception())
