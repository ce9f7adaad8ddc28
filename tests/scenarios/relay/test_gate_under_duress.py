"""The gate while its broker is stopped, slowed and killed, and while the wall clock is stepped: counted in decrypted
packets at the far end (design, invariants 4 and 5)."""

import ast
import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import pytest

import broker.relay
from broker.ipc.relay_messages import LeaseGate, SetDeadline, ShutGate
from broker.kernel.clock import monotonic
from broker.media.h264 import SPS, keyframe_start
from tests.support.patience import BUSY, FLIGHT, PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import Visit, visit
from tests.support.relay_front import RelayFront, relay_front

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPENINGS = 20
STEPPING = """
import random, runpy, time
from datetime import datetime, timedelta
from broker.kernel import clock

class Stepping(datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + timedelta(days=random.choice((-3000, -1, 0, 1, 3000)))

real = time.time
time.time = lambda: real() + random.choice((-1e8, 0, 1e8))
clock.datetime = Stepping
runpy.run_module("broker.relay", run_name="__main__")
"""


class Leaser:
    """The process that leases the gate; `leases` are (when, until) of each."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.leases: list[tuple[float, float]] = []

    async def beat(self) -> None:
        """Wait for the next lease of the process."""
        assert self.process.stdout is not None
        at, until = (await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)).split()
        self.leases.append((float(at), float(until)))

    def send(self, number: int) -> None:
        self.process.send_signal(number)


@asynccontextmanager
async def leaser(front: RelayFront, every: float = 1.0, limit: float = 600.0) -> AsyncIterator[Leaser]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.relay.leaser"),
        *(str(front.run_dir / "relay-0.sock"), "s", str(every), str(limit)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Leaser(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def beyond(both: Visit, moment: float) -> None:
    """Wait until the rooms have sent for a while after `moment`, so that a packet that still crosses would be seen."""
    officer = await RawPeer(both.front).watch("prison", "officer@site")
    await officer.until(lambda: officer.rtp and officer.rtp[-1][0] > moment)
    await officer.close()


class TestABrokerThat:
    @pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
    async def test_is_stopped_or_killed_leaves_the_gate_open_until_its_last_lease_ends(
        self, front: RelayFront, number: int
    ) -> None:
        async with visit(front) as both, leaser(front) as broker:
            await broker.beat()
            for kiosk in both.kiosks.values():
                await kiosk.until(lambda kiosk=kiosk: kiosk.rtp)
            await broker.beat()
            broker.send(number)
            until = broker.leases[-1][1]
            shut = await front.fact("gate_changed", open=False)
            assert shut["why"] == "lease ran out"
            assert 0 <= shut["mono"] - until < BUSY
            await beyond(both, until + 1.0)
            assert both.last_sent(until - BUSY) < both.last_crossing() < until + FLIGHT

    async def test_wakes_up_late_opens_the_gate_only_with_a_new_lease(self, front: RelayFront) -> None:
        async with visit(front) as both, leaser(front) as broker:
            await broker.beat()
            await both.kiosks["prison"].until(lambda: both.kiosks["prison"].rtp)
            broker.send(signal.SIGSTOP)
            shut = await front.fact("gate_changed", open=False)
            since = len(front.facts)
            await beyond(both, shut["mono"] + 0.5)
            counts = [len(kiosk.rtp) for kiosk in both.kiosks.values()]
            stale = monotonic() - 0.01
            await front.link.call(LeaseGate(session="s", until=stale, deadline=stale + 60, limit=60.0))
            await beyond(both, stale + 0.5)
            assert [len(kiosk.rtp) for kiosk in both.kiosks.values()] == counts
            woken = monotonic()
            broker.send(signal.SIGCONT)
            opened = await front.fact("gate_changed", open=True, after=since)
            assert opened["mono"] > woken

    async def test_is_slow_lets_no_packet_cross_outside_its_leases(self, front: RelayFront) -> None:
        async with visit(front) as both, leaser(front, every=3.6) as broker:
            for _ in range(3):
                await broker.beat()
            broker.send(signal.SIGKILL)
            await beyond(both, broker.leases[-1][1] + 0.5)
            for kiosk in both.kiosks.values():
                outside = [
                    at
                    for at, _ in kiosk.rtp
                    if not any(begun <= at <= until + FLIGHT for begun, until in broker.leases)
                ]
                assert outside == []
                assert len(kiosk.rtp) > 300

    async def test_gives_a_deadline_is_obeyed_to_the_packet(self, front: RelayFront) -> None:
        async with visit(front) as both, leaser(front) as broker:
            await broker.beat()
            await both.kiosks["prison"].until(lambda: both.kiosks["prison"].rtp)
            deadline = monotonic() + 1.3
            await front.link.call(SetDeadline(session="s", deadline=deadline))
            due = max(deadline, monotonic())
            shut = await front.fact("gate_changed", open=False)
            assert shut["why"] == "limit"
            assert deadline <= shut["mono"] < due + BUSY
            await broker.beat()
            await broker.beat()
            await beyond(both, due + 1.0)
            assert both.last_sent(deadline - BUSY) < both.last_crossing() < due + FLIGHT


class TestOpening:
    async def test_asks_at_once_for_a_fresh_keyframe_which_the_far_side_gets_first(self, front: RelayFront) -> None:
        """What the publisher takes to answer is the test's own time and not measured."""
        took = []
        async with visit(front) as both:
            for _ in range(OPENINGS):
                for side, kiosk in both.kiosks.items():
                    room, since = both.rooms[side.other], len(front.facts)
                    requests = len(room.requested)
                    await front.lease("s")
                    opened = (await front.fact("gate_changed", open=True, after=since))["mono"]
                    await kiosk.until(lambda kiosk=kiosk, opened=opened: kiosk.first_video(opened))
                    assert keyframe_start(kiosk.first_video(opened)) == SPS
                    took.append(room.requested[requests] - opened)
                    await front.link.call(ShutGate(session="s"))
                    heard = len(room.feedback)
                    await room.until(lambda room=room, heard=heard: len(room.feedback) > heard)
        print(f"asked: median {1000 * median(took):.1f} ms, worst of {len(took)} {1000 * max(took):.1f} ms")
        assert median(took) < FLIGHT and max(took) < BUSY


