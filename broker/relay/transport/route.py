"""The way to a client: the socket to send from and the address to send to. A UDP socket and a TCP connection of the
worker look the same here, so that the hot loop reads from and sends to either without asking which it is."""

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any, NamedTuple, Protocol

Address = tuple[Any, ...]  # as the socket gives it: host, port and for IPv6 two more; of a connection ends in "tcp"


class Port(Protocol):
    """What the hot loop drains: a UDP socket, or whatever behaves like one."""

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """The next datagram. Raises BlockingIOError when there is none now."""
        ...

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        """Send one datagram at once. Raises OSError when that cannot be; then it is dropped, whole."""
        ...


class Route(NamedTuple):
    """Where from and where to. Equal when both are."""

    send: Callable[[bytes | memoryview, Address], int]
    address: Address

    @property
    def stream(self) -> bool:
        """Whether it is a TCP connection."""
        return bool(self.address[-1] == "tcp")

    @property
    def mapped(self) -> tuple[str, int]:
        """Host and port as the client's network knows them: an IPv4 client of a dual-stack socket is an IPv4 client."""
        host, port = self.address[:2]
        inner = IPv6Address(host.partition("%")[0]).ipv4_mapped if ":" in host else None
        return (str(inner) if inner else host.partition("%")[0]), port
