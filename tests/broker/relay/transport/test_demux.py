"""Unknown and broken clients at the worker's port and socket: they are refused, and other clients are not affected."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aioice import stun

from broker.ipc.relay_messages import CloseSession, Publish, Subscribe
from broker.kernel.errors import BadRequest, CodecMissing, MalformedSdp, NoSlot, NotFound, TooMany, VisitError
from broker.relay.session import SUPERVISORS
from broker.relay.transport.ice import MAX_ADDRESSES
from broker.relay.transport.ssrc_history import MOST
from tests.support.ipc import send_raw
from tests.support.patience import PATIENCE
from tests.support.relay.peers import RawPeer
from tests.support.relay.sdp_samples import offer
from tests.support.relay.track_model import steps
from tests.support.relay.visits import publisher
from tests.support.relay_front import RelayFront
from tests.support.rtp import Stream

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Stranger(asyncio.DatagramProtocol):
    """A socket that is no client's; `answers` counts the datagrams it received."""

    def __init__(self) -> None:
        self.answers = 0

    def connection_made(self, transport: Any) -> None:
        self.send = transport.sendto

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.answers += 1


@asynccontextmanager
async def stranger(front: RelayFront) -> AsyncIterator[Stranger]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Stranger, remote_addr=("127.0.0.1", front.port))
    try:
        yield protocol
    finally:
        transport.close()


def check(username: str, password: str, **attributes: Any) -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = username
    request.attributes.update(attributes)
    request.add_message_integrity(password.encode())
    return bytes(request)


def garbage(seed: int, count: int) -> list[bytes]:
    """Random and nearly right datagrams: STUN with broken attributes, DTLS, SRTP, SRTCP, and noise of any length."""
    dice = random.Random(seed)
    good = bytearray(check("abcd1234:x", "p" * 32, PRIORITY=1))
    found = [b"", b"\x00", b"\x80", b"\x16", b"\x80\xc8\x00\x00"]
    while len(found) < count:
        kind = dice.randrange(5)
        noise = dice.randbytes(dice.randrange(200))
        if kind == 0:
            found.append(noise)
        elif kind == 1:
            changed = bytearray(good)
            for _ in range(dice.randrange(1, 5)):
                changed[dice.randrange(len(changed))] = dice.randrange(256)
            found.append(bytes(changed))
        elif kind == 2:
            broken = (
                struct.pack("!HH", dice.choice((1, 6, 8, 9, 0x20, 0x24, 0x8028, 0x802A)), len(noise) % 7) + noise[:8]
            )
            broken += bytes(-len(broken) % 4)
            found.append(struct.pack("!HHI12s", 1, len(broken), 0x2112A442, dice.randbytes(12)) + broken)
        else:
            found.append(bytes([dice.choice((0x14, 0x16, 0x17, 0x80, 0x90, 0xBF)), dice.randrange(256)]) + noise)
    return found


