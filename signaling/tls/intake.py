"""The ingress process's end of the socket to the TLS process: it takes negotiated connections in, and tells which
addresses are those of known senders, whose handshakes then go before those of strangers."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from broker.kernel.errors import ControlUnavailable
from signaling.ingress.handover import (
    LIST,
    TLS_SOCKET_FILE,
    AnyMessage,
    Known,
    Negotiated,
    PacketSocket,
    TlsCounts,
    close_all,
)


class TlsIntake:
    """Negotiated connections, as they come. `on_connection` is called with each one and its client's address;
    `known_since` returns the addresses that a valid credential came from after a moment."""

    def __init__(
        self,
        run_dir: Path,
        on_connection: Callable[[socket.socket, str], None],
        known_since: Callable[[float], list[str]],
    ) -> None:
        self._path, self._on_connection, self._known_since = run_dir / TLS_SOCKET_FILE, on_connection, known_since
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._packets: PacketSocket | None = None
        self._loop = asyncio.get_running_loop()
        self._told = float("-inf")
        self.counts: dict[str, float] = {}
        """The latest counters of the TLS process, each with `tls_` before its name."""

    def open(self) -> None:
        """Listen; a socket file left by a killed predecessor is replaced. Raises OSError."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(self._path))
        finally:
            os.umask(before)
        self._listener.listen(4)
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Take no more connections from the TLS process."""
        if self._listener.fileno() < 0:
            return
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)
        if self._packets is not None:
            self._packets.close()

    def tick(self, now: float) -> None:
        """Tell which addresses have become known."""
        if self._packets is None or self._packets.unsent:
            return
        addresses = self._known_since(self._told)
        with suppress(ControlUnavailable):  # it is gone; the next one is told everything
            for start in range(0, len(addresses), LIST):
                self._packets.send(Known(addresses[start : start + LIST]))
        self._told = now

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return  # it went away
        if self._packets is not None:
            self._packets.close()  # a newer one has been started
        packets = self._packets = PacketSocket(connection, self._handle, lambda: self._gone(packets))
        self._told = float("-inf")

    def _gone(self, packets: PacketSocket) -> None:
        if self._packets is packets:
            self._packets = None

    def _handle(self, message: AnyMessage, descriptors: list[int]) -> None:
        if isinstance(message, Negotiated) and len(descriptors) == 1:
            connection = socket.socket(fileno=descriptors[0])
            connection.setblocking(False)
            return self._on_connection(connection, message.peer)
        close_all(descriptors)
        if isinstance(message, TlsCounts):
            self.counts = message.values
