"""The hot loop with ciphers that accept everything: a gate shuts exact to the packet."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from broker.kernel.ids import Side
from broker.media.rtp import RTP_HEADER
from broker.relay import fanout
from broker.relay.transport.ice import Check
from broker.relay.transport.route import Address, Route
from tests.fuzz import run
from tests.support.relay.track_model import KEY, SLICE

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIOSK, ROOM = ("192.0.2.3", 5), ("192.0.2.1", 5)
TICK = 0.001  # seconds between packets


class Waiting:
    """A port in which datagrams wait; `sent` is (address, datagram) of what was sent."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.sent: list[tuple[Address, bytes]] = []

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        if not self.waiting:
            raise BlockingIOError
        data = self.waiting.pop(0)
        buffer[: len(data)] = data
        return len(data), ROOM

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        self.sent.append((address, bytes(data)))
        return len(data)


class TickingClock:
    """A clock that goes on by a TICK whenever it is read."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += TICK
        return self.now


class Visit:
    """A room that sends, a kiosk behind the gate, and the supervisor."""

    def __init__(self, relay: run.Relay, clock: TickingClock) -> None:
        self.relay, self.clock, self.port, self.seq = relay, clock, Waiting(), 100
        peer, agreed = relay._peer("chromium-watch", KIOSK[0])
        relay.session.subscribe(Side.PRISON, "visitor", True, peer, agreed.params)
        for client in relay.peers.values():
            client.checked(Route(self.port.sendto, (_host(relay, client), 5)), Check("", True), clock.now)
        peer.rx = peer.tx = "keys"
        relay.session.handle_ready(peer)

    def packet(self, payload: bytes = SLICE) -> bytes:
        self.seq += 1
        number = next(number for number, track in self.relay.peers[ROOM[0]].by_payload_type.items() if track.video)
        return RTP_HEADER.pack(0x80, number, self.seq, self.seq * 3000, 9) + payload

    def drain(self, count: int) -> int:
        """Read a batch of `count` packets; return how many of it crossed."""
        before = len(self.port.sent)
        self.port.waiting = [self.packet() for _ in range(count)]
        self.relay.fanout.drain(self.port)
        return sum(address == KIOSK for address, _ in self.port.sent[before:])


def _host(relay: run.Relay, peer: object) -> str:
    return next(host for host, one in relay.peers.items() if one is peer)


@pytest_asyncio.fixture(loop_scope="module")
async def visit(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visit]:
    clock = TickingClock()
    for name, replaced in (("unprotect", lambda *_: 0), ("protect", lambda *_: 0), ("monotonic", clock)):
        monkeypatch.setattr(fanout, name, replaced)
    relay = run.Relay()
    yield Visit(relay, clock)
    await asyncio.sleep(0)


async def test_no_packet_crosses_after_a_lease_runs_out_within_a_batch(visit: Visit) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    hot.drain(visit.port)
    assert visit.drain(40) == 40
    before, hot.next_expiry = visit.clock.now, visit.clock.now + 20.5 * TICK
    session.gate.until = hot.next_expiry
    assert visit.drain(fanout.BATCH) == 20
    assert not session.open_now
    assert visit.clock.now == pytest.approx(before + fanout.BATCH * TICK)
    assert visit.drain(10) == 0


async def test_no_retransmission_crosses_after_a_lease_runs_out(visit: Visit) -> None:
    session, hot = visit.relay.session, visit.relay.fanout
    session.lease(visit.clock.now, visit.clock.now + 1, 9999.0, 600.0)
    visit.port.waiting = [visit.packet(KEY)]
    hot.drain(visit.port)
    visit.drain(5)
    down_track = next(one for one in visit.relay.peers[KIOSK[0]].down_tracks if one.track.video)
    track = down_track.track
    down_track.copies, track.repaired = 3, [track.seq_out]
    session.gate.until = visit.clock.now + TICK
    session.send_requests(visit.clock.now + TICK)
    assert not session.open_now
    number = down_track.renumbering.to_subscriber(track.seq_out)
    assert down_track.retransmissions.due(number, visit.clock.now, 1.0), "it was not sent again"
