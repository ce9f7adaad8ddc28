"""An ICE restart during a visit (RFC 9725 4.3.3): media goes on until the new pair is nominated."""

from types import SimpleNamespace

import pytest

from broker.ipc.relay_messages import RestartIce
from broker.kernel.errors import MalformedSdp, NotFound
from tests.broker.media.test_sdp_fragment import RESTART
from tests.support.relay.peers import RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def restart(front: RelayFront, peer: RawPeer) -> SimpleNamespace:
    answer = await front.link.call(RestartIce(session="s", resource=peer.resource, fragment=RESTART))
    found = dict(
        line[2:].split(":", 1) for line in answer.fragment.splitlines() if line.startswith("a=ice-") and ":" in line
    )
    return SimpleNamespace(usernameFragment=found["ice-ufrag"], password=found["ice-pwd"])


class TestARestart:
    async def test_of_a_subscriber_loses_nothing_and_ends_the_old_password(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since, old = len(front.facts), officer.remote
        new = await restart(front, officer)
        assert new.usernameFragment != old.usernameFragment and new.password != old.password
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 20)
        officer.check()
        before = officer.answers
        await officer.until(lambda: officer.answers > before)
        officer.remote = new
        first = await officer.open()
        officer.check()
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        assert set(steps(officer.numbers("audio"))) <= {1, 2}
        rejected = (await front.status())["rejected"]
        officer.check(password=old.password, ufrag=old.usernameFragment)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 20)
        assert (await front.status())["rejected"] == rejected + 1
        assert not [
            1 for name, of in front.facts[since:] if name in ("resource_closed", "subscription_changed", "side_media")
        ]
        first.close()
        await officer.close()
        await room.close()

    async def test_of_a_publisher_continues_the_sequence_numbers(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        room.remote = await restart(front, room)
        old = await room.open()
        room.check()
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 60)
        assert max(steps(officer.numbers("audio"))) < 10
        for peer in (officer, room):
            await peer.close()
        old.close()

    async def test_without_new_checks_leaves_the_client_as_it_was(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        for _ in range(20):
            await restart(front, officer)
        count = len(officer.rtp)
        officer.check()
        await officer.until(lambda: len(officer.rtp) > count + 20)
        assert (await front.status())["peers"] == 2
        await officer.close()
        await room.close()

    async def test_of_an_unknown_resource_or_with_a_malformed_fragment_is_refused(self, front: RelayFront) -> None:
        officer = await RawPeer(front).watch_in_silence("prison")
        with pytest.raises(NotFound):
            await front.link.call(RestartIce(session="s", resource="r_none", fragment=RESTART))
        with pytest.raises(MalformedSdp):
            await front.link.call(RestartIce(session="s", resource=officer.resource, fragment="hello"))
        await officer.close()
