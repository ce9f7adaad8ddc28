"""Lines between clients and the relay worker: connecting, sending, and reporting what arrived."""

import asyncio
from typing import TYPE_CHECKING

from broker.ipc.relay_messages import Publish, Subscribe
from broker.kernel.ids import ResourceId, SessionId, Side
from broker.media.rtcp import ReportBlock
from tests.simulation.world.relay import SimPeer, SimWorker

if TYPE_CHECKING:
    from tests.simulation.world.world import World


class Line:
    """One connection of a client to the worker. `up` is whether the network between them works."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.up = True
        self.worker: SimWorker | None = None
        self.peer: SimPeer | None = None
        self.received = {"audio": 0, "video": 0}
        self.received_at = float("-inf")
        self._reported = dict(self.received)

    @property
    def alive(self) -> bool:
        """Whether the client believes that it is connected."""
        return self.peer is not None and not self.peer.closed and self.worker is self._world.worker

    async def open(self, offer: Publish | Subscribe, author: str) -> None:
        """Make the connection anew, by an offer. Raises Unreachable or VisitError."""
        world = self._world
        reply = await world.front.ask(lambda broker: broker.negotiate(offer, author))
        worker = world.worker
        if worker is None or reply.resource not in worker.peers:
            return
        self.worker, self.peer = worker, worker.peers[ResourceId(reply.resource)]
        world.receivers[self.peer.resource] = self
        await asyncio.sleep(world.chance.uniform(0.1, 0.5))
        if self.up and self.alive:
            self._in_relay(lambda peer: peer.connect(self._mono()))

    def send(self, datagrams: list[bytes], delay: float) -> None:
        """Send datagrams to the worker."""
        if self.up and self.alive and self.worker is not None and self.peer is not None:
            loop = self._world.processes["relay"].loop
            if loop is not None:
                loop.call_later(delay, self.worker.arrived, datagrams, self.peer.resource)

    def took(self, kind: str, now: float) -> None:
        """A packet has come down this line."""
        if self.up:
            self.received[kind] += 1
            self.received_at = now

    def report(self) -> None:
        """Send consent and receiver reports, as far as packets came."""
        if self.up and self.alive:
            news = {kind: count for kind, count in self.received.items() if count > self._reported[kind]}
            self._reported = dict(self.received)
            self._in_relay(lambda peer: self._take_report(peer, news))

    def _take_report(self, peer: SimPeer, news: dict[str, int]) -> None:
        now = self._mono()
        peer.heard = now
        for down_track in peer.down_tracks:
            kind = down_track.track.kind
            highest = news.get(kind, down_track.reports.highest)
            block = ReportBlock(down_track.ssrc, 0, 0, highest, 0, 0, 0)
            down_track.reports.received(block, now, down_track.track.best.flowing(now))

    def _in_relay(self, work: object) -> None:
        loop, peer = self._world.processes["relay"].loop, self.peer
        if loop is not None and peer is not None:
            loop.call_later(self._world.network.delay(), work, peer)

    def _mono(self) -> float:
        return self._world.clocks.mono()


def publication(session: SessionId, side: Side) -> Publish:
    """Return the offer of a room."""
    return Publish(session=session, side=side, sdp="offer")


def subscription(session: SessionId, side: Side, subscriber: str, gated: bool) -> Subscribe:
    """Return the offer to watch a side."""
    return Subscribe(session=session, side=side, subscriber=subscriber, gated=gated, sdp="offer")
