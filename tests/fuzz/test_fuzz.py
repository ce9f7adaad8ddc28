"""A short part of the long run (`python -m tests.fuzz`), and random datagrams at a real worker's port."""

import random

import pytest

from tests.broker.relay.transport.test_demux import stranger
from tests.fuzz import run
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


class TestRandomInput:
    async def test_is_read_without_an_exception(self) -> None:
        await run.fuzz(5000, 3)

    async def test_at_a_workers_port_disturbs_no_client(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        relay, dice = run.Relay(), random.Random(5)
        since = len(front.facts)
        async with stranger(front) as sender:
            for number in range(3000):
                sender.send(run.datagram(dice, relay)[1])
                if number % 50 == 49:
                    count = len(officer.rtp)
                    await officer.until(lambda count=count: len(officer.rtp) > count)
            assert sender.answers == 0
        assert set(steps(officer.numbers("audio"))) == {1}
        assert not [
            name
            for name, _ in front.facts[since:]
            if name in ("subscription_changed", "side_media", "resource_closed", "session_failed")
        ]
        await officer.close()
        await room.close()
