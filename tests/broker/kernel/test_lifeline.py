"""A child process stops when its parent is gone."""

import asyncio
import sys

CHILD = """
import asyncio
from broker.kernel.lifeline import parent_gone

async def main():
    stopping = asyncio.Event()
    print("waiting", flush=True)
    await parent_gone(stopping)
    print(stopping.is_set())

asyncio.run(main())
"""


async def test_stopping_is_set_when_standard_input_closes_and_not_by_what_is_written():
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert await child.stdout.readline() == b"waiting\n"
    child.stdin.write(b"hello\n")
    await child.stdin.drain()
    await asyncio.sleep(0.2)
    assert child.returncode is None
    child.stdin.close()
    assert await child.stdout.readline() == b"True\n"
    assert await child.wait() == 0
