"""The same watcher again (design, section 4): the newer connection takes the older one's place, without a moment in
which nobody watches; and no number of connections of one keeps others out."""

import asyncio

import pytest

from broker.kernel.errors import TooMany
from broker.kernel.ids import Side
from broker.relay.publications import REPLACED
from broker.relay.session import SUPERVISORS
from tests.support.relay.peers import RawPeer
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ask(front: RelayFront, who: str, gated: bool = False) -> RawPeer:
    """An offer that nobody follows up."""
    peer = RawPeer(front)
    await peer.negotiate("subscribe", "aiortc-watch", session="s", side="prison", who=who, gated=gated)
    peer.socket.close()
    return peer


class TestASupervisorWhoConnectsAgain:
    async def test_is_watching_all_the_time_and_then_on_the_newer_connection_only(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        first = await RawPeer(front).watch("prison")
        await front.fact("watching", on=True)
        told = len(front.facts)
        second = await RawPeer(front).watch("prison")
        gone = await front.fact("gone", after=told)
        assert (gone["resource"], gone["why"]) == (first.resource, REPLACED)
        await asyncio.wait_for(first.gone.wait(), 5)
        told_of = [(fact["resource"], fact["on"]) for name, fact in front.facts[told:] if name == "watching"]
        of_second = (second.resource, False)  # it is there, and has not reported yet
        assert [one for one in told_of if one != of_second] == [(second.resource, True), (first.resource, False)]
        count = len(second.rtp)
        await second.until(lambda: len(second.rtp) > count + 30)
        for peer in (second, first, room):
            await peer.close()

    async def test_keeps_the_older_connection_while_the_newer_one_brings_nothing(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        first = await RawPeer(front).watch("prison", "silent@site")
        await front.fact("watching", on=True)
        told = len(front.facts)
        second = await RawPeer(front).watch_in_silence("prison")
        await second.until(lambda: len(second.rtp) > 60)
        later = [fact for name, fact in front.facts[told:] if name in ("gone", "watching")]
        assert not [fact for fact in later if fact["resource"] == first.resource or fact.get("on")]
        third = await RawPeer(front).watch_in_silence("prison")
        assert (await front.fact("gone", after=told))["resource"] == second.resource
        third.report()
        await front.fact("gone", resource=first.resource, why=REPLACED)
        for peer in (third, second, first, room):
            await peer.close()

    async def test_is_somebody_else_under_another_name(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officers = [await RawPeer(front).watch("prison", who) for who in ("li@site#a", "li@site#b")]
        for officer, who in zip(officers, ("li@site#a", "li@site#b"), strict=True):
            await front.fact("watching", who=who, on=True)
            assert not officer.gone.is_set()
        assert not [name for name, _ in front.facts if name == "gone"]
        for peer in (*officers, room):
            await peer.close()


class TestACrowd:
    async def test_of_one_supervisor_is_one_attempt(self, front: RelayFront) -> None:
        before = (await front.status())["peers"]
        for _ in range(SUPERVISORS.most + 5):
            await ask(front, "li@site")
        assert (await front.status())["peers"] == before + 1
        officer = await RawPeer(front).watch("prison", "he@site")
        await officer.close()

    async def test_of_supervisors_is_limited_and_leaves_the_rooms_their_places(self, front: RelayFront) -> None:
        for number in range(SUPERVISORS.most):
            await ask(front, f"{number}@site")
        with pytest.raises(TooMany):
            await ask(front, "late@site")
        await ask(front, "0@site")
        for side in Side:
            await ask(front, side, gated=True)
