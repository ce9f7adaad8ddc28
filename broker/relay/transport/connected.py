"""A socket of its own for each proven address, all on the worker's one port number: the kernel gives a datagram to the
socket that is connected to its source, and only those of unknown sources to the shared socket. A flood fills the buffer
of the shared socket, and those who send media do not notice. Reading costs less, too, as no address is built.

Packets to a client leave by its own socket, too: the kernel looks up no route for them, a full buffer is that client's
alone, and they leave from the address of the machine that the client knows.

At the shared socket a filter in the kernel drops whatever is not a STUN check."""

import ctypes
import select
import socket
import struct
from collections.abc import Collection, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

import structlog

from broker.relay.transport.egress import joins
from broker.relay.transport.route import Address, Route
from broker.relay.transport.socket_buffers import enlarge

log = structlog.get_logger()
BUFFER = 512 * 1024  # bytes from and to one client: a second of its media
MOST = 4096  # connected sockets: two for each client that a worker takes; the rest shares a socket, unfiltered
MEANWHILE = 64  # datagrams of others that reach a socket between bind and connect: a few at the most
AT_ONCE = 64  # sockets read in one pass, each once, so that none has to wait for another
ANY = ("0.0.0.0", "::")

_SO_ATTACH_FILTER, _SO_DETACH_FILTER, _SO_MEMINFO = 26, 27, 55
_IPV6_RECVPKTINFO, _IPV6_PKTINFO, _IP_PKTINFO = 49, 50, 8
_ANCILLARY = socket.CMSG_SPACE(20)
_NETWORK_HEADER = 0xFFF00000  # SKF_NET_OFF: offsets from here on are in the IP header
_CHECKS_ONLY = (  # classic BPF: (code, jump if true, jump if false, value); datagrams begin with 8 bytes of UDP header
    (0x28, 0, 0, 8),  # load the message type ...
    (0x15, 0, 8, 0x0001),  # ... which must be a binding request (RFC 8489 5, 18.2)
    (0x20, 0, 0, 12),
    (0x15, 0, 6, 0x2112A442),  # the magic cookie
    (0x28, 0, 0, 4),  # load the UDP length ...
    (0x14, 0, 0, 28),
    (0x07, 0, 0, 0),
    (0x28, 0, 0, 10),
    (0x1D, 0, 1, 0),  # ... in which header and attributes must fit exactly
    (0x06, 0, 0, 0xFFFF),  # accept
    (0x06, 0, 0, 0),  # drop, as any load beyond the end does
)


