"""Stamps of the kernel say when a datagram came, however late it is read."""

import asyncio
import socket
import time
from typing import Any

import pytest

from broker.kernel.clock import monotonic
from tests.support.kernel_stamps import Arrivals, StampedSocket, family_of, is_rtp
from tests.support.patience import PATIENCE

RTP, RTCP, STUN = b"\x80\x60" + bytes(20), b"\x80\xc8" + bytes(20), b"\x00\x01" + bytes(20)
LATE = 0.3  # seconds for which a test does not read


class Protocol(asyncio.DatagramProtocol):
    """The end of a socket that keeps each datagram that came."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.came.put_nowait(data)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_datagram_that_is_read_late_has_the_moment_at_which_it_was_sent(host: str) -> None:
    with StampedSocket(family_of(host)) as receiver, socket.socket(family_of(host), socket.SOCK_DGRAM) as sender:
        receiver.bind((host, 0))
        began = monotonic()
        sender.sendto(RTP, receiver.getsockname())
        sent = monotonic()
        time.sleep(LATE)
        assert receiver.recvfrom(100)[0] == RTP
        assert began - 0.01 < receiver.taken_at < sent + LATE / 2


async def test_arrivals_are_those_of_rtp_at_sockets_opened_in_the_block() -> None:
    loop, arrivals = asyncio.get_running_loop(), Arrivals()
    with arrivals.noted():
        inside, noted = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    outside, other = await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for transport, protocol in ((inside, noted), (outside, other)):
            began = monotonic()
            for packet in (RTP, RTCP, STUN):
                sender.sendto(packet, transport.get_extra_info("sockname"))
            sent = monotonic()
            time.sleep(LATE)
            await arrivals.caught_up()
            assert arrivals.packets == 1
            async with asyncio.timeout(PATIENCE):
                assert [await protocol.came.get() for _ in range(3)] == [RTP, RTCP, STUN]
            if transport is inside:
                first, last = began, sent
            transport.close()
    assert arrivals.packets == 1
    assert first - 0.01 < arrivals.last < last + LATE / 2


async def test_a_task_begun_in_the_block_is_noted_after_it_too() -> None:
    loop, arrivals, go = asyncio.get_running_loop(), Arrivals(), asyncio.Event()

    async def open_late() -> asyncio.DatagramTransport:
        await go.wait()
        return (await loop.create_datagram_endpoint(Protocol, local_addr=("127.0.0.1", 0)))[0]

    with arrivals.noted():
        opening = asyncio.create_task(open_late())
    go.set()
    transport = await opening
    assert isinstance(transport.get_extra_info("socket")._sock, StampedSocket)
    transport.close()


@pytest.mark.parametrize(("packet", "is_media"), [(RTP, True), (RTCP, False), (STUN, False), (RTP[:12], False)])
def test_only_rtp_is_media(packet: bytes, is_media: bool) -> None:
    assert is_rtp(packet) is is_media
