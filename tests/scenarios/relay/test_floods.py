"""Floods at a worker's port beside a live visit: what crosses goes on, the gate shuts in time, and new clients come in.

Each flood is a process of its own, bounded in time and rate, on loopback."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
import pytest_asyncio

from broker.ipc.relay_messages import ShutGate, Subscribe
from broker.kernel.clock import monotonic
from broker.kernel.ids import Side
from broker.media import rtcp
from tests.support.patience import BUSY, FLIGHT, PATIENCE
from tests.support.relay.peers import Framed, RawPeer
from tests.support.relay.visits import Visit, visit
from tests.support.relay_front import RelayFront, relay_front
from tests.support.rtp import Stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS, RATE = 1.5, 30_000  # of each flood: datagrams a second, 25 Mbit/s of tiny ones
LEAST = 5_000  # datagrams that must have been sent for a flood to prove anything
GAP = 0.3  # seconds without a packet for the far room: less than is noticed
LOST = 0.001
KINDS = [
    *("nothing", "tiny", "long", "fragments", "noise", "rtp", "rtcp", "hello", "check", "known check"),
    *("many tiny", "many check", "many known check"),
]


@asynccontextmanager
async def flood(kind: str, port: int, *more: str, host: str = "127.0.0.1") -> AsyncIterator[asyncio.Task[int]]:
    """Run a flood beside the block, and wait for its end; the task returns how many datagrams were sent."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.relay.flood", kind, host, str(port), str(SECONDS), str(RATE), *more),
        stdout=asyncio.subprocess.PIPE,
    )
    task = asyncio.create_task(_sent(process))
    try:
        yield task
        await task
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _sent(process: asyncio.subprocess.Process) -> int:
    output, _ = await process.communicate()
    return int(output or 0)


class Crossing:
    """What a far room gets from now on of what the room sends."""

    def __init__(self, kiosk: RawPeer, room: RawPeer) -> None:
        self._kiosk, self._since = kiosk, len(kiosk.rtp)
        self._room, self._sent_since = room, len(room.sent)

    def check(self) -> None:
        """Check that hardly anything is missing, and that nothing stood still."""
        got = self._kiosk.rtp[self._since :]
        for payload_type in self._kiosk.payload_types.values():
            numbers = [int.from_bytes(data[2:4], "big") for _, data in got if data[1] & 127 == payload_type]
            sent = ((numbers[-1] - numbers[0]) & 0xFFFF) + 1
            assert sent - len(set(numbers)) <= LOST * sent, "packets were lost"
        gap, own = longest_gap(at for at, _ in got), longest_gap(self._room.sent[self._sent_since :])
        assert gap < GAP + BUSY / 2 + own, "the picture stood still"


def crossing_to(both: Visit, side: Side) -> Crossing:
    """Begin to look at what the kiosk of a side gets."""
    return Crossing(both.kiosks[side], both.rooms[side.other])


def longest_gap(moments: Iterable[float]) -> float:
    """Return the seconds of the longest pause between two moments."""
    return max(later - before for before, later in pairwise(moments))


@pytest_asyncio.fixture(loop_scope="module")
async def both(front: RelayFront) -> AsyncIterator[Visit]:
    """A visit whose gate is open."""
    async with visit(front) as both, leased(front):
        for kiosk in both.kiosks.values():
            await kiosk.until(lambda kiosk=kiosk: len(kiosk.rtp) > 20)
        yield both


@asynccontextmanager
async def leased(front: RelayFront) -> AsyncIterator[None]:
    async def lease() -> None:
        while True:
            await front.lease("s", deadline=600.0, limit=600.0)
            await asyncio.sleep(1.0)

    task = asyncio.create_task(lease())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class TestWhatCrosses:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_goes_on_beside_a_flood_of_strangers(self, both: Visit, front: RelayFront, kind: str) -> None:
        crossing, facts = crossing_to(both, Side.PRISON), len(front.facts)
        more = (both.kiosks["prison"].remote.usernameFragment,) if kind.endswith("known check") else ()
        async with flood(kind, front.port, *more) as sent:
            await sent
        crossing.check()
        assert sent.result() > LEAST
        assert not [name for name, _ in front.facts[facts:] if name in ("resource_closed", "gate_changed")]

    async def test_goes_on_over_ipv6_too(self) -> None:
        async with relay_front("127.0.0.1,::1", "127.0.0.1", "::1") as front:
            await front.admit("s")
            room = await RawPeer(front, "::1").publish("prison")
            room.play("prison")
            officer = await RawPeer(front, "::1").watch("prison")
            await officer.until(lambda: len(officer.rtp) > 20)
            crossing = Crossing(officer, room)
            async with flood("many check", front.port, host="::1"), flood("tiny", front.port):
                await asyncio.sleep(SECONDS)
            crossing.check()
            for peer in (officer, room):
                await peer.close()


