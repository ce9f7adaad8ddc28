"""The TLS process's end of the socket to ingress: negotiated connections go over it as descriptors, with the address
of the client. It is made again whenever ingress is started again; what control has by then lives on."""

import asyncio
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from broker.kernel.errors import ControlUnavailable
from signaling.ingress.handover import (
    TLS_SOCKET_FILE,
    AnyMessage,
    Known,
    Negotiated,
    PacketSocket,
    TlsCounts,
    close_all,
)

AGAIN_SECONDS = 0.05  # between attempts while ingress starts; it announces itself in no other way


class IngressLink:
    """The way to the ingress process. `learn` is called with addresses of known senders."""

    def __init__(self, run_dir: Path, learn: Callable[[Iterable[str]], None]) -> None:
        self._path, self._learn = run_dir / TLS_SOCKET_FILE, learn
        self._packets: PacketSocket | None = None
        self._connected, self._lost = asyncio.Event(), asyncio.Event()

    async def until_ready(self) -> None:
        """Wait until ingress takes connections."""
        await self._connected.wait()

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                self._lost.clear()
                if self._connect():
                    await self._lost.wait()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            if self._packets is not None:
                self._packets.close()

    def hand_over(self, connection: socket.socket, peer: str) -> None:
        """Give ingress its end of a negotiated connection from `peer`. Raises ControlUnavailable; the connection is
        then still the caller's."""
        if self._packets is None:
            raise ControlUnavailable()
        self._packets.send(Negotiated(peer), connection)

    def report(self, values: dict[str, float]) -> None:
        """Send the counters, where ingress listens."""
        if self._packets is not None and not self._packets.unsent:
            self._packets.send(TlsCounts(values))

    def _connect(self) -> bool:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.setblocking(False)
        try:
            connection.connect(str(self._path))
        except OSError:  # it does not listen yet
            connection.close()
            return False
        self._packets = PacketSocket(connection, self._handle, self._gone)
        self._connected.set()
        return True

    def _gone(self) -> None:
        self._packets = None
        self._connected.clear()
        self._lost.set()

    def _handle(self, message: AnyMessage, descriptors: list[int]) -> None:
        close_all(descriptors)
        if isinstance(message, Known):
            self._learn(message.addresses)
