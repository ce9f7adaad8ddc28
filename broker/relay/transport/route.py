"""The route to a client: the socket to send from and the address to send to. UDP sockets and TCP connections have the
same interface here, so that the hot loop reads and sends without telling them apart."""

import socket
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any, NamedTuple, Protocol

Address = tuple[Any, ...]
"""An address as the socket returns it: host, port and for IPv6 two more; that of a TCP connection ends in "tcp"."""


class Port(Protocol):
    """Something that datagrams of any address arrive at: a UDP socket, or an object that behaves like one."""

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """Read the next datagram into `buffer`. Raises BlockingIOError when there is none now."""
        ...

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        """Send a datagram at once. Raises OSError when that is impossible; then the whole datagram is dropped."""
        ...


class Route(NamedTuple):
    """The send function and the address of a client. A `connected` socket sends to that address alone; `batch` is
    its `sendmsg`, where packets may leave together (`egress`). Two routes are equal when all of this is."""

    send: Callable[[bytes | memoryview, Any], int]
    address: Address
    connected: bool = False
    batch: Callable[..., int] | None = None

    @property
    def to(self) -> Any:
        """The second argument of `send`: the address, or for a connected socket no flags."""
        return 0 if self.connected else self.address

    @property
    def stream(self) -> bool:
        """Whether this is a TCP connection."""
        return bool(self.address[-1] == "tcp")

    @property
    def mapped(self) -> tuple[str, int]:
        """Host and port as the client's network sees them: IPv4 also for an IPv4 client of a dual-stack socket."""
        host, port = self.address[:2]
        inner = IPv6Address(host.partition("%")[0]).ipv4_mapped if ":" in host else None
        return (str(inner) if inner else host.partition("%")[0]), port


class Source(Protocol):
    """Something that the hot loop reads one datagram from."""

    receive: Callable[[memoryview], int]
    """Reads a datagram into a buffer and returns its size. Raises BlockingIOError when there is none now."""

    @property
    def address(self) -> Address:
        """Where the datagram that was read last comes from."""
        ...

    @property
    def route(self) -> Route:
        """The route back to that address."""
        ...

    @property
    def socket(self) -> socket.socket | None:
        """The UDP socket that it was read from, if there is one."""
        ...


class PortSource:
    """A Port as a Source, whose address changes with each datagram."""

    __slots__ = ("_port", "_receive", "address", "receive", "socket")

    def __init__(self, port: Port) -> None:
        self._port, self._receive = port, port.recvfrom_into
        self.address: Address = ()
        self.receive: Callable[[memoryview], int] = self._receive_from
        self.socket = port if isinstance(port, socket.socket) else None

    def _receive_from(self, view: memoryview) -> int:
        size, self.address = self._receive(view)
        return size

    @property
    def route(self) -> Route:
        """The route back to the address of the last datagram."""
        return Route(self._port.sendto, self.address)