class SharedPort:
    """The UDP socket that datagrams of unknown sources arrive at."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket, self.sendto = sock, sock.sendto
        self.filtered = _attach(sock, _CHECKS_ONLY)
        """Whether only STUN checks arrive here. Otherwise clients may, as well, and are read like connected ones."""
        host = sock.getsockname()[0]
        self.any = host in ANY
        """Whether it is bound to all addresses of this machine."""
        self._ancillary: list[tuple[int, int, bytes]] = []
        if self.any:
            option = (socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO) if ":" in host else (socket.IPPROTO_IP, _IP_PKTINFO)
            sock.setsockopt(*option, 1)

    def recvfrom_into(self, buffer: memoryview, /) -> tuple[int, Address]:
        """Read the next datagram into `buffer`. Raises BlockingIOError when there is none now."""
        if not self.any:
            return self.socket.recvfrom_into(buffer)
        size, self._ancillary, _, address = self.socket.recvmsg_into([buffer], _ANCILLARY)
        return size, address

    @property
    def local(self) -> Address:
        """The address of this machine that the last datagram was sent to, to be bound: a machine may have several."""
        name = self.socket.getsockname()
        for level, kind, data in self._ancillary:
            if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
                return socket.inet_ntop(socket.AF_INET, data[4:8]), name[1]
            if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO):
                host, interface = socket.inet_ntop(socket.AF_INET6, data[:16]), struct.unpack("I", data[16:20])[0]
                return host, name[1], 0, interface if host.startswith("fe80:") else 0
        return tuple(name)

    @property
    def drops(self) -> int:
        """How many datagrams the kernel has dropped: by the filter, or as the buffer was full."""
        return _drops(self.socket)

    def admit_all(self) -> None:
        """Let everything arrive here, as some client has no socket of its own."""
        if self.filtered:
            self.filtered = False
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


class ConnectedPort:
    """The socket of one proven address, a Source of the hot loop."""

    __slots__ = ("address", "receive", "route", "socket")

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self.socket, self.address = sock, address
        self.receive: Any = sock.recv_into
        self.route = Route(sock.send, address, True, sock.sendmsg if joins(sock) else None)


class ConnectedPorts:
    """The connected sockets of a worker, beside its `shared` ones."""

    def __init__(self, shared: Sequence[SharedPort]) -> None:
        self.shared = shared
        self._by_send: dict[Any, SharedPort] = {port.sendto: port for port in shared}
        self._epoll = select.epoll()
        for port in shared:
            self._epoll.register(port.socket, select.EPOLLIN)
        self._shared = {port.socket.fileno(): port for port in shared}
        self._by_number: dict[int, ConnectedPort] = {}
        self._by_address: dict[Address, ConnectedPort] = {}
        self._unused: set[Address] = set()
        self._drops_before = 0

    def __len__(self) -> int:
        return len(self._by_number)

    def fileno(self) -> int:
        """Return the descriptor that is readable when one of the sockets is, a shared one too."""
        return self._epoll.fileno()

    def ready(self) -> tuple[list[ConnectedPort], list[SharedPort]]:
        """Return the sockets at which datagrams wait, connected and shared ones, AT_ONCE together at most; those come
        first that were not returned for longest."""
        found, connected = self._epoll.poll(0, AT_ONCE), self._by_number
        ready = [connected[number] for number, _ in found if number in connected]
        if len(ready) == len(found):
            return ready, []
        return ready, [self._shared[number] for number, _ in found if number in self._shared]

    def own(self, route: Route) -> Route:
        """Return the route of a proven address, and make a socket of its own for it where there is none yet.

        `route` is the one on which a valid check came just now. Where no socket can be made it is returned as it is."""
        shared = self._by_send.get(route.send)
        if shared is None:
            return route
        port = self._by_address.get(route.address)
        if port is None:
            try:
                port = self._open(shared, route.address)
            except OSError as error:
                log.warning("client shares a socket", why=error.strerror, sockets=len(self))
                shared.admit_all()
                return route
        return port.route

    def _open(self, shared: SharedPort, address: Address) -> ConnectedPort:
        if len(self) >= MOST:
            raise OSError(0, "too many connected sockets")
        sock = socket.socket(shared.socket.family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            enlarge(sock, socket.SO_RCVBUF, BUFFER)
            enlarge(sock, socket.SO_SNDBUF, BUFFER)
            filtered = _attach(sock, _only_from(address))
            _bind_beside(sock, shared)
            sock.connect(address)
            if not filtered:
                _empty(sock)
            self._epoll.register(sock, select.EPOLLIN)
        except OSError:
            sock.close()
            raise
        port = ConnectedPort(sock, address)
        self._by_number[sock.fileno()] = self._by_address[address] = port
        return port

    def sweep(self, used: Collection[Address]) -> None:
        """Close the sockets of addresses that are used no more, and were not when this was called last: a client that
        has just ended may still be sent its BYE."""
        unused = {address for address in self._by_address if address not in used}
        for address in unused & self._unused:
            self._close(self._by_address.pop(address))
        self._unused = unused

    @property
    def drops(self) -> int:
        """How many datagrams of proven addresses the kernel has dropped, as their buffer was full."""
        return self._drops_before + sum(_drops(port.socket) for port in self._by_number.values())

    def _close(self, port: ConnectedPort) -> None:
        self._drops_before += _drops(port.socket)
        self._epoll.unregister(port.socket)
        del self._by_number[port.socket.fileno()]
        port.socket.close()

    def close(self) -> None:
        """Close all connected sockets; the shared ones stay open."""
        for port in list(self._by_address.values()):
            self._close(port)
        self._by_address.clear()
        self._epoll.close()


def _bind_beside(sock: socket.socket, shared: SharedPort) -> None:
    """Bind to the address of the shared socket. That allows it for this moment only: no other process may share it."""
    if sock.family == socket.AF_INET6:
        dual = shared.socket.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, dual)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(shared.local)
    finally:
        shared.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)


def _only_from(address: Address) -> Sequence[tuple[int, int, int, int]]:
    """Return the filter that drops what other addresses send. Between bind and connect the kernel may choose the new
    socket for a datagram of any client, which then looks like one of this client; it may even arrive a moment later, on
    another processor. Of an IPv6 address the last 32 bits are compared, as its port is, too."""
    source = ip_address(address[0].partition("%")[0])
    inner = source.ipv4_mapped if isinstance(source, IPv6Address) else source
    last = int(source) & 0xFFFFFFFF
    return (
        (0x28, 0, 0, 0),  # load the source port ...
        (0x15, 0, 3, address[1]),
        (0x20, 0, 0, _NETWORK_HEADER + (20 if inner is None else 12)),  # ... and the source address
        (0x15, 0, 1, last),
        (0x06, 0, 0, 0xFFFF),  # accept
        (0x06, 0, 0, 0),
    )


def _drops(sock: socket.socket) -> int:
    return int(struct.unpack_from("I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36), 32)[0])


def _empty(sock: socket.socket) -> None:
    """Drop what strangers sent between bind and connect, as far as it has arrived."""
    try:
        for _ in range(MEANWHILE):
            sock.recv(1)
    except BlockingIOError:
        return


def _attach(sock: socket.socket, program: Sequence[tuple[int, int, int, int]]) -> bool:
    """Attach a filter (socket(7), SO_ATTACH_FILTER). Return False, logged, where the kernel does not take it."""
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    held = ctypes.create_string_buffer(code, len(code))
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(held)))
    except OSError as error:
        log.warning("datagrams of strangers are not filtered in the kernel", why=error.strerror)
        return False
    return True
