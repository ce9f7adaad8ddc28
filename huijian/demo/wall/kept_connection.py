"""A media connection that is made again after each loss, until it is closed: of a simulated terminal or officer."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from broker.kernel.errors import VisitError
from broker.kernel.tasks import Tasks
from kiosk_agent.webrtc.peer import Peer, PeerError

log = structlog.get_logger()
AGAIN = 1.0  # seconds before another attempt


class KeptConnection:
    """Keeps a peer connected: `connect` makes one, `peer` is the present one, None while there is none."""

    def __init__(self, connect: Callable[[], Awaitable[Peer]]) -> None:
        self.peer: Peer | None = None
        self._connect = connect
        self._tasks = Tasks()
        self._running: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Connect, and again after each loss, until `close`; do nothing where that has begun."""
        if self._running is None:
            self._running = self._tasks.spawn(self._run())

    async def close(self) -> None:
        """Delete the resource and end."""
        self._running = None
        await self._tasks.close()

    async def _run(self) -> None:
        while True:
            try:
                self.peer = peer = await self._connect()
                try:
                    await peer.lost.wait()
                finally:
                    self.peer = None
                    await peer.close()
            except (VisitError, PeerError) as error:
                log.info("not connected; trying again", error=type(error).__name__)
            await asyncio.sleep(AGAIN)