class TestANewClient:
    @pytest.mark.parametrize("kind", ["tiny", "check", "many check"])
    async def test_comes_in_beside_a_flood(self, both: Visit, front: RelayFront, kind: str) -> None:
        async with flood(kind, front.port):
            officer = RawPeer(front)
            repeated = asyncio.create_task(_repeat(officer))
            await officer.watch("prison", "new@site")
            await officer.until(lambda: len(officer.rtp) > 5)
            repeated.cancel()
        await officer.close()


async def _repeat(peer: RawPeer) -> None:
    """Send checks as browsers do, as one may be lost."""
    while True:
        await asyncio.sleep(0.1)
        if peer.socket is not None and not peer.answers:
            peer.check()


class TestTheGate:
    @pytest.mark.parametrize("kind", ["check", "many known check"])
    async def test_shuts_at_once_on_an_order(self, both: Visit, front: RelayFront, kind: str) -> None:
        kiosk = both.kiosks["prison"]
        async with flood(kind, front.port, kiosk.remote.usernameFragment):
            await asyncio.sleep(SECONDS / 2)
            asked = monotonic()
            await front.link.call(ShutGate(session="s", why="ended"))
            shut = await front.fact("gate_changed", open=False)
            assert shut["mono"] - asked < 0.3 + BUSY / 2

    async def test_shuts_when_its_lease_runs_out(self, front: RelayFront) -> None:
        async with visit(front) as both:
            until = await front.lease("s", SECONDS / 2) + SECONDS / 2
            async with flood("check", front.port):
                shut = await front.fact("gate_changed", open=False)
                assert shut["why"] == "lease ran out"
                assert 0 <= shut["mono"] - until < 0.1 + BUSY / 2
            assert both.last_crossing() < until + FLIGHT


class TestAClientThat:
    """Only the client that floods has less of it: the others in the visit see and hear on."""

    async def test_reports_without_end_loses_its_own_feedback_alone(self, both: Visit, front: RelayFront) -> None:
        officer = await RawPeer(front).watch("prison", "hostile@site")
        await officer.until(lambda: len(officer.rtp) > 20)
        crossing = crossing_to(both, Side.PRISON)
        compound = rtcp.build_receiver_report([]) * 40
        compound += rtcp.build_nack(officer.ssrcs["video"], list(range(0, 4000, 17)))
        end = asyncio.get_running_loop().time() + SECONDS
        while asyncio.get_running_loop().time() < end:
            for _ in range(10):
                officer.send_rtcp(compound[:1800])
            await asyncio.sleep(0.005)
        crossing.check()
        assert (await front.status())["refused"]["rtcp"] > 100
        await officer.close()

    async def test_asks_for_the_same_packets_without_end_gets_few_of_them(self, both: Visit, front: RelayFront) -> None:
        officer = await RawPeer(front).watch("prison", "hostile@site")
        await officer.until(lambda: len(officer.of("video")) > 60)
        crossing, before = crossing_to(both, Side.PRISON), officer.repaired
        for _ in range(int(SECONDS * 50)):
            officer.nack("video", officer.numbers("video")[-40:])
            await asyncio.sleep(0.02)
        crossing.check()
        assert officer.repaired - before < 100 + 150 * (SECONDS + 3)
        await officer.close()

    async def test_publishes_without_end_is_not_decrypted_over_its_budget(self, both: Visit, front: RelayFront) -> None:
        room, crossing = both.rooms["visitor"], crossing_to(both, Side.VISITOR)  # that kiosk gets the other side
        stream = Stream(48_000, 77, 100, payload_type=room.payload_types["audio"])
        for number in range(int(SECONDS * 200)):
            for _ in range(20):  # the bytes are over the budget soon; encrypting more would slow down this process
                room.send_rtp(stream.packet(bytes(1200), number / 200))
            await asyncio.sleep(0.005)
        crossing.check()
        async with asyncio.timeout(PATIENCE):  # where this process had little of the machine, it sent too little so far
            while (await front.status())["refused"]["media"] == 0:
                for _ in range(500):
                    room.send_rtp(stream.packet(bytes(1200), SECONDS))
        crossed = len(both.kiosks["prison"].rtp)
        await both.kiosks["prison"].until(lambda: len(both.kiosks["prison"].rtp) > crossed + 40)

    async def test_checks_without_end_is_answered_some(self, both: Visit, front: RelayFront) -> None:
        officer = await RawPeer(front).watch("prison", "hostile@site")
        crossing, before = crossing_to(both, Side.PRISON), officer.answers
        datagram = officer.check()
        for _ in range(int(SECONDS * 200)):
            for _ in range(20):
                officer.socket.sendto(datagram)
            await asyncio.sleep(0.005)
        crossing.check()
        assert officer.answers - before < 100 + 30 * (SECONDS + 5)
        assert (await front.status())["refused"]["check"] > 100
        await officer.close()

    async def test_shakes_hands_again_and_again_after_it_has(self, both: Visit, front: RelayFront) -> None:
        officer = await RawPeer(front).watch("prison", "hostile@site")
        crossing = crossing_to(both, Side.PRISON)
        hello = b"\x16\xfe\xfd" + bytes(8) + b"\x00\x64" + b"\x01" + bytes(99)
        for _ in range(int(SECONDS * 200)):
            for _ in range(20):
                officer.socket.sendto(hello)
            await asyncio.sleep(0.005)
        crossing.check()
        assert (await front.status())["refused"]["handshake"] > 100
        await officer.close()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may forge addresses")
    @pytest.mark.parametrize("kind", ["forged rtp", "forged check", "forged hello", "forged rtcp"])
    async def test_is_forged_by_others_stays_a_client(self, both: Visit, front: RelayFront, kind: str) -> None:
        room, facts = both.rooms["prison"], len(front.facts)
        crossing, own = crossing_to(both, Side.PRISON), both.kiosks["visitor"]
        async with flood(kind, front.port, str(room.socket.get_extra_info("sockname")[1])) as sent:
            await sent
        crossing.check()  # the other direction does not notice
        count = len(own.rtp)
        await own.until(lambda: len(own.rtp) > count + 40)
        assert not [name for name, _ in front.facts[facts:] if name == "resource_closed"]


