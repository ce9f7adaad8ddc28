"""Sizes of socket buffers, which hold packets while a reader or the network is slow for a moment. The kernel silently
cuts a requested size down to its own limit (socket(7)), and bursts of packets are then lost: this is logged once."""

import socket
from functools import cache

import structlog

log = structlog.get_logger()
LIMITS = {socket.SO_RCVBUF: "net.core.rmem_max", socket.SO_SNDBUF: "net.core.wmem_max"}


def enlarge(sock: socket.socket, option: int, size: int) -> None:
    """Request a buffer of `size` bytes, and log it when the kernel gives less. `option` is SO_RCVBUF or SO_SNDBUF."""
    sock.setsockopt(socket.SOL_SOCKET, option, size)
    granted = sock.getsockopt(socket.SOL_SOCKET, option) // 2  # the kernel reports twice the size for data
    if granted < size:
        _warn(LIMITS[option], size, granted)


@cache
def _warn(limit: str, wanted: int, granted: int) -> None:
    log.warning(
        "socket buffer smaller than requested, see docs/operations.md", sysctl=limit, wanted=wanted, granted=granted
    )
