"""Datagram sockets that say when the kernel took each datagram in (SO_TIMESTAMPNS), so that a test which is late itself
sees no late packet: on loopback that is the moment at which the sender sent it."""

import asyncio
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tests.support.patience import PATIENCE

SO_TIMESTAMPNS = 35  # of Linux, asm-generic/socket.h; the control message has the same number
STAMP = struct.Struct("ll")
ROOM_FOR_STAMP = socket.CMSG_SPACE(STAMP.size)
RECEIVE_BUFFER = 1 << 22  # bytes: a late reader must not lose what it has not read
LOOKS = 5  # comparisons of the two clocks, of which the one that took least counts


def stamp(sock: socket.socket) -> None:
    """Have the kernel stamp what a socket receives from now on."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)


def receive(sock: socket.socket, size: int) -> tuple[bytes, Any, float]:
    """Receive a datagram: its bytes, its sender, and when the kernel took it in (seconds of CLOCK_REALTIME)."""
    data, ancillary, _, address = sock.recvmsg(size, ROOM_FOR_STAMP)
    seconds, nanoseconds = STAMP.unpack_from(ancillary[0][2])
    return data, address, seconds + nanoseconds / 1e9


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is RTP and no RTCP (RFC 5761 4)."""
    return len(data) > 12 and 127 < data[0] < 192 and not 192 <= data[1] <= 223


def monotonic_of(moment: float) -> float:
    """Return the monotonic second of a moment of CLOCK_REALTIME."""
    return moment - min((_wall_ahead() for _ in range(LOOKS)), key=lambda look: look[0])[1]


def _wall_ahead() -> tuple[float, float]:
    """Return how long a comparison of both clocks took, and by how much CLOCK_REALTIME is ahead, at most."""
    before, wall, after = time.monotonic(), time.time(), time.monotonic()
    return after - before, wall - before


class StampedSocket(socket.socket):
    """A datagram socket of which `taken_at` is when the kernel took the datagram that was read last (monotonic s)."""

    taken_at = 0.0

    def __init__(self, family: int = socket.AF_INET) -> None:
        super().__init__(family, socket.SOCK_DGRAM)
        self.setblocking(False)
        stamp(self)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        """Receive a datagram, as asyncio does."""
        data, address, moment = receive(self, size)
        self.taken_at = monotonic_of(moment)
        return data, address


def family_of(host: str) -> int:
    """Return the address family of an IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Arrivals:
    """When RTP reached the sockets of one program in this process; `last` is the latest packet (monotonic s)."""

    def __init__(self) -> None:
        self.last, self.packets = 0.0, 0
        self.sockets: list[socket.socket] = []

    async def caught_up(self) -> "Arrivals":
        """Wait until all that has come is read: a late loop may have left packets in the kernel."""
        async with asyncio.timeout(PATIENCE):
            while select.select([sock for sock in self.sockets if sock.fileno() >= 0], [], [], 0)[0]:
                await asyncio.sleep(0.01)  # asyncio says nothing when it has read the last one
        return self

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what reaches the sockets that tasks begun in this block open by `create_datagram_endpoint`."""
        loop = asyncio.get_running_loop()
        if not isinstance(loop.create_datagram_endpoint, _Endpoints):
            loop.create_datagram_endpoint = _Endpoints(loop)  # type: ignore[method-assign]
        token = _noting.set(self)
        try:
            yield
        finally:
            _noting.reset(token)


_noting: ContextVar[Arrivals | None] = ContextVar("noting", default=None)


class _NotedSocket(StampedSocket):
    """A stamped socket that notes its RTP."""

    def __init__(self, family: int, arrivals: Arrivals) -> None:
        super().__init__(family)
        self._arrivals = arrivals
        arrivals.sockets.append(self)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        data, address = super().recvfrom(size, flags)
        if is_rtp(data):
            self._arrivals.packets += 1
            self._arrivals.last = max(self._arrivals.last, self.taken_at)
        return data, address


class _Endpoints:
    """The loop's `create_datagram_endpoint`, with noted sockets for the tasks of an `Arrivals.noted` block."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._create = loop.create_datagram_endpoint

    async def __call__(self, protocol: Any, local_addr: tuple[str, int] | None = None, **more: Any) -> Any:
        arrivals = _noting.get()
        if arrivals is None or local_addr is None:
            return await self._create(protocol, local_addr, **more)
        sock = _NotedSocket(family_of(local_addr[0]), arrivals)
        try:
            sock.bind(local_addr)
            return await self._create(protocol, sock=sock, **more)
        except BaseException:
            sock.close()
            raise