class TestAnAddress:
    async def test_in_use_is_not_given_to_another_client(self, both: Visit, front: RelayFront) -> None:
        """A client that knows a password of its own could else take the address from the other one."""
        room, other = both.rooms["prison"], RawPeer(front)
        await other.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="x@y", gated=False)
        other.socket.close()
        other.socket = room.socket
        answers, kiosk = room.answers, both.kiosks["visitor"]
        other.check()
        count = len(kiosk.rtp)
        await kiosk.until(lambda: len(kiosk.rtp) > count + 40)
        assert room.answers == answers
        assert (await front.status())["refused"]["taken"] > 0


class TestTcp:
    async def test_idle_connections_of_many_addresses_keep_no_new_client_out(
        self, both: Visit, front: RelayFront
    ) -> None:
        idle = [_connected(f"127.0.0.{2 + number % 7}", front.port) for number in range(7 * 16)]
        crossing = crossing_to(both, Side.PRISON)
        officer = await RawPeer(front, tcp=True).watch("prison", "new@site")
        await officer.until(lambda: len(officer.rtp) > 20)
        crossing.check()
        for sock in idle:
            sock.close()
        await officer.close()

    async def test_connections_without_end_keep_no_new_client_out(self, both: Visit, front: RelayFront) -> None:
        crossing, end = crossing_to(both, Side.PRISON), asyncio.get_running_loop().time() + SECONDS
        held: list[socket.socket] = []

        async def connect() -> None:
            while asyncio.get_running_loop().time() < end:
                held.append(_connected(f"127.0.0.{2 + len(held) % 7}", front.port))
                await asyncio.sleep(0.002)

        connecting = asyncio.create_task(connect())
        officer = await RawPeer(front, tcp=True).watch("prison", "new@site")
        await officer.until(lambda: len(officer.rtp) > 20)
        await connecting
        crossing.check()
        for sock in held:
            sock.close()
        await officer.close()

    async def test_a_length_beyond_any_packet_ends_a_connection_before_the_rest_comes(
        self, both: Visit, front: RelayFront
    ) -> None:
        _, framed = await asyncio.get_running_loop().create_connection(
            lambda: Framed(lambda *_: None), "127.0.0.1", front.port
        )
        framed.transport.write(b"\xff\xff")
        await asyncio.wait_for(framed.lost.wait(), PATIENCE)


def _connected(host: str, port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((host, 0))
    sock.connect_ex(("127.0.0.1", port))
    return sock
