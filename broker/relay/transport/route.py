"""The route to a client: the socket to send from and the address to send to. UDP sockets and TCP connections have the
same interface here, so that the hot loop reads and sends without telling them apart."""

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any, NamedTuple, Protocol

Address = tuple[Any, ...]
"""An address as the socket returns it: host, port and for IPv6 two more; that of a TCP connection ends in "tcp"."""


class Port(Protocol):
    """What the hot loop reads from: a UDP socket, or an object that behaves like one."""

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """Read the next datagram into `buffer`. Raises BlockingIOError when there is none now."""
        ...

    def sendto(self, data: bytes | memoryview, address: Address, /) -> int:
        """Send a datagram at once. Raises OSError when that is impossible; then the whole datagram is dropped."""
        ...


class Route(NamedTuple):
    """The send function and the address of a client. Two routes are equal when both are equal."""

    send: Callable[[bytes | memoryview, Address], int]
    address: Address

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


class Client(Protocol):
    """What a track needs of its publisher and a down track of its subscriber; `transport.peer` implements it."""

    @property
    def tx(self) -> Any:
        """The SRTP context for packets to the client; None before the handshake and after the end."""
        ...

    @property
    def route(self) -> Route | None:
        """Where packets to the client go; None before a STUN check has proven an address."""
        ...

    @property
    def ready(self) -> bool:
        """Whether the handshake is done and SRTP flows."""
        ...

    def send(self, datagram: bytes) -> None:
        """Send a datagram that is encrypted already."""
        ...

    def send_rtcp(self, packet: bytes) -> None:
        """Encrypt and send an RTCP compound."""
        ...
