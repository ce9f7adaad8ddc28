"""The same subscriber connects again (design, section 4): the newer connection replaces the older one without a moment
in which neither counts, and the connections of one subscriber leave room for others."""

import asyncio

import pytest

from broker.ipc.relay_messages import Subscribe
from broker.kernel.errors import TooMany
from broker.kernel.ids import Side
from broker.relay.publications import REPLACED
from broker.relay.session import SUPERVISORS
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def offer_only(front: RelayFront, client: str, gated: bool = False) -> RawPeer:
    """Send an offer without connecting afterwards."""
    peer = RawPeer(front)
    await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber=client, gated=gated)
    peer.socket.close()
    return peer


class TestASupervisorThatConnectsAgain:
    async def test_is_receiving_all_the_time_and_then_only_on_the_newer_connection(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        first = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        second = await RawPeer(front).watch("prison")
        gone = await front.fact("resource_closed", after=since)
        assert (gone["resource"], gone["why"]) == (first.resource, REPLACED)
        await asyncio.wait_for(first.gone.wait(), PATIENCE)
        reported = [
            (fact["resource"], fact["on"]) for name, fact in front.facts[since:] if name == "subscription_changed"
        ]
        of_second = (second.resource, False)  # it is connected, and has not reported yet
        assert [one for one in reported if one != of_second] == [(second.resource, True), (first.resource, False)]
        count = len(second.rtp)
        await second.until(lambda: len(second.rtp) > count + 30)
        for peer in (second, first, room):
            await peer.close()

    async def test_keeps_the_older_connection_until_the_newer_one_is_receiving(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        first = await RawPeer(front).watch("prison", "silent@site")
        await front.fact("subscription_changed", on=True)
        since = len(front.facts)
        second = await RawPeer(front).watch_in_silence("prison")
        await second.until(lambda: len(second.rtp) > 60)
        later = [fact for name, fact in front.facts[since:] if name in ("resource_closed", "subscription_changed")]
        assert not [fact for fact in later if fact["resource"] == first.resource or fact.get("on")]
        third = await RawPeer(front).watch_in_silence("prison")
        assert (await front.fact("resource_closed", after=since))["resource"] == second.resource
        third.report()
        await front.fact("resource_closed", resource=first.resource, why=REPLACED)
        for peer in (third, second, first, room):
            await peer.close()

    async def test_under_another_name_is_another_client(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officers = [await RawPeer(front).watch("prison", name) for name in ("li@site#a", "li@site#b")]
        for officer, name in zip(officers, ("li@site#a", "li@site#b"), strict=True):
            await front.fact("subscription_changed", subscriber=name, on=True)
            assert not officer.gone.is_set()
        assert not [name for name, _ in front.facts if name == "resource_closed"]
        for peer in (*officers, room):
            await peer.close()


class TestTheNumberOfConnections:
    async def test_of_one_supervisor_that_connects_is_one(self, front: RelayFront) -> None:
        before = (await front.status())["peers"]
        for _ in range(SUPERVISORS.most + 5):
            await offer_only(front, "li@site")
        assert (await front.status())["peers"] == before + 1
        officer = await RawPeer(front).watch("prison", "he@site")
        await officer.close()

    async def test_of_supervisors_is_limited_and_that_of_rooms_is_not(self, front: RelayFront) -> None:
        for number in range(SUPERVISORS.most):
            await offer_only(front, f"{number}@site")
        with pytest.raises(TooMany):
            await offer_only(front, "late@site")
        await offer_only(front, "0@site")
        for side in Side:
            await offer_only(front, side, gated=True)