class TestTheWallClock:
    async def test_may_be_stepped_without_effect_on_the_gate(self) -> None:
        async with relay_front(program=("-c", STEPPING)) as front:
            await front.admit("s")
            async with visit(front) as both:
                leased = await front.lease("s", seconds=2.0)
                kiosk = both.kiosks["prison"]
                await kiosk.until(lambda: kiosk.rtp)
                shut = await front.fact("gate_changed", open=False)
                assert 0 <= shut["mono"] - (leased + 2.0) < BUSY
                leased = await front.lease("s", limit=600, deadline=2.0)
                shut = await front.fact("gate_changed", open=False, why="limit")
                assert 0 <= shut["mono"] - (leased + 2.0) < BUSY
                await beyond(both, shut["mono"] + 0.5)
                assert both.last_crossing() < leased + 2.0 + FLIGHT

    async def test_is_read_only_by_the_statistics(self) -> None:
        """Only the statistics compare with the kernel's stamps, which are of the wall clock."""
        readers = {}
        for file in Path(broker.relay.__path__[0]).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "broker.kernel.clock":
                    readers[file.name] = {alias.name for alias in node.names}
                assert not (
                    isinstance(node, ast.Import) and {alias.name for alias in node.names} & {"time", "datetime"}
                )
                assert not (isinstance(node, ast.ImportFrom) and node.module in ("time", "datetime"))
        assert readers.pop("stats.py") == {"SystemClock"}
        assert set().union(*readers.values()) == {"monotonic", "monotonic_ns"}
