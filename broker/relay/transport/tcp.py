"""ICE over TCP (RFC 6544, passive) for networks that drop UDP. The hot loop reads from and sends to each connection as
to the UDP socket; two bytes of length stand before each packet (RFC 4571).

The relay never waits for a connection. A connection is closed when its first packet is not a valid check, when no
packet comes to its end any more, and when its client stops reading. Packets that a slow connection cannot take are
dropped whole."""

import asyncio
import socket
from itertools import count
from typing import Any

import structlog

from broker.kernel.clock import monotonic
from broker.kernel.tasks import Tasks
from broker.kernel.token_bucket import TokenBucket
from broker.relay.fanout import BATCH, Fanout
from broker.relay.limits.refusals import Reason
from broker.relay.limits.tcp_places import Places
from broker.relay.transport.ice import CONSENT
from broker.relay.transport.peer import Peer
from broker.relay.transport.route import Address

log = structlog.get_logger()
FIRST_CHECK = 3.0  # seconds in which a connection must have been proven by a check
ACCEPTED, ACCEPTED_AT_ONCE = 200, 64  # connections a second: each costs a tenth of a millisecond; others wait
REST = 0.05  # seconds without accepting after an error
AT_ONCE = 8  # connections accepted in one turn of the event loop
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
        self._opened = self._heard = self._now = monotonic()
        self._stuck: float | None = None
        self._handed_over = False
        self.host, self.address = "", ()  # type: tuple[str, Address]

    @property
    def peer(self) -> Peer | None:
        """The client that has proven this connection with a check."""
        return self._fanout.by_address.get(self.address)

    @property
    def proven(self) -> bool:
        """Whether a client has proven this connection."""
        return self.peer is not None

    # --- what the hot loop uses ------------------------------------------------------------------------------------

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """Read the next packet into `buffer`. Raises BlockingIOError when there is none or the connection is closed."""
        if self._handed_over and self.peer is None:
            self.abort()  # its first packet was not a valid check, or its client has ended
        start = self._read + LENGTH
        if len(self._in) < start:
            raise BlockingIOError
        size = int.from_bytes(self._in[self._read : start], "big")
        if not 0 < size <= len(buffer):
            self.abort()  # at once: its rest is not waited for
            raise BlockingIOError
        if len(self._in) < start + size:
            raise BlockingIOError
        self._heard = self._now
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
        self._listener.enter(self)

    def data_received(self, data: bytes) -> None:
        """Append received bytes, and handle the packets that are complete."""
        self._now = monotonic()
        self._in += data
        self._take()

    def _take(self) -> None:
        """Handle a batch of packets. The rest waits for the next turn of the event loop; until then no more is read."""
        if self._transport is None or self._transport.is_closing():
            return
        count = self._fanout.drain(self, BATCH if self.proven else 1)
        del self._in[: self._read]
        self._read = 0
        if count and len(self._in) > LENGTH:
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
        self._places: Places[Connection] = Places()
        self._sockets: list[socket.socket] = []
        self._accepted = TokenBucket(ACCEPTED, ACCEPTED_AT_ONCE)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._places)

    def start(self, sockets: list[socket.socket]) -> None:
        """Start to accept connections on sockets that listen."""
        self._sockets = list(sockets)
        self._listen()
        self._sweep()

    def _listen(self) -> None:
        for sock in self._sockets:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        """Accept some of the connections that wait. Over the rate the others wait in the kernel for a moment."""
        for _ in range(AT_ONCE):
            if not self._accepted.take(monotonic()):
                self._rest(self._accepted.wait())
                return
            try:
                connection, _ = sock.accept()
            except BlockingIOError:
                self._accepted.give_back()
                return
            except OSError:
                self._rest(REST)  # out of descriptors, or the connection is gone already
                return
            self._tasks.spawn(self._connect(connection))

    async def _connect(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: Connection(self, self._fanout), sock)
        except OSError:
            sock.close()

    def _rest(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            loop.remove_reader(sock)
        self._timers["listen"] = loop.call_later(seconds, self._listen)

    def enter(self, new: Connection) -> None:
        """Enter a new connection, or close it where there is no place. An unproven connection may be closed for it."""
        entered, other = self._places.enter(new)
        for closed in (other, None if entered else new):
            if closed is not None:
                self._fanout.refusals[Reason.CONNECTION] += 1
                self._places.leave(closed)
                closed.abort()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        self._places.leave(connection)

    def _sweep(self) -> None:
        now = monotonic()
        for connection in self._places.all():
            if connection.expired(now):
                connection.abort()
        self._timers["sweep"] = asyncio.get_running_loop().call_later(1.0, self._sweep)

    async def close(self) -> None:
        """Stop accepting, and close all connections."""
        for timer in self._timers.values():
            timer.cancel()
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
        self._sockets = []
        await self._tasks.wait()
        for connection in self._places.all():
            connection.close()
