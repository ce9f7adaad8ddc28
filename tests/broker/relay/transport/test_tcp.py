"""ICE-TCP (RFC 6544, RFC 4571): clients without UDP connect to the same port number, and the relay waits for none."""

import asyncio
from typing import Any

import pytest

from broker.ipc.relay_messages import DropResource
from broker.kernel.clock import monotonic
from broker.relay.limits.tcp_places import MAX_UNPROVEN_OF_ONE_HOST
from broker.relay.transport import tcp
from tests.broker.relay.transport.test_demux import check, garbage
from tests.support.patience import PATIENCE
from tests.support.relay.peers import Framed, RawPeer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def stranger(front: RelayFront, got: list[bytes] | None = None) -> Framed:
    loop = asyncio.get_running_loop()
    take: list[bytes] = [] if got is None else got
    _, framed = await loop.create_connection(
        lambda: Framed(lambda packet, _: take.append(packet)), "127.0.0.1", front.port
    )
    return framed


class TestAVisitWithoutUdp:
    async def test_publishes_and_watches_as_over_udp(self, front: RelayFront) -> None:
        room = await RawPeer(front, tcp=True).publish("prison")
        room.play("prison")
        await front.fact("side_media", side="prison", on=True)
        officer = await RawPeer(front, tcp=True).watch("prison")
        await front.fact("subscription_changed", on=True)
        await officer.until(lambda: len(officer.of("audio")) > 60 and len(officer.of("video")) > 30)
        for kind in ("audio", "video"):
            assert set(steps(officer.numbers(kind))) == {1}
        assert officer.mapped == officer.socket.get_extra_info("sockname")[:2]
        since = len(front.facts)
        await officer.close()
        await front.fact("subscription_changed", on=False, after=since)
        await room.close()

    async def test_ends_with_close_notify_and_a_closed_connection(self, front: RelayFront) -> None:
        officer = await RawPeer(front, tcp=True).watch_in_silence("prison")
        await front.link.call(DropResource(session="s", resource=officer.resource))
        await asyncio.wait_for(officer.gone.wait(), PATIENCE)
        await asyncio.wait_for(officer.socket.lost.wait(), PATIENCE)

    async def test_continues_over_udp_when_that_works_again(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front, tcp=True).watch("prison")
        await officer.until(lambda: len(officer.rtp) > 20)
        officer.tcp = False
        connection = await officer.open()
        officer.check()
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        before = len(front.facts)
        connection.close()
        await connection.lost.wait()
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        assert not [1 for name, of in front.facts[before:] if name == "resource_closed"]
        await officer.close()
        await room.close()

    async def test_continues_over_a_new_connection_when_the_first_breaks(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front, tcp=True).watch("prison")
        await officer.until(lambda: len(officer.rtp) > 20)
        officer.socket.transport.abort()
        await officer.open()
        officer.check(nominate=False)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        await officer.close()
        await room.close()


FIRST = {
    "nothing": b"",
    "text": b"hello",
    "rtp": b"\x80" + bytes(40),
    "dtls": b"\x16\xfe\xfd" + bytes(100),
    "long": bytes(5000),
    "check": check("nobody00:x", "p" * 32),
}


