"""The relay worker: the real commands, sessions, gates, tracks and hot loop. Below them, in place of sockets and
encryption, lies a pretend network that hands whole packets over."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from broker.ipc import relay_messages as messages
from broker.ipc.server import Server
from broker.kernel.ids import ResourceId, SessionId, Side, new_id
from broker.relay import fanout as fanout_module
from broker.relay import timers as timers_module
from broker.relay.congestion.load_shedding import LoadShedding
from broker.relay.fanout import Fanout
from broker.relay.negotiation.codec_params import CodecParams
from broker.relay.session import RelaySession
from broker.relay.sessions import RelaySessions
from broker.relay.tap import Tap
from broker.relay.timers import Timers
from broker.relay.transport import peer as peer_module
from broker.relay.transport.peer import Peer
from broker.relay.transport.poller import BusyTime
from broker.relay.transport.route import Route
from broker.relay.worker import Worker
from tests.simulation.engine.network import Network, PacketEnd
from tests.simulation.engine.scheduler import SimLoop

VIDEO, AUDIO = CodecParams(96, True), CodecParams(111)
PARAMS = {"video": VIDEO, "audio": AUDIO}
NO_CERTIFICATE: Any = None
Sent = Callable[["SimPeer", bytes], None]


class SimPeer(Peer):
    """A client whose handshake is done when `connect` says so. What is sent to it goes to `to`."""

    def __init__(self, resource: ResourceId, owner: RelaySession, to: Sent, book: dict[Any, Peer], now: float) -> None:
        super().__init__(resource, owner, book, lambda *_: None, NO_CERTIFICATE, True, ("sha-256", ""), now)
        self.session = owner.session
        self._to = to
        self.address = ("peer", resource)
        self.ice.route = Route(self._take, self.address)

    def _take(self, data: bytes | memoryview, _address: Any) -> int:
        self._to(self, bytes(data))
        return len(data)

    def connect(self, now: float) -> None:
        """Take note that the handshake is done."""
        if not self.closed:
            self.heard = now
            self.rx = self.tx = object()
            self._owner.handle_ready(self)

    def send(self, datagram: bytes) -> None:
        return None

    def send_rtcp(self, packet: bytes) -> None:
        return None

    async def send_bye(self) -> None:
        return None


class NoDtls:
    """The handshake of a client, which takes place in no simulation."""

    def __init__(self, *_: Any) -> None:
        self.rx = self.tx = None


class SimTap(Tap):
    """The real tap over a pretend socket."""

    def __init__(self, network: Network, loop: SimLoop) -> None:
        super().__init__()
        self._network, self._loop = network, loop

    def _open(self) -> None:
        if self._path is None:
            return
        self._retry_at = self._loop.scheduler.now  # every try is cheap here
        listener = self._network.packets.get(str(self._path))
        if listener is None or listener.loop.dead:
            return
        end = PacketEnd(listener.loop)
        self._socket = _Sending(end)  # type: ignore[assignment]
        listener.offer(end)

    def _alive(self) -> bool:
        return self._socket is not None and not self._socket.end.closed and not self._socket.end.loop.dead  # type: ignore[attr-defined]


class _Sending:
    """The writing end of a tap connection."""

    def __init__(self, end: PacketEnd) -> None:
        self.end = end

    def send(self, message: bytes) -> None:
        self.end.put(message)

    def close(self) -> None:
        self.end.hang_up()


class Inbox:
    """The worker's port: datagrams that have arrived, each from the address of its sender."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[bytes, Any]] = deque()

    def recvfrom_into(self, buffer: memoryview) -> tuple[int, Any]:
        if not self.waiting:
            raise BlockingIOError
        data, address = self.waiting.popleft()
        buffer[: len(data)] = data
        return len(data), address

    def sendto(self, data: Any, address: Any) -> int:
        return len(data)


class SimPorts:
    """Stands for the connected sockets: all clients are at the Inbox."""

    shared = ()
    drops = 0


