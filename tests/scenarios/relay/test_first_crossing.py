"""When the minutes begin (Yunnan 14, Guangdong 11): at the first packet that crosses in either direction, counted in
decrypted packets at the far end; and what a worker reports of rooms that receive, before a gate opens."""

import asyncio
from itertools import dropwhile

import pytest

from broker.ipc.relay_messages import DropResource, LeaseGate, ShutGate
from broker.kernel.clock import monotonic
from tests.support.patience import BUSY, FLIGHT
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import publisher, visit
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 3.0


async def leased(front: RelayFront, seconds: float, limit: float = LIMIT) -> None:
    """Renew the lease for so long, as the control process does; the gate shuts earlier where its limit is over."""
    for _ in range(int(seconds / 0.5)):
        now = monotonic()
        await front.link.call(LeaseGate(session="s", until=now + 3.0, deadline=now + 60.0, limit=limit))
        await asyncio.sleep(0.5)


class TestTheMinutes:
    async def test_begin_though_only_one_direction_flows(self, front: RelayFront) -> None:
        """A room that subscribes 25 seconds late cost 25 seconds too many: the gate was open 1,825.5 s."""
        rooms = {side: await publisher(front, side) for side in ("prison", "visitor")}
        kiosk = await RawPeer(front).watch("prison", client="visitor", gated=True)
        since, opened = len(front.facts), monotonic()
        renewing = asyncio.create_task(leased(front, LIMIT + 1.5))
        crossed = await front.fact("first_crossing", after=since)
        assert opened <= crossed["mono"]
        late = await RawPeer(front).watch("visitor", client="prison", gated=True)
        shut = await front.fact("gate_changed", after=since, open=False)
        assert shut["why"] == "limit" and 0 <= shut["mono"] - (crossed["mono"] + LIMIT) < BUSY
        await renewing
        arrived = [at for one in (kiosk, late) for at, _ in one.rtp]
        assert 0 <= min(arrived) - crossed["mono"] < FLIGHT
        assert max(arrived) - min(arrived) <= LIMIT + FLIGHT, "the gate was open longer than the limit, by packets"
        assert late.rtp, "what comes late crosses within the same minutes"
        assert len([name for name, _ in front.facts[since:] if name == "first_crossing"]) == 1
        for peer in (kiosk, late, *rooms.values()):
            await peer.close()

    async def test_do_not_begin_while_no_room_receives(self, own_front: RelayFront) -> None:
        rooms = [await publisher(own_front, side) for side in ("prison", "visitor")]
        await leased(own_front, 1.0)
        assert not [name for name, _ in own_front.facts if name == "first_crossing"]
        for peer in rooms:
            await peer.close()

    async def test_begin_where_another_worker_saw_them_begin(self, own_front: RelayFront) -> None:
        async with visit(own_front) as both:
            now = monotonic()
            crossed = now - LIMIT + 1.0
            await own_front.link.call(
                LeaseGate(session="s", until=now + 3.0, deadline=now + 60.0, limit=LIMIT, crossed=crossed)
            )
            shut = await own_front.fact("gate_changed", open=False)
            assert shut["why"] == "limit" and 0 <= shut["mono"] - (crossed + LIMIT) < BUSY
            assert all(at <= crossed + LIMIT + FLIGHT for kiosk in both.kiosks.values() for at, _ in kiosk.rtp)


class TestARoomThatReceives:
    """Its connection stands before the gate opens: that alone lets the gate open, and its loss shuts it."""

    async def test_is_reported_as_soon_as_it_is_connected(self, front: RelayFront) -> None:
        await front.link.call(ShutGate(session="s"))  # whatever a test before has left
        room, since = await publisher(front, "prison"), len(front.facts)
        kiosk = await RawPeer(front).watch("prison", client="visitor", gated=True)
        # A worker that looks between answer and connection reports first that the room agreed, and is not there yet.
        report = await front.fact("subscription_changed", after=since, resource=kiosk.resource, on=True)
        assert report["consent"] and not kiosk.rtp
        await front.link.call(DropResource(session="s", resource=kiosk.resource))
        await front.fact("subscription_changed", after=since, resource=kiosk.resource, on=False)
        for peer in (kiosk, room):
            await peer.close()

    async def test_is_never_gone_while_a_newer_connection_replaces_the_older(self, front: RelayFront) -> None:
        room, since = await publisher(front, "prison"), len(front.facts)
        connections = [await RawPeer(front).watch("prison", client="visitor", gated=True) for _ in range(3)]
        await front.fact("resource_closed", after=since, resource=connections[1].resource)
        here = {connection.resource for connection in connections}  # a visit before may end only now
        standing: set[str] = set()
        counts = []
        for name, fact in front.facts[since:]:
            if name == "subscription_changed" and fact["resource"] in here:
                (standing.add if fact["on"] else standing.discard)(fact["resource"])
                counts.append(len(standing))
        counts = list(dropwhile(lambda count: count == 0, counts))  # agreed to, and not yet connected
        assert counts[0] == 1 and min(counts) == 1 and standing == {connections[2].resource}
        for peer in (*connections, room):
            await peer.close()

    async def test_that_reports_no_progress_is_dropped_so_that_it_connects_again(self, front: RelayFront) -> None:
        """Its checks still come, so that only its reports show that nothing arrives there."""
        room, since = await publisher(front, "prison"), len(front.facts)
        kiosk = await RawPeer(front).watch("prison", client="visitor", gated=True)
        renewing = asyncio.create_task(leased(front, 15.0, limit=60.0))
        await kiosk.until(lambda: len(kiosk.of("video")) > 30)
        kiosk.pretend()
        gone = await front.fact("resource_closed", after=since, resource=kiosk.resource)
        assert gone["why"] == "receives nothing"
        await front.fact("subscription_changed", after=since, resource=kiosk.resource, on=False)
        renewing.cancel()
        await front.link.call(ShutGate(session="s"))
        for peer in (kiosk, room):
            await peer.close()
