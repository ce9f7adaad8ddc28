"""A worker on IPv4 and IPv6, clients whose address changes during a visit, and addresses that are not proven."""

import asyncio
import socket
from typing import Any

import pytest
from aioice.candidate import Candidate

from broker.ipc.relay_messages import Subscribe
from broker.relay.transport.udp import open_ports
from tests.broker.relay.transport.test_demux import check, garbage
from tests.support.relay.peers import RawPeer
from tests.support.relay.sdp_samples import offer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront, relay_front

pytestmark = pytest.mark.asyncio(loop_scope="module")


def host_candidates(sdp: str) -> list[Candidate]:
    found = [line.partition(":")[2] for line in sdp.splitlines() if line.startswith("a=candidate:")]
    return [Candidate.from_sdp(one) for one in dict.fromkeys(found)]


async def watch_through(front: RelayFront, host: str, room: RawPeer) -> RawPeer:
    officer = await RawPeer(front, host).watch("prison", f"officer@{host}")
    await officer.until(lambda: officer.of("video") and officer.of("audio"))
    assert not room.gone.is_set()
    return officer


class TestBothFamilies:
    @pytest.mark.parametrize("host", ["127.0.0.1,::1", "::"])
    async def test_reach_one_port_number_on_two_sockets_or_one_for_both(self, host: str) -> None:
        async with relay_front(host, "127.0.0.1", "::1") as front:
            await front.admit("s")
            room = await publisher(front, "prison")
            officers = [await watch_through(front, address, room) for address in ("127.0.0.1", "::1")]
            for officer in officers:
                before = officer.answers
                officer.check()
                await officer.until(lambda officer=officer, before=before: officer.answers > before)
                assert officer.mapped == officer.socket.get_extra_info("sockname")[:2]
                await officer.close()
            await room.close()

    async def test_are_candidates_in_the_order_of_the_settings_with_the_fixed_port(self, front: RelayFront) -> None:
        async with relay_front("127.0.0.1,::1", "2001:db8::7", "198.51.100.7") as other:
            await other.admit("s")
            watch = {"session": "s", "side": "prison", "subscriber": "u", "gated": False, "sdp": offer("aiortc-watch")}
            announced = host_candidates((await other.link.call(Subscribe(**watch))).sdp)
            udp = [candidate for candidate in announced if candidate.transport == "udp"]
            assert [(candidate.host, candidate.port) for candidate in udp] == [
                ("2001:db8::7", other.port),
                ("198.51.100.7", other.port),
            ]
            assert sorted(announced, key=lambda candidate: candidate.priority, reverse=True) == announced
            assert len({candidate.foundation for candidate in announced}) == len(announced)

    async def test_are_those_that_it_is_bound_to_without_public_addresses(self, front: RelayFront) -> None:
        watch = {"session": "s", "side": "prison", "subscriber": "u", "gated": False, "sdp": offer("aiortc-watch")}
        announced = host_candidates((await front.link.call(Subscribe(**watch))).sdp)
        assert {(candidate.host, candidate.port) for candidate in announced} == {("127.0.0.1", front.port)}


class TestThePort:
    async def test_is_the_same_on_every_address(self) -> None:
        opened = open_ports(["127.0.0.1", "::1", "127.0.0.2"], 0)
        assert {one.getsockname()[1] for one in (*opened.udp, *opened.tcp)} == {opened.port}
        assert len(opened.udp) == len(opened.tcp) == 3
        opened.close()

    async def test_is_refused_when_it_is_taken_and_no_socket_stays_open(self) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
            taken.bind(("::1", 0))
            number = taken.getsockname()[1]
            with pytest.raises(OSError):
                open_ports(["127.0.0.1", "::1"], number)
            open_ports(["127.0.0.1"], number).close()


class TestANewAddress:
    """RFC 8445 7.3.1.4: the client's address has changed; only a check shows it."""

    @pytest.mark.parametrize("nominate", [True, False])
    async def test_of_a_subscriber_gets_the_media_within_a_second(self, front: RelayFront, nominate: bool) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        old = await officer.open()
        count, strays = len(officer.rtp), []
        old.get_protocol()._on_datagram = lambda data, _: strays.append(data)
        officer.check(nominate=nominate)
        await officer.until(lambda: len(officer.rtp) > count + 20)
        before = len(strays)
        await officer.until(lambda: len(officer.rtp) > count + 60)
        assert len(strays) == before, "the old address got more"
        assert max(steps(officer.numbers("audio"))) < 10
        old.close()
        await officer.close()
        await room.close()

    async def test_of_a_publisher_counts_as_soon_as_it_is_proven(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        since, count = len(front.facts), len(officer.rtp)
        old = await room.open()
        room.check()
        await officer.until(lambda: len(officer.rtp) > count + 60)
        numbers = officer.numbers("audio")
        assert max(steps(numbers)) < 10
        assert not [
            1 for name, fact in front.facts[since:] if name in ("side_media", "subscription_changed") and not fact["on"]
        ]
        for peer in (officer, room):
            await peer.close()
        old.close()

    async def test_without_proof_gets_nothing_and_is_ignored(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await officer.until(lambda: len(officer.rtp) > 20)
        got: list[bytes] = []
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(
            lambda: _Collector(got), remote_addr=("127.0.0.1", front.port)
        )
        before = (await front.status())["rejected"]
        for _ in range(50):
            stranger.sendto(officer.dtls._tx_srtp.protect_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x01"))
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 20)
        assert (await front.status())["rejected"] - before >= 50
        assert got == []
        stranger.close()
        await officer.close()
        await room.close()

    async def test_of_another_host_that_repeats_the_clients_check_gets_nothing(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        seen = officer.check()
        before = officer.answers
        await officer.until(lambda: officer.answers > before)
        got: list[bytes] = []
        loop = asyncio.get_running_loop()
        copier, _ = await loop.create_datagram_endpoint(lambda: _Collector(got), remote_addr=("127.0.0.1", front.port))
        copier.sendto(seen)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        assert got == []
        copier.close()
        await officer.close()
        await room.close()


class TestNoAmplification:
    async def test_before_a_proof_no_byte_is_sent(self, front: RelayFront) -> None:
        """Not a DTLS flight either: a ClientHello of sixty bytes would send a certificate to a forged address."""
        peer = RawPeer(front)
        await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="u", gated=False)
        got: list[bytes] = []
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(
            lambda: _Collector(got), remote_addr=("127.0.0.1", front.port)
        )
        hello = b"\x16\xfe\xff" + bytes(8) + b"\x00\x40\x01" + bytes(63)
        before = await front.status()
        sent = [*garbage(11, 200), *[hello] * 20, check(f"{peer.remote.usernameFragment}:x", "guess" * 6)]
        for datagram in sent:
            stranger.sendto(datagram)
        peer.check()
        await peer.until(lambda: peer.answers)
        after = await front.status()
        assert after["rejected"] - before["rejected"] > 180
        assert got == []
        stranger.close()
        peer.socket.close()

    async def test_the_answer_to_a_check_is_no_longer_than_the_check(self, front: RelayFront) -> None:
        peer = RawPeer(front)
        await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="u", gated=False)
        asked = len(peer.check())
        await peer.until(lambda: peer.answers)
        assert peer.answer_size <= asked
        peer.socket.close()


class _Collector(asyncio.DatagramProtocol):
    def __init__(self, got: list[bytes]) -> None:
        self.got = got

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.got.append(data)
