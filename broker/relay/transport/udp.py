"""The sockets of a worker: UDP and TCP under one port number, on every address that it binds. Firewalls open ports by
number, so one rule covers all of them."""

import errno
import resource
import socket
from collections.abc import Sequence
from typing import NamedTuple

from broker.relay.transport.socket_buffers import enlarge

SOCKET_BUFFER = 4 * 1024 * 1024  # bytes in each direction: what forty visits send in a fifth of a second
ATTEMPTS = 20  # to find a port number that is free on every address and for both protocols
BACKLOG = 64


class Sockets(NamedTuple):
    """The bound sockets of a worker, all on `port`; those in `tcp` listen."""

    port: int
    udp: list[socket.socket]
    tcp: list[socket.socket]

    def close(self) -> None:
        """Close all sockets, UDP and TCP."""
        for sock in (*self.udp, *self.tcp):
            sock.close()


def allow_descriptors() -> None:
    """Raise this process's limit of open files to what it may have: each client has a socket of its own."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def open_ports(hosts: Sequence[str], port: int) -> Sockets:
    """Return a UDP and a TCP socket for each host on `port`, or on a free port when `port` is 0.

    A single host "::" also accepts IPv4. Raises OSError when the port is taken, or a host is not one of this machine.
    """
    for attempt in range(ATTEMPTS):
        opened = Sockets(port, [], [])
        try:
            for host in hosts:
                for kind, found in ((socket.SOCK_DGRAM, opened.udp), (socket.SOCK_STREAM, opened.tcp)):
                    number = port or (opened.udp[0].getsockname()[1] if opened.udp else 0)
                    found.append(_bound(kind, host, number, dual=list(hosts) == ["::"]))
            return opened._replace(port=opened.udp[0].getsockname()[1])
        except OSError as error:
            opened.close()
            if port or error.errno != errno.EADDRINUSE or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _bound(kind: socket.SocketKind, host: str, port: int, dual: bool) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        sock.setblocking(False)
        if kind is socket.SOCK_DGRAM:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                enlarge(sock, option, SOCKET_BUFFER)
        else:  # connections of a worker that died must not keep the next one from binding its port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        sock.bind((host, port))
        if kind is socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
