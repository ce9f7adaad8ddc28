"""An exception in one session ends that session, wherever it happens, and other sessions do not notice."""

import asyncio
import struct

import pytest

from broker.ipc.relay_messages import Publish
from tests.support.patience import FLIGHT, PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay_front import RelayFront, relay_front
from tests.support.rtp import Stream

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROKEN = 0xDEADBEEF
FAULTY = f"""
import runpy, sys
from broker.relay.session import RelaySession
from broker.relay.track import Track
from broker.relay.rtp import rtcp_feedback

advance, handle, observe, shut = Track.advance, rtcp_feedback.handle_compound, RelaySession.observe, RelaySession.shut

def broken_advance(self, seq, ts, now):
    if ts == {BROKEN}:
        raise RuntimeError("a fault for a test")
    return advance(self, seq, ts, now)

def broken_observe(self, now):
    if self.session == "round" and max(map(len, self.media.values())) == 2:  # before, its client still connects
        raise RuntimeError("a fault for a test")
    return observe(self, now)

def broken_shut(self, now, why):
    if self.session == "stiff":
        raise RuntimeError("a fault for a test")
    return shut(self, now, why)

Track.advance, RelaySession.observe, RelaySession.shut = broken_advance, broken_observe, broken_shut
runpy.run_module("broker.relay", run_name="__main__")
"""


async def publish(front: RelayFront, session: str) -> RawPeer:
    after = len(front.facts)
    peer = RawPeer(front)
    await peer._connect(Publish, "aiortc-publish", session=session, side="prison")
    peer.play("prison")
    await front.fact("side_media", session=session, on=True, after=after)
    return peer


class TestAFault:
    async def test_over_a_packet_or_in_regular_work_ends_only_its_session(self) -> None:
        async with relay_front(program=("-c", FAULTY)) as front:
            for session in ("s", "well", "round"):
                await front.admit(session)
            healthy = await publish(front, "well")
            officer = await RawPeer(front).watch("prison", session="well")
            await front.fact("subscription_changed", session="well", on=True)
            sick = await publish(front, "s")
            victim = await RawPeer(front).watch("prison", session="s")
            await victim.until(lambda: len(victim.rtp) > 10)
            stream = Stream(48_000, 9, 1, payload_type=sick.payload_types["audio"])
            packet = bytearray(stream.packet(b"x", 0))
            struct.pack_into("!I", packet, 4, BROKEN)
            sick.send_rtp(bytes(packet))
            await front.fact("session_failed", session="s")
            for peer in (sick, victim):
                await asyncio.wait_for(peer.gone.wait(), PATIENCE)
            await publish(front, "round")
            await front.fact("session_failed", session="round")
            count = len(officer.rtp)
            await officer.until(lambda: len(officer.rtp) > count + 60)
            assert set(steps(officer.numbers("audio"))) == {1}
            assert {of["session"] for name, of in front.facts if name == "session_failed"} == {"s", "round"}
            status = await front.status()
            assert (status["sessions"], status["peers"]) == (1, 2)
            for peer in (officer, healthy, sick, victim):
                await peer.vanish()

    async def test_in_shutting_a_gate_shuts_it_anyway_and_the_others_in_time(self) -> None:
        async with relay_front(program=("-c", FAULTY)) as front:
            kiosks = []
            for session in ("stiff", "well"):
                await front.admit(session)
                await publish(front, session)
                kiosk = RawPeer(front)
                kiosks.append(await kiosk.watch("prison", client="visitor", gated=True, session=session))
            ends = [await front.lease(session, seconds=1.0) + 1.0 for session in ("stiff", "well")]
            for kiosk in kiosks:
                await kiosk.until(lambda kiosk=kiosk: len(kiosk.rtp) > 5)
            await front.fact("session_failed", session="stiff")
            shut = await front.fact("gate_changed", session="well", open=False)
            assert shut["why"] == "lease ran out"
            officer = await RawPeer(front).watch("prison", session="well")
            await officer.until(lambda: len(officer.rtp) > 30)
            for kiosk, end in zip(kiosks, ends, strict=True):
                assert kiosk.rtp[-1][0] < end + FLIGHT
            await officer.vanish()
