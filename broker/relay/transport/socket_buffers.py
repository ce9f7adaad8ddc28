"""How much a socket may hold for whoever is slower for a moment. The kernel cuts what is asked for down to its own
limit (socket(7)) without a word, and packets are then lost in a burst that nobody understands: so it is said, once."""

import socket
from functools import cache

import structlog

log = structlog.get_logger()
LIMITS = {socket.SO_RCVBUF: "net.core.rmem_max", socket.SO_SNDBUF: "net.core.wmem_max"}


def enlarge(sock: socket.socket, option: int, size: int) -> None:
    """Ask for `size` bytes: `option` is SO_RCVBUF or SO_SNDBUF."""
    sock.setsockopt(socket.SOL_SOCKET, option, size)
    given = sock.getsockopt(socket.SOL_SOCKET, option) // 2  # the kernel counts twice what data may take
    if given < size:
        _warn(LIMITS[option], size, given)


@cache
def _warn(limit: str, wanted: int, given: int) -> None:
    log.warning("socket buffer smaller than wanted, see the README", sysctl=limit, wanted=wanted, given=given)