class TestUnprovenConnections:
    @pytest.mark.parametrize("kind", ["nothing", "text", "rtp", "dtls", "long", "check"])
    async def test_whose_first_packet_is_not_a_valid_check_are_closed(self, front: RelayFront, kind: str) -> None:
        got: list[bytes] = []
        silent, connection = await stranger(front), await stranger(front, got)
        connection.sendto(FIRST[kind])
        await asyncio.wait_for(connection.lost.wait(), PATIENCE)
        assert not silent.lost.is_set(), "at once, and not only when a silent one is closed"
        assert got == []
        silent.close()

    async def test_that_send_nothing_are_closed_after_a_while(self, front: RelayFront) -> None:
        began, connection = monotonic(), await stranger(front)
        connection.transport.write(b"\x00")
        await asyncio.wait_for(connection.lost.wait(), PATIENCE)
        assert monotonic() - began > tcp.FIRST_CHECK - 1

    async def test_of_one_host_are_limited_and_the_oldest_go(self, front: RelayFront) -> None:
        many = [await stranger(front) for _ in range(MAX_UNPROVEN_OF_ONE_HOST + 3)]
        for connection in many[:3]:
            await asyncio.wait_for(connection.lost.wait(), PATIENCE)
        newest = many[-1]
        newest.sendto(FIRST["text"])  # it had its place, and lost it by itself
        await asyncio.wait_for(newest.lost.wait(), PATIENCE)
        assert (await front.status())["refused"]["connection"] >= 3
        officer = await RawPeer(front).watch_in_silence("prison")
        for connection in many:
            connection.close()
            await connection.lost.wait()
        await officer.close()

    async def test_that_flood_do_not_disturb_other_clients(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        for seed in range(20):
            connection = await stranger(front)
            for datagram in garbage(seed, 100):
                connection.sendto(datagram)
            connection.transport.write(bytes(200_000))
            await asyncio.wait_for(connection.lost.wait(), PATIENCE)
        assert set(steps(officer.numbers("audio"))) == {1}
        await officer.close()
        await room.close()


class TestAClientThat:
    async def test_sends_garbage_after_its_checks_loses_only_the_garbage(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front, tcp=True).watch("prison")
        for datagram in garbage(3, 300):
            if datagram:
                officer.socket.sendto(datagram)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 40)
        await officer.close()
        await room.close()

    async def test_does_not_read_gets_whole_packets_or_none_and_is_given_up(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        other = await RawPeer(front).watch("prison", "other@site")
        slow = await RawPeer(front, tcp=True).watch("prison", "slow@site")
        await front.fact("subscription_changed", on=True, subscriber="slow@site")
        room.flood(300)
        slow.socket.transport.pause_reading()
        before = (await front.status())["dropped"]
        await other.until(lambda: len(other.rtp) > 2000)
        assert (await front.status())["dropped"] > before
        await front.fact("subscription_changed", on=False, subscriber="slow@site")
        assert set(steps(other.numbers("audio"))) <= {1}
        slow.socket.transport.resume_reading()
        for peer in (slow, other, room):
            await peer.close()


class TestConnection:
    async def test_takes_a_packet_whole_or_not_at_all(self) -> None:
        connection = tcp.Connection(_Listener(), _Book())  # type: ignore[arg-type]
        transport = _Transport()
        connection.connection_made(transport)
        assert connection.sendto(b"abc", ()) == 3
        assert transport.written == [b"\x00\x03abc"]
        transport.waiting = tcp.MAX_WAITING + 1
        with pytest.raises(BlockingIOError):
            connection.sendto(memoryview(b"abc"), ())
        assert len(transport.written) == 1

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
    async def test_finds_packets_however_the_stream_is_cut(self, size: int) -> None:
        book = _Book()
        connection = tcp.Connection(_Listener(), book)  # type: ignore[arg-type]
        connection.connection_made(_Transport())
        book.by_address[connection.address] = object()
        sent = [bytes([number]) * (number + 1) for number in range(20)]
        stream = b"".join(len(packet).to_bytes(2, "big") + packet for packet in sent)
        for at in range(0, len(stream), size):
            connection.data_received(stream[at : at + size])
        assert book.got == sent


class _Listener:
    def enter(self, connection: Any) -> None: ...


class _Book:
    """The members of the hot loop that a connection uses."""

    def __init__(self) -> None:
        self.by_address: dict[Any, Any] = {}
        self.got: list[bytes] = []

    def drain(self, port: tcp.Connection, most: int) -> int:
        view = memoryview(bytearray(2000))
        for count in range(most):
            try:
                size, _ = port.recvfrom_into(view)
            except BlockingIOError:
                return count
            self.got.append(bytes(view[:size]))
        return most


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 5), "socket": _Socket()})
        self.written: list[bytes] = []
        self.waiting = 0

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def abort(self) -> None: ...


class _Socket:
    def setsockopt(self, *_: Any) -> None: ...
