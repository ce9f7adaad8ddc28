"""When the hot loop reads a socket: at once, in batches, and not while nothing arrives."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from broker.relay.transport.poller import EMPTY_READS, Poller

pytestmark = pytest.mark.asyncio
SOON = 5.0


class Line:
    """A socket that a Poller reads, and the sender at its other end."""

    def __init__(self) -> None:
        self.socket, self.sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.looks: list[int] = []
        """The number of datagrams that each read found."""
        self.came = asyncio.Semaphore(0)
        self.breaks = False
        self.poller = Poller(self.socket, self._drain)

    def _drain(self, sock: socket.socket) -> bool:
        found = 0
        if self.breaks:
            self.breaks = False
            sock.recv(100)
            raise ValueError
        try:
            while found < 3:
                sock.recv(100)
                found += 1
        except BlockingIOError:
            pass
        self.looks.append(found)
        for _ in range(found):
            self.came.release()
        return found > 0

    async def take(self, count: int) -> None:
        async with asyncio.timeout(SOON):
            for _ in range(count):
                await self.came.acquire()

    async def rest(self) -> None:
        """Wait until the poller has found nothing so often that it waits for the next packet."""
        async with asyncio.timeout(SOON):
            while self.looks[-EMPTY_READS:] != [0] * EMPTY_READS:
                await asyncio.sleep(0)


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.poller.close()
    line.socket.close()
    line.sender.close()


async def test_a_datagram_is_read_at_any_time(line: Line) -> None:
    for _ in range(3):
        line.sender.send(b"first")
        await line.take(1)
        await line.rest()
    assert sum(line.looks) == 3


async def test_more_datagrams_than_a_batch_are_read(line: Line) -> None:
    for _ in range(8):
        line.sender.send(b"first")
    await line.take(8)
    assert line.looks[:3] == [3, 3, 2]


async def test_datagrams_that_arrive_together_are_read_together(line: Line) -> None:
    line.sender.send(b"first")
    await line.take(1)
    line.sender.send(b"second")
    line.sender.send(b"third")
    await line.take(2)
    assert [found for found in line.looks if found] == [1, 2]


async def test_an_idle_socket_is_not_polled(line: Line) -> None:
    line.sender.send(b"first")
    await line.take(1)
    await line.rest()
    looks = len(line.looks)
    await asyncio.sleep(0.05)
    assert len(line.looks) == looks


async def test_reading_goes_on_after_an_error_over_a_datagram(line: Line) -> None:
    broken: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context["exception"]))
    line.breaks = True
    line.sender.send(b"first")
    line.sender.send(b"second")
    await line.take(1)
    assert len(broken) == 1


async def test_a_closed_poller_does_not_read(line: Line) -> None:
    line.sender.send(b"first")
    await line.take(1)
    line.poller.close()
    looks = len(line.looks)
    line.sender.send(b"second")
    await asyncio.sleep(0.05)
    assert len(line.looks) == looks
