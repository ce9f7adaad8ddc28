"""A session with both rooms sending and their kiosks subscribed to each other, on raw peers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from broker.kernel.ids import Side
from tests.support.relay.peers import RawPeer
from tests.support.relay_front import RelayFront


@dataclass
class Visit:
    """Publishers by side; kiosks by the side they belong to, each subscribed to the other one."""

    front: RelayFront
    rooms: dict[str, RawPeer] = field(default_factory=dict)
    kiosks: dict[str, RawPeer] = field(default_factory=dict)

    def last_crossing(self) -> float:
        """Return when the last packet crossed."""
        return max(kiosk.rtp[-1][0] for kiosk in self.kiosks.values())

    def last_sent(self, before: float) -> float:
        """Return when the rooms last sent a packet before this moment; on a busy machine that may be long before."""
        return max(at for room in self.rooms.values() for at in room.sent if at < before)


async def publisher(front: RelayFront, side: str) -> RawPeer:
    """Connect a room that sends, and wait until the relay reports it."""
    after = len(front.facts)
    peer = await RawPeer(front).publish(side)
    peer.play(side)
    await front.fact("side_media", side=side, on=True, after=after)
    return peer


@asynccontextmanager
async def visit(front: RelayFront) -> AsyncIterator[Visit]:
    """Let both rooms publish and both kiosks wait for the gate."""
    both = Visit(front)
    async with AsyncExitStack() as stack:
        for side in Side:
            both.rooms[side] = await publisher(front, side)
            stack.push_async_callback(both.rooms[side].close)
        for side in Side:
            both.kiosks[side] = await RawPeer(front).watch(side.other, client=side, gated=True)
            stack.push_async_callback(both.kiosks[side].close)
        yield both
