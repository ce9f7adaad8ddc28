"""The front door: how rooms, officers and booking reach the control process, over a network that takes time and may
find no process there."""

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from broker.control.broker import Broker
from broker.kernel.errors import VisitError

if TYPE_CHECKING:
    from tests.simulation.world.world import World

PATIENCE = 4.0
"""Seconds after which whoever asked gives up."""


class Unreachable(Exception):
    """The control process did not answer in time."""


class Front:
    """Calls of the world into the control process."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.twice: random.Random | None = None
        """While it is set, some questions are asked twice."""

    async def ask(self, call: Callable[[Broker], Any]) -> Any:
        """Let the control process do something, and return what it returns or raises. Raises Unreachable."""
        world = self._world
        await asyncio.sleep(world.network.delay())
        process, broker = world.processes["control"], world.broker
        if broker is None or process.loop is None:
            raise Unreachable
        answer = asyncio.get_running_loop().create_future()
        process.loop.call_soon(self._begin, process.loop, broker, call, answer)
        if self.twice is not None and self.twice.random() < 0.3:
            again = asyncio.get_running_loop().create_future()
            again.add_done_callback(lambda done: done.exception())
            process.loop.call_later(self.twice.uniform(0.0, 1.0), self._begin, process.loop, broker, call, again)
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError as error:
            raise Unreachable from error

    def _begin(self, loop: Any, broker: Broker, call: Callable[[Broker], Any], answer: Any) -> None:
        loop.create_task(self._answer(broker, call, answer))

    async def _answer(self, broker: Broker, call: Callable[[Broker], Any], answer: Any) -> None:
        world = self._world
        try:
            result = call(broker)
            if asyncio.iscoroutine(result):
                result = await result
        except VisitError as error:
            world.loop.call_later(world.network.delay(), _fail, answer, error)
        except Exception as error:  # a fault of the product: the story has it, the caller gets no answer
            world.failed("front door", error)
        else:
            world.loop.call_later(world.network.delay(), _succeed, answer, result)


def _succeed(answer: Any, result: Any) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: Any, error: VisitError) -> None:
    if not answer.done():
        answer.set_exception(error)
