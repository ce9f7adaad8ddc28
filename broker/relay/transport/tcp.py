"""ICE over TCP (RFC 6544, passive) for networks that drop UDP. The hot loop reads from and sends to each connection as
to the UDP socket; two bytes of length stand before each packet (RFC 4571).

The relay never waits for a connection. A connection is closed when its first packet is not a valid check, when it falls
silent, and when its client stops reading. Packets that a slow connection cannot take are dropped whole."""

import asyncio
import socket
from collections import Counter
from itertools import count
from typing import Any

import structlog

from broker.kernel.clock import monotonic
from broker.relay.fanout import Fanout
from broker.relay.transport.ice import CONSENT
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Address

log = structlog.get_logger()
MAX_CONNECTIONS, MAX_OF_ONE_HOST = 500, 64  # a site behind one address has a few officers with many pictures each
MAX_UNPROVEN, MAX_UNPROVEN_OF_ONE_HOST = 100, 16
FIRST_CHECK = 5.0  # seconds in which a connection must have been proven by a check
STUCK = 5.0  # seconds without reading after which a client is given up
MAX_WAITING = 64 * 1024  # bytes unsent here, and twice as many in the kernel: less than a second of video
LENGTH = 2  # bytes before each packet
_NUMBERS = count()


class Connection(asyncio.Protocol):
    """The TCP connection of a client, which the hot loop uses as a Port."""

    def __init__(self, listener: "Listener", fanout: Fanout) -> None:
        self._listener, self._fanout = listener, fanout
        self._transport: asyncio.Transport | None = None
        self._in, self._read = bytearray(), 0
        self._opened = self._heard = monotonic()
        self._stuck: float | None = None
        self._handed_over = False
        self.host, self.address = "", ()  # type: tuple[str, Address]

    @property
    def peer(self) -> Peer | None:
        """The client that has proven this connection with a check."""
        return self._fanout.by_address.get(self.address)

    # --- what the hot loop uses ------------------------------------------------------------------------------------

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """Read the next packet into `buffer`. Raises BlockingIOError when there is none or the connection is closed."""
        if self._handed_over and self.peer is None:
            self.abort()  # its first packet was not a valid check, or its client has ended
        start = self._read + LENGTH
        size = int.from_bytes(self._in[self._read : start], "big")
        if len(self._in) < start + size or len(self._in) < start:
            raise BlockingIOError
        if not 0 < size <= len(buffer):
            self.abort()
            raise BlockingIOError
        buffer[:size] = self._in[start : start + size]
        self._read = start + size
        self._handed_over = True
        return size, self.address

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        """Send a packet to the client. Raises BlockingIOError when the client does not keep up."""
        transport = self._transport
        if transport is None or transport.is_closing():
            raise BlockingIOError
        if transport.get_write_buffer_size() > MAX_WAITING:
            self._stuck = self._stuck or monotonic()
            raise BlockingIOError
        self._stuck = None
        transport.write(len(data).to_bytes(LENGTH, "big") + data)
        return len(data)

    # --- what asyncio calls ----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Accept the connection, unless there are too many already."""
        self._transport = transport
        name = transport.get_extra_info("peername") or ("", 0)
        self.host, self.address = name[0], (*name[:2], next(_NUMBERS), "tcp")
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MAX_WAITING)
        if not self._listener.enter(self):
            self.abort()

    def data_received(self, data: bytes) -> None:
        """Append received bytes, and handle the packets that are complete."""
        self._heard = monotonic()
        self._in += data
        self._take()

    def _take(self) -> None:
        """Handle a batch of packets. The rest waits for the next turn of the event loop; until then no more is read."""
        if self._transport is None or self._transport.is_closing():
            return
        before = self._read
        self._fanout.drain(self)
        handed = self._read - before
        del self._in[: self._read]
        self._read = 0
        if handed and len(self._in) > LENGTH:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_soon(self._take)
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its route. The client may come back on another one."""
        self._transport = None
        self._in.clear()
        self._listener.leave(self)
        peer = self.peer
        if peer is not None:
            peer.lost(self.address, monotonic())

    # --- its end -----------------------------------------------------------------------------------------------------

    def expired(self, now: float) -> bool:
        """Whether the connection is of no use any more and must be closed."""
        if self.peer is None:
            return self._handed_over or now - self._opened > FIRST_CHECK
        return now - self._heard > CONSENT or (self._stuck is not None and now - self._stuck > STUCK)

    def abort(self) -> None:
        """Close the connection at once, without sending what waits."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection once what waits has been sent."""
        if self._transport is not None:
            self._transport.close()


class Listener:
    """Accepts the TCP connections of a worker and closes those that expire."""

    def __init__(self, fanout: Fanout) -> None:
        self._fanout = fanout
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, sockets: list[socket.socket]) -> None:
        """Start to accept connections on sockets that are bound."""
        loop = asyncio.get_running_loop()
        for sock in sockets:
            self._servers.append(await loop.create_server(lambda: Connection(self, self._fanout), sock=sock))
        self._sweep()

    def enter(self, new: Connection) -> bool:
        """Enter a new connection and return True, or False where a limit is reached: of all connections, of those from
        its host, and of those that are not proven yet."""
        hosts = Counter(connection.host for connection in self._connections)
        unproven = Counter(connection.host for connection in self._connections if connection.peer is None)
        if (
            len(self._connections) >= MAX_CONNECTIONS
            or hosts[new.host] >= MAX_OF_ONE_HOST
            or unproven.total() >= MAX_UNPROVEN
            or unproven[new.host] >= MAX_UNPROVEN_OF_ONE_HOST
        ):
            return False
        self._connections.add(new)
        return True

    def leave(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        self._connections.discard(connection)

    def _sweep(self) -> None:
        now = monotonic()
        for connection in list(self._connections):
            if connection.expired(now):
                connection.abort()
        self._timer = asyncio.get_running_loop().call_later(1.0, self._sweep)

    async def close(self) -> None:
        """Stop accepting, and close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.close()
