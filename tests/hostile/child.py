"""Processes that are spoken to in lines of JSON, and both ends of the conversation.

The parent writes the configuration as the first line of the child's standard input, then commands; the child answers
each with one line. Secrets thus never stand on a command line. A child ends when its input closes, so that it does not
outlive its parent.
"""

import asyncio
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from broker.kernel.priority import set_session

LONGEST_LINE = 1 << 24
STARTING = 60.0  # seconds until a child has imported its libraries and connected, on a busy machine
ENDING = 10.0
AGAIN = 0.06  # seconds until the kernel may take a priority

Handlers = Mapping[str, Callable[..., Awaitable[Any]]]


class ChildFailed(Exception):
    """A child process ended, or reported an error of its own."""


class Child:
    """The parent's end of one child process."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process, self.name = process, name
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, module: str, config: Mapping[str, Any], log: Path, niceness: int = 0) -> "Child":
        """Start `python -m module` and wait until it is ready; its standard error goes to the file `log`. `niceness` is
        that of its session, too: without it, an attacker would have a service process's share of a core."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *("nice", "-n", str(niceness), sys.executable, "-m", module),
                cwd=Path(__file__).parents[2],
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=LONGEST_LINE,
                start_new_session=True,
            )
        while not set_session(process.pid, niceness):
            await asyncio.sleep(AGAIN)
        child = cls(process, f"{module.rpartition('.')[2]} ({log.name})")
        try:
            await child._write(config)
            await child._read(STARTING)
        except BaseException:
            await child.close()
            raise
        return child

    async def ask(self, command: str, within: float = STARTING, **arguments: Any) -> Any:
        """Give a command and return the answer. Raises ChildFailed, or TimeoutError after `within` seconds."""
        async with self._turn:
            await self._write({"command": command, **arguments})
            return await self._read(within)

    async def close(self) -> None:
        """End the process: its input closes, and after ENDING seconds it is killed."""
        if self.process.returncode is not None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), ENDING)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _write(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        with contextlib.suppress(ConnectionError):  # the answer that does not come says so
            await self.process.stdin.drain()

    async def _read(self, within: float) -> Any:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), within)
        if not line:
            raise ChildFailed(f"{self.name} has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise ChildFailed(f"{self.name}: {answer['error']}")
        return answer["answer"]


def run(make: Callable[[dict[str, Any]], contextlib.AbstractAsyncContextManager[Handlers]]) -> None:
    """Be a child process: `make` takes the configuration and holds what the commands need."""
    try:
        asyncio.run(_serve(make))
    finally:
        sys.stdout.flush()
        os._exit(0)  # decoder and resolver threads of libraries must not keep a child alive


async def _serve(make: Callable[[dict[str, Any]], contextlib.AbstractAsyncContextManager[Handlers]]) -> None:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        config = json.loads(await reader.readline() or "{}")
        async with make(config) as handlers:
            _answer({"answer": "ready"})
            while line := await reader.readline():
                message = json.loads(line)
                _answer(await _handled(handlers, message.pop("command"), message))
    except Exception as error:
        traceback.print_exc()
        _answer({"error": f"{type(error).__name__}: {error}"})


async def _handled(handlers: Handlers, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"answer": await handlers[command](**arguments)}
    except Exception as error:
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def _answer(message: Mapping[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # the parent has ended, and with it the question
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
