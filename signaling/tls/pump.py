"""One negotiated connection: what the client sends is decrypted into the socket that ingress or control reads, and what
those answer is encrypted. Neither side is read further than the other takes it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from signaling.tls.record_count import RecordCount
from signaling.tls.tcp_progress import acknowledged

CHUNK = 64 * 1024
READ = 4 * 1024
"""Bytes that are decrypted in one turn of the loop: a record of 27 bytes that changes keys costs a tenth of a
millisecond, and the other connections wait for it."""
PRICE, FREE = 4, 128
"""A record has to bring so many bytes, and the smallest message of a WebSocket brings more; so many may be missing.
Only a flood of changes of keys (RFC 8446, 4.6.3), or of records that are empty or nearly so, needs more."""
_buffer = memoryview(bytearray(READ))  # one for all connections: what is in it is decrypted before the next turn
ROUNDS = 3
"""Looks, one every ten seconds, after which an answer of which nothing is taken is given up."""


class Pump:
    """Both ends of one connection. `on_lost` is called when the client's end is closed, `on_ended` when the inner end
    is, and the client has only to take the rest."""

    def __init__(
        self,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        on_ended: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._tls, self._incoming, self._outgoing = tls, incoming, outgoing
        self._on_ended, self._on_lost = on_ended, on_lost
        self._client, self._inner = _Client(self), _Inner(self)
        self._ended = self._silent = False
        self._records, self._spare = RecordCount(), FREE
        self._acknowledged, self._still = b"", 0

    async def open(self, client: socket.socket, inner: socket.socket) -> None:
        """Take over both sockets for good. Raises OSError."""
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: self._inner, inner)
        await loop.connect_accepted_socket(lambda: self._client, client)
        self.received(memoryview(self._incoming.read()))  # a request may have come with the end of the handshake

    def abort(self) -> None:
        """Close both ends at once."""
        self._client.abort()
        self._inner.abort()

    def look(self) -> None:
        """Give up a client that has taken nothing of what waits for it since some looks."""
        if not self._client.unsent:
            self._still = 0
            return
        now = acknowledged(self._client.transport)
        self._still = self._still + 1 if now == self._acknowledged else 0
        self._acknowledged = now
        if self._still >= ROUNDS:
            self.abort()

    # ---- from the client ---------------------------------------------------------------------------------------

    def received(self, data: memoryview) -> None:
        """Decrypt what the client has sent. Give up one whose records say nothing, and take nothing of what comes after
        the end that a client has announced (RFC 8446, 6.1)."""
        if self._silent:
            return
        self._spare -= PRICE * self._records.take(data)
        self._incoming.write(data)
        self.decrypt()
        if self._spare < 0:
            self.abort()

    def said_all(self) -> None:
        """Pass on that the client says nothing more."""
        self._incoming.write_eof()
        self.decrypt()

    def decrypt(self) -> None:
        """Pass on what can be decrypted; a record that cannot be ends the connection (RFC 8446, 5.2)."""
        try:
            while data := self._tls.read(CHUNK):
                self._spare = min(FREE, self._spare + len(data))
                self._inner.write(data)
            self._say_end()
        except ssl.SSLWantReadError:
            self._flush()  # the answer to a new key
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._say_end()
        except ssl.SSLError:
            self._flush()
            self.abort()

    def _say_end(self) -> None:
        self._silent = True
        self._inner.write_eof()

    def client_lost(self) -> None:
        """Close the inner end after the client's, when what is read has been taken."""
        self._ended = True
        self._inner.close()
        self._on_lost()

    # ---- to the client -----------------------------------------------------------------------------------------

    def answered(self, data: bytes) -> None:
        """Encrypt what is answered, for the client."""
        view = memoryview(data)
        try:
            while view:
                view = view[self._tls.write(view) :]
        except ssl.SSLError:
            return self.abort()
        self._flush()

    def end(self) -> None:
        """Say that nothing more will be sent (close_notify), and close when all has left."""
        if self._ended:
            return
        self._ended = True
        with suppress(ssl.SSLError):  # it would wait for the client to say the same
            self._tls.unwrap()
        self._flush()
        self._client.close()
        self._on_ended()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._client.write(data)

    # ---- neither faster than the other -------------------------------------------------------------------------

    def hold(self, end: "_End", full: bool) -> None:
        """Read no more from the other end while this one is `full`."""
        other = self._inner if end is self._client else self._client
        other.pause() if full else other.resume()


class _End(asyncio.BaseProtocol):
    """One end of a pump: a transport that may not be there yet, or not any more. What is written and closed before
    waits for it: ingress refuses some connections in the moment in which it gets them."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.transport: asyncio.Transport | None = None
        self._early, self._closed_early = b"", False

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size() if self.transport is not None else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=CHUNK)
        if self._early:
            transport.write(self._early)
        if self._closed_early:
            transport.close()

    def pause_writing(self) -> None:
        self.pump.hold(self, True)

    def resume_writing(self) -> None:
        self.pump.hold(self, False)

    def pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        if self.transport is None:
            self._early += data
        elif not self.transport.is_closing():
            self.transport.write(data)

    def write_eof(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write_eof()

    def close(self) -> None:
        self._closed_early = self.transport is None
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Client(_End, asyncio.BufferedProtocol):
    """The end at the client, which speaks TLS."""

    def get_buffer(self, sizehint: int) -> memoryview:
        return _buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.pump.received(_buffer[:nbytes])

    def eof_received(self) -> bool:
        self.pump.said_all()
        return True  # who says nothing more may still read

    def connection_lost(self, exc: Exception | None) -> None:
        self.pump.client_lost()


class _Inner(_End, asyncio.Protocol):
    """The end at the process that answers."""

    def data_received(self, data: bytes) -> None:
        self.pump.answered(data)

    def eof_received(self) -> bool:
        self.pump.end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.pump.end()
