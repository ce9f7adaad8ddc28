"""A muted side (制止): its sound does not reach the far room, and everything else goes on as it was."""

import asyncio

import pytest

from broker.ipc.relay_messages import ShutGate
from broker.kernel.errors import BadRequest
from broker.kernel.ids import Side
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import visit
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG = 15.0  # seconds of limit and deadline, longer than any test here


async def _leased_on(front: RelayFront, muted: list[str]) -> None:
    """Lease the gate as the control process does, until cancelled."""
    while True:
        await front.lease("s", muted=muted)
        await asyncio.sleep(0.5)


class TestAMutedSide:
    async def test_is_seen_and_not_heard_and_other_streams_go_on(self, front: RelayFront) -> None:
        async with visit(front) as both:
            hearing, other = both.kiosks["prison"], both.kiosks["visitor"]
            officer = await RawPeer(front).watch("visitor")
            await front.lease("s")
            await hearing.until(lambda: hearing.of("audio") and hearing.of("video"))
            leasing = asyncio.create_task(_leased_on(front, ["visitor"]))
            await front.lease("s", muted=["visitor"])
            counted = (await front.status())["forwarded"]
            came = len(hearing.of("audio"))
            seen, far, watched = (len(hearing.of("video")), len(other.of("audio")), len(officer.of("audio")))
            await officer.until(lambda: len(officer.of("audio")) > watched + 50)
            await hearing.until(lambda: len(hearing.of("video")) > seen + 20)
            await other.until(lambda: len(other.of("audio")) > far + 20)
            assert (await front.status())["forwarded"] > counted
            # packets on their way when the command came may still have arrived
            assert len(hearing.of("audio")) <= came + 3
            leasing.cancel()
            await officer.close()

    async def test_is_heard_again_without_what_was_said_meanwhile(self, front: RelayFront) -> None:
        async with visit(front) as both:
            hearing = both.kiosks["prison"]
            officer = await RawPeer(front).watch("visitor")
            await front.lease("s")
            await hearing.until(lambda: len(hearing.of("audio")) > 10)
            await front.lease("s", muted=["visitor"])
            watched = len(officer.of("audio"))
            await officer.until(lambda: len(officer.of("audio")) > watched + 20)
            silent = len(hearing.of("audio"))
            hearing.nack("audio", [hearing.numbers("audio")[-1] + one for one in range(1, 16)])
            seen = len(hearing.of("video"))
            await front.lease("s", muted=["visitor"])
            await hearing.until(lambda: len(hearing.of("video")) > seen + 5)
            assert len(hearing.of("audio")) == silent, "asked for and got what it was not to hear"
            await front.lease("s")
            await hearing.until(lambda: len(hearing.of("audio")) > silent + 10)
            assert set(steps(hearing.numbers("audio"))) == {1}
            assert set(steps(hearing.numbers("video"))) == {1}
            await officer.close()

    async def test_stays_muted_when_the_gate_opens_or_the_far_room_connects_again(self, front: RelayFront) -> None:
        async with visit(front) as both:
            hearing = both.kiosks["prison"]
            await front.lease("s", muted=["visitor"])
            await hearing.until(lambda: len(hearing.of("video")) > 5)
            await front.link.call(ShutGate(session="s"))
            await front.lease("s", muted=["visitor"])
            seen = len(hearing.of("video"))
            await hearing.until(lambda: len(hearing.of("video")) > seen + 5)
            again = await RawPeer(front).watch("visitor", client="prison", gated=True)
            await front.lease("s", muted=["visitor"])
            await again.until(lambda: len(again.of("video")) > 5)
            assert (hearing.of("audio"), again.of("audio")) == ([], [])
            await again.close()

    async def test_minutes_begin_with_the_pictures_when_both_are_muted(self, front: RelayFront) -> None:
        async with visit(front) as both:
            await front.lease("s", muted=["prison", "visitor"])
            await front.fact("first_crossing", session="s")
            for side in Side:
                await both.kiosks[side].until(lambda side=side: len(both.kiosks[side].of("video")) > 5)
                assert both.kiosks[side].of("audio") == []

    @pytest.mark.parametrize("muted", ["visitor", ["left"], [1], {}])
    async def test_a_lease_that_names_no_sides_is_refused(self, front: RelayFront, muted: object) -> None:
        with pytest.raises(BadRequest):
            await front.lease("s", muted=muted)
