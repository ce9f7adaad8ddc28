"""The gate shuts while packets come and leave in bursts, as pictures do: the stamps of the kernel at the far end show
that none came after its moment (design, invariants 4 and 5)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.ipc.relay_messages import SetDeadline, ShutGate
from broker.kernel.clock import monotonic
from tests.support.patience import BUSY, FLIGHT, PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import Visit, visit
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

FRAGMENTS, SIZE = 12, 1000  # packets of a burst and their bytes; one call of the kernel could send them all
SOL_UDP, UDP_GRO = 17, 104
CLOCKS = 0.002  # seconds by which two clocks of this machine are compared wrongly at most
EVERY = 0.012  # seconds between bursts: nearly all that a client may send (`limits.media_budget`)


async def burst(room: RawPeer) -> None:
    """Send packets of one size in bursts until cancelled: in the stream of the sound, which waits for no keyframe."""
    stream = Stream(48_000, 99, 200, payload_type=room.payload_types["audio"])
    number = 0
    while True:
        for _ in range(FRAGMENTS):
            room.send_rtp(stream.packet(bytes(SIZE), number * EVERY))
        number += 1
        await asyncio.sleep(EVERY)


async def lease(front: RelayFront) -> None:
    """Keep the gate open until cancelled."""
    while True:
        await front.lease("s")
        await asyncio.sleep(1.0)


@asynccontextmanager
async def bursting(front: RelayFront) -> AsyncIterator[Visit]:
    """A visit whose rooms send in bursts that reach the far side, and whose gate has a last lease."""
    async with visit(front) as both:
        leasing = asyncio.create_task(lease(front))
        tasks = [leasing, *(asyncio.create_task(burst(room)) for room in both.rooms.values())]
        try:
            for kiosk in both.kiosks.values():
                await kiosk.until(lambda kiosk=kiosk: len(large(kiosk)) > 5 * FRAGMENTS)
            leasing.cancel()
            await front.lease("s")
            yield both
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def large(peer: RawPeer) -> list[float]:
    """Return when the kernel took in each packet of a burst (monotonic s)."""
    return [at for at, packet in peer.rtp if len(packet) > SIZE]


async def beyond(both: Visit, moment: float) -> None:
    """Wait until bursts have reached an officer, who is behind no gate, for a while after `moment`."""
    officer = await RawPeer(both.front).watch("prison", "officer@site")
    await officer.until(lambda: large(officer) and large(officer)[-1] > moment)
    await officer.close()


async def test_packets_of_a_burst_leave_together(front: RelayFront) -> None:
    """The kernel hands them over as one datagram to a socket that takes that (UDP_GRO), only if it got them as one."""
    async with bursting(front):
        officer = await RawPeer(front).watch("prison", "officer@site")
        await officer.until(lambda: large(officer))
        sizes: list[int] = []
        together = asyncio.Event()

        def note(data: bytes, taken_at: float) -> None:
            sizes.append(len(data))
            if len(data) > 4 * SIZE:
                together.set()

        officer.socket.get_protocol()._on_datagram = note
        officer.socket.get_extra_info("socket").setsockopt(SOL_UDP, UDP_GRO, 1)
        await asyncio.wait_for(together.wait(), PATIENCE)
        await officer.close()


def check(both: Visit, shut: float) -> None:
    """Check that none crossed after the gate had shut, which was at `shut` by the relay's own clock."""
    for kiosk in both.kiosks.values():
        assert [at for at, _ in kiosk.rtp if at > shut + CLOCKS] == []


class TestAGateShutsInTheMiddleOfBatches:
    async def test_at_its_deadline(self, front: RelayFront) -> None:
        async with bursting(front) as both:
            deadline = monotonic() + 0.7
            await front.link.call(SetDeadline(session="s", deadline=deadline))
            due = max(deadline, monotonic())
            shut = await front.fact("gate_changed", open=False)
            assert deadline <= shut["mono"] < due + BUSY
            await beyond(both, due + 0.5)
            check(both, shut["mono"])
            assert both.last_sent(deadline - BUSY) < both.last_crossing() < due + FLIGHT

    async def test_when_its_lease_runs_out(self, front: RelayFront) -> None:
        async with bursting(front) as both:
            until = await front.lease("s", 0.5) + 0.5
            shut = await front.fact("gate_changed", open=False)
            assert shut["why"] == "lease ran out"
            await beyond(both, max(until, shut["mono"]) + 0.5)
            check(both, shut["mono"])

    async def test_by_the_order_to_hold(self, front: RelayFront) -> None:
        async with bursting(front) as both:
            since = len(front.facts)
            await front.link.call(ShutGate(session="s", why="supervisor"))
            shut = await front.fact("gate_changed", open=False, after=since)
            await beyond(both, shut["mono"] + 0.5)
            check(both, shut["mono"])
