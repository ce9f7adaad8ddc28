"""`python -m tests.hostile.attackers`: one attacker as a process. It prepares the attack of its configuration, and the
command `flood` lets the workers loose for some seconds; the answer is what they counted."""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from tests.hostile import child
from tests.hostile.attackers.target import Target, Worker

FILES = 16_384  # open sockets of one attacker at most


@asynccontextmanager
async def running(config: dict[str, Any]) -> AsyncIterator[child.Handlers]:
    """Prepare the attack that was chosen."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    target = Target(config)
    module, _, name = config["attack"].rpartition(".")
    attack = getattr(import_module(f"tests.hostile.attackers.{module}"), name)
    workers: list[Worker] = await attack(target, **config["arguments"])

    async def flood(seconds: float) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        began, cpu = loop.time(), _cpu()
        tasks = [asyncio.ensure_future(worker()) for worker in workers]
        ended, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        took = loop.time() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()  # an attacker that fails is a mistake of the test
        return {"counts": dict(target.counts), "seconds": took, "cpu": _cpu() - cpu}

    yield {"flood": flood}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    child.run(running)
