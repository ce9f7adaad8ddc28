"""A broker that only leases, as a process of its own that a test may stop, slow and kill:
`python -m tests.support.relay.leaser SOCKET SESSION EVERY LIMIT` leases the gate for three seconds each EVERY seconds,
with a limit of LIMIT seconds, and prints each lease."""

import asyncio
import sys
from pathlib import Path

from broker.ipc.client import Client
from broker.ipc.relay_messages import RELAY, LeaseGate
from broker.kernel.clock import monotonic
from tests.support.ipc import FactLog


async def lease(socket: Path, session: str, every: float, limit: float) -> None:
    """Lease until killed, and print the moment of each lease and the moment until which it lasts."""
    log, client = FactLog(), Client(socket, RELAY)
    running = asyncio.create_task(client.run(log))
    await log.up.wait()
    while not running.done():
        now = monotonic()
        await client.call(LeaseGate(session=session, until=now + 3.0, deadline=now + 600, limit=limit))
        print(now, now + 3.0, flush=True)
        await asyncio.sleep(every)


if __name__ == "__main__":
    asyncio.run(lease(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