class SimDemux:
    """Stands for the demultiplexer: there is only RTP here."""

    def __init__(self) -> None:
        self.peers: list[SimPeer] = []

    def expect(self, peer: SimPeer) -> None:
        self.peers.append(peer)

    def counts(self) -> tuple[int, int]:
        self.peers = [peer for peer in self.peers if not peer.closed]
        return len(self.peers), sum(not peer.ready for peer in self.peers)

    def take(self, *_: Any) -> None:
        return None


class SimWorker(Worker):
    """The real worker with its network taken away. `peers` are the clients of this run by resource."""

    def __init__(
        self, name: str, run_dir: Path, network: Network, loop: SimLoop, sent: Sent, mono: Callable[[], float]
    ) -> None:
        self.name, self._run_dir, self._mono = name, run_dir, mono
        self._addresses = (("127.0.0.1", 4000),)
        self._tap = SimTap(network, loop)
        self._demux = SimDemux()  # type: ignore[assignment]
        self._connected = SimPorts()  # type: ignore[assignment]
        self._stopping = asyncio.Event()
        self._server = Server(
            run_dir / f"{name}.sock", messages.RELAY, self.handlers(), self._greet, self._stop_talkback
        )
        self._sessions = RelaySessions(self._server.report)
        self.inbox = Inbox()
        self._fanout = Fanout(
            self._tap,
            self._demux.take,
            self._sessions.expire,
            self._sessions.fail_with,
        )
        self._fanout.latency.due = float("inf")
        self._shedding = LoadShedding(self._sessions, self._demux, self._fanout.latency, BusyTime())
        self._timers = Timers(
            self._sessions, self._fanout, self._shedding.tick, self._demux.counts, self._tap, self._server.report
        )
        self._sent = sent
        self.peers: dict[ResourceId, SimPeer] = {}

    async def main(self) -> None:
        """Run until the process is killed."""
        await self._server.start()
        await self._timers.run()

    def arrived(self, datagrams: list[bytes], resource: ResourceId) -> None:
        """Datagrams of a client have reached the port; the hot loop reads them."""
        peer = self.peers.get(resource)
        if peer is None or peer.closed or not peer.ready:
            return
        self._fanout.by_address[peer.address] = peer
        self.inbox.waiting.extend((datagram, peer.address) for datagram in datagrams)
        while self._fanout.drain(self.inbox):
            continue

    def cut_tap(self) -> None:
        """Break the connection to the recorder; it is made again with the next record."""
        self._tap._disconnect()

    def session(self, session: SessionId) -> RelaySession | None:
        """Return a session of this worker."""
        return self._sessions.get(session)

    async def handle_publish(self, command: messages.Publish) -> messages.MediaReply:
        session, peer = self._session(command.session), self._new_peer(command.session)
        session.publish(command.side, peer, PARAMS)
        return messages.MediaReply(resource=peer.resource, sdp="answer")

    async def handle_subscribe(self, command: messages.Subscribe) -> messages.MediaReply:
        session, peer = self._session(command.session), self._new_peer(command.session)
        session.subscribe(command.side, command.subscriber, command.gated, peer, PARAMS)
        return messages.MediaReply(resource=peer.resource, sdp="answer")

    def _new_peer(self, session: SessionId) -> SimPeer:
        self._refuse_when_stopping()
        owner, book = self._session(session), self._fanout.by_address
        peer = SimPeer(ResourceId(new_id("r")), owner, self._sent, book, self._mono())
        self.peers[peer.resource] = peer
        self._demux.expect(peer)
        return peer


def side_of(number: int) -> Side:
    """Return the side of a track's number on the tap."""
    return Side.PRISON if number < 2 else Side.VISITOR


def without_encryption(patch: Any) -> None:
    """Packets are plain in the simulation."""
    patch.setattr(timers_module, "TICK", 0.15)  # not so often as there: gates have timers of their own
    patch.setattr(peer_module, "DtlsTransport", NoDtls)
    patch.setattr(fanout_module, "unprotect", lambda *_: 0)
    patch.setattr(fanout_module, "protect", lambda *_: 0)