class TestThePort:
    async def test_garbage_gets_no_answer_and_disturbs_no_client(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        facts = len(front.facts)
        before = (await front.status())["rejected"]
        async with stranger(front) as other:
            for number, datagram in enumerate(garbage(7, 4000)):
                other.send(datagram)
                if number % 50 == 49:  # once a datagram of the room is forwarded, the worker has read these
                    count = len(officer.rtp)
                    await officer.until(lambda count=count: len(officer.rtp) > count)
            status = await front.status()
            assert other.answers == 0
        assert status["rejected"] - before > 3500
        assert set(steps(officer.numbers("audio"))) == {1}
        assert not [
            name
            for name, _ in front.facts[facts:]
            if name in ("subscription_changed", "side_media", "resource_closed", "session_failed")
        ]
        await officer.close()
        await room.close()

    async def test_garbage_from_a_clients_own_address_disturbs_only_itself(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer, other = await RawPeer(front).watch("prison", "a@x"), await RawPeer(front).watch("prison", "b@x")
        for subscriber in ("a@x", "b@x"):
            await front.fact("subscription_changed", on=True, subscriber=subscriber)
        for datagram in [*garbage(8, 500), b"\x80\xc8" + bytes(1900), b"\x80\x60" + bytes(2040)]:
            officer.socket.sendto(datagram)
        count = len(other.rtp)
        await other.until(lambda: len(other.rtp) > count + 50)
        assert set(steps(other.numbers("audio"))) == {1}
        assert (await front.status())["peers"] == 3
        for peer in (officer, other, room):
            await peer.close()

    async def test_no_check_without_the_password_gets_an_answer(self, front: RelayFront) -> None:
        peer = RawPeer(front)
        await peer.negotiate(Subscribe, "aiortc-watch", session="s", side="prison", subscriber="u", gated=False)
        before = (await front.status())["rejected"]
        name, password = peer.remote.usernameFragment, peer.remote.password
        async with stranger(front) as other:
            request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": f"{name}:x"})
            other.send(bytes(request))
            other.send(check(f"{name}:x", "wrong" * 8))
            other.send(check("unknown0:x", password))
            other.send(check(f"{name}:x", password)[:-9])
            peer.check()
            await peer.until(lambda: peer.answers)
            assert other.answers == 0
        assert (await front.status())["rejected"] - before == 4
        peer.socket.close()

    async def test_nothing_is_sent_to_an_address_that_is_not_proven(self, front: RelayFront) -> None:
        peer = RawPeer(front)
        await peer.negotiate(Publish, "whip-muxer-publish", session="s", side="prison")
        async with stranger(front) as other:
            other.send(b"\x16\xfe\xfd" + bytes(100))
            peer.check()
            await peer.until(lambda: peer.answers)
            assert other.answers == 0
        peer.socket.close()

    async def test_a_client_may_change_its_address_any_number_of_times(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        loop, facts = asyncio.get_running_loop(), len(front.facts)
        for _ in range(MAX_ADDRESSES + 2):
            old, count = officer.socket, len(officer.rtp)
            receiver = old.get_protocol()
            officer.socket, _ = await loop.create_datagram_endpoint(
                lambda receiver=receiver: receiver, remote_addr=("127.0.0.1", front.port)
            )
            officer.check()
            old.close()
            await officer.until(lambda count=count: len(officer.rtp) > count + 5)
        assert not [
            members for name, members in front.facts[facts:] if name == "subscription_changed" and not members["on"]
        ]
        await officer.close()
        await room.close()

    async def test_a_copy_of_a_packet_is_not_forwarded(self, front: RelayFront) -> None:
        """The replay window (RFC 3711 3.3.2): copies of captured packets are dropped, whenever they are sent."""
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        stream = Stream(48_000, 5, 40_000, payload_type=room.payload_types["audio"])
        sealed = [room.dtls._tx_srtp.protect(stream.packet(b"once", number / 50)) for number in range(40)]
        for packet in sealed:
            room.socket.sendto(packet)
        await officer.until(lambda: len([1 for _, data in officer.rtp if data.endswith(b"once")]) == 40)
        before = (await front.status())["rejected"]
        for packet in sealed * 5:
            room.socket.sendto(packet)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 30)
        assert len([1 for _, data in officer.rtp if data.endswith(b"once")]) == 40
        assert (await front.status())["rejected"] - before >= 200
        await officer.close()
        await room.close()

    async def test_a_publisher_may_change_its_ssrc_any_number_of_times(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        officer = await RawPeer(front).watch("prison")
        await front.fact("subscription_changed", on=True)
        for ssrc in range(3 * MOST):
            stream = Stream(48_000, 1000 + ssrc, payload_type=room.payload_types["audio"])
            count = len(officer.rtp)
            room.send_rtcp(stream.report(0.0, 1e6))
            room.send_rtp(stream.packet(b"again", 0))
            await officer.until(lambda count=count: b"again" in {data[-5:] for _, data in officer.rtp[count:]})
        assert not [name for name, _ in front.facts if name == "resource_closed"]
        copied = room.dtls._tx_srtp.protect(
            Stream(48_000, 1000, 50, payload_type=room.payload_types["audio"]).packet(b"old", 0)
        )
        for _ in range(5):
            room.socket.sendto(copied)
        count = len(officer.rtp)
        await officer.until(lambda: len(officer.rtp) > count + 20)
        assert not any(data.endswith(b"old") for _, data in officer.rtp)
        for peer in (officer, room):
            await peer.close()


class TestRefusals:
    async def refused(self, front: RelayFront, command: object) -> VisitError:
        with pytest.raises(VisitError) as caught:
            await send_raw(front.link.path, command)
        return caught.value

    async def test_are_typed(self, front: RelayFront) -> None:
        sdp = offer("aiortc-watch")
        watch = {"type": "subscribe", "session": "s", "side": "prison", "subscriber": "u", "gated": False, "sdp": sdp}
        publish = {"type": "publish", "session": "s", "side": "prison", "sdp": sdp}
        lease = {"type": "lease_gate", "session": "s", "until": 1, "deadline": 1, "limit": 1}
        extend = {"type": "extend_limit", "session": "s", "made": 1, "limit": 1, "deadline": 1}
        cases: list[tuple[type[VisitError], dict[str, Any]]] = [
            (NoSlot, {**watch, "session": "other"}),
            (NoSlot, {**lease, "session": "other"}),
            (BadRequest, {**watch, "side": "kitchen"}),
            (BadRequest, {**watch, "gated": "yes"}),
            (MalformedSdp, {**watch, "sdp": "hello"}),
            (CodecMissing, publish),
            (NotFound, {"type": "drop_resource", "session": "s", "resource": "r_none"}),
            (BadRequest, {**lease, "limit": 0}),
            (BadRequest, {**lease, "until": float("nan")}),
            (BadRequest, {**lease, "crossed": "soon"}),
            (NoSlot, {**extend, "session": "other"}),
            (BadRequest, {**extend, "limit": float("inf")}),
            (BadRequest, {"type": "set_deadline", "session": "s", "deadline": float("inf")}),
            (BadRequest, {"type": "admit_session", "session": "t", "tap": -1}),
            (BadRequest, {"type": "admit_session", "session": "t", "tap": 1 << 32}),
            (BadRequest, {"type": "fly"}),
        ]
        for kind, command in cases:
            assert type(await self.refused(front, command)) is kind, command

    async def test_a_member_that_is_missing_or_of_another_type_is_a_bad_request(self, front: RelayFront) -> None:
        whole: list[dict[str, Any]] = [
            {"type": "admit_session", "session": "s", "tap": 1},
            {"type": "publish", "session": "s", "side": "prison", "sdp": "v=0"},
            {"type": "subscribe", "session": "s", "side": "prison", "subscriber": "u", "sdp": "v=0", "gated": True},
            {"type": "drop_resource", "session": "s", "resource": "r"},
            {"type": "lease_gate", "session": "s", "until": 1.0, "deadline": 1.0, "limit": 1.0},
            {"type": "extend_limit", "session": "s", "made": 1.0, "limit": 1.0, "deadline": 1.0},
            {"type": "shut_gate", "session": "s"},
            {"type": "set_deadline", "session": "s", "deadline": 1.0},
            {"type": "tap_session", "session": "s", "on": True, "socket": "/nowhere"},
            {"type": "close_session", "session": "s"},
        ]
        for command in whole:
            for name in command:
                less = {key: value for key, value in command.items() if key != name}
                for wrong in (less, {**command, name: None}, {**command, name: []}):
                    assert type(await self.refused(front, wrong)) is BadRequest, (command, name)

    async def test_a_session_has_a_limited_number_of_watchers(self, front: RelayFront) -> None:
        watch = {"session": "s", "side": "prison", "gated": False, "sdp": offer("aiortc-watch")}
        for number in range(SUPERVISORS.most):
            await front.link.call(Subscribe(**watch, subscriber=f"{number}@site"))
        assert type(await self.refused(front, {"type": "subscribe", **watch, "subscriber": "late@site"})) is TooMany

    async def test_a_kiosk_that_tries_again_and_again_keeps_one_place(self, front: RelayFront) -> None:
        publish = {"session": "s", "side": "prison", "sdp": offer("aiortc-publish")}
        for _ in range(300):
            await front.link.call(Publish(**publish))
        assert (await front.status())["peers"] == 1

    async def test_a_closed_session_takes_and_keeps_no_client(self, front: RelayFront) -> None:
        room = await publisher(front, "prison")
        await front.link.call(CloseSession(session="s"))
        await asyncio.wait_for(room.gone.wait(), PATIENCE)
        publish = {"session": "s", "side": "prison", "sdp": offer("aiortc-publish")}
        assert type(await self.refused(front, {"type": "publish", **publish})) is NoSlot
        status = await front.status()
        assert (status["sessions"], status["peers"]) == (0, 0)
        await room.close()
